//! Points in time as Postgres has them.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type, TypeInfo};

/// From 1970-01-01, where our microseconds begin, to 2000-01-01, where those of Postgres do.
const EPOCH: i64 = 946_684_800_000_000;

/// Microseconds since 1970-01-01T00:00:00Z, in a column `timestamptz`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Micros(pub(super) i64);

impl Micros {
    /// As it stands in a binary answer.
    pub(super) fn from_wire(micros: i64) -> Self {
        // An `infinity` would overflow; it is no time that a ledger has, and is refused as one later.
        Self(micros.saturating_add(EPOCH))
    }
}

impl Type<Postgres> for Micros {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1_184))
    }

    fn compatible(info: &PgTypeInfo) -> bool {
        info.name().eq_ignore_ascii_case("timestamptz")
    }
}

impl PgHasArrayType for Micros {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1_185))
    }
}

impl Encode<'_, Postgres> for Micros {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0.saturating_sub(EPOCH), buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Micros {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes: [u8; 8] = value.as_bytes()?.try_into()?;
        Ok(Self::from_wire(i64::from_be_bytes(bytes)))
    }
}
