//! The raw driver on the same tables: what somebody would write who needs no ledger. Nothing is digested, sealed or
//! judged; digests and seals are constants of the right length.

use std::str::FromStr;
use std::time::{Duration, Instant};

use agent_ledger::{Event, ModelId, SessionId, Timestamp};
use futures_util::TryStreamExt;
use ledger_servers::Postgres;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgConnectOptions, PgConnection, PgHasArrayType, PgTypeInfo};
use sqlx::{ConnectOptions, Encode, Row, Type};

use crate::common::Result;

const INSERT: &str = r#"INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at,
        schema_version, session_id, model_profile, model_id, digest, seal, metadata, payload)
    SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[],
        $8::timestamptz[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::text[],
        $16::text[])"#;

const INSERT_ONE: &str = r#"INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at,
        schema_version, session_id, model_profile, model_id, digest, seal, metadata, payload)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"#;

const APPEND: &str = r#"WITH lane AS (
        UPDATE ledger_head SET "next" = "next" + $15, recorded_at = clock_timestamp(), commits = commits + 1
        WHERE lane = 1 RETURNING "next" - $15 AS base, recorded_at
    )
    INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at, schema_version, session_id,
        model_profile, model_id, digest, seal, metadata, payload)
    SELECT lane.base + new.n - 1, new.id, new.run_id, new.turn, new.kind, new.actor, new.created_at, lane.recorded_at,
        new.schema_version, new.session_id, new.model_profile, new.model_id, new.digest, new.seal, new.metadata,
        new.payload
    FROM lane, UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[],
        $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bytea[], $13::text[], $14::text[])
        WITH ORDINALITY AS new(id, run_id, turn, kind, actor, created_at, schema_version, session_id, model_profile,
        model_id, digest, seal, metadata, payload, n)"#;

const COPY_OUT: &str = r#"COPY (SELECT "offset", id, run_id, turn, kind, actor, created_at, recorded_at, schema_version,
    session_id, model_profile, model_id, digest, seal, metadata, payload FROM events ORDER BY "offset")
    TO STDOUT (FORMAT binary)"#;

const DIGEST: &[u8] = &[7; 32];

const SEAL: &[u8] = &[7; 8];

pub(crate) struct Raw {
    connection: PgConnection,
    next: i64,
}

impl Raw {
    /// A connection to the tables of a ledger, to go on where it ends.
    pub(crate) async fn connect(server: &Postgres, schema: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(&server.url())?.options([("search_path", schema)]);
        let mut connection = options.disable_statement_logging().connect().await?;
        let next = sqlx::query(r#"SELECT "next" FROM ledger_head"#).fetch_one(&mut connection).await?.try_get(0)?;
        Ok(Self { connection, next })
    }

    /// Stores rows at offsets that are counted here, as a statement and transaction of their own.
    pub(crate) async fn insert(&mut self, events: &[Event]) -> Result<()> {
        let columns = Columns::of(events);
        let count = i64::try_from(events.len())?;
        sqlx::query(INSERT)
            .bind((self.next..self.next + count).collect::<Vec<_>>())
            .bind(columns.ids)
            .bind(columns.runs)
            .bind(columns.turns)
            .bind(columns.kinds)
            .bind(columns.actors)
            .bind(columns.created)
            .bind(vec![Micros::now(); events.len()])
            .bind(columns.versions)
            .bind(columns.sessions)
            .bind(columns.profiles)
            .bind(columns.models)
            .bind(columns.digests)
            .bind(columns.seals)
            .bind(columns.metadata)
            .bind(columns.payloads)
            .execute(&mut self.connection)
            .await?;
        self.next += count;
        Ok(())
    }

    /// Stores a row at an offset that is counted here, as a statement and transaction of its own.
    pub(crate) async fn insert_one(&mut self, event: &Event) -> Result<()> {
        sqlx::query(INSERT_ONE)
            .bind(self.next)
            .bind(event.id.as_str())
            .bind(event.run_id.as_str())
            .bind(i64::from(event.turn))
            .bind(event.kind.as_str())
            .bind(event.actor.as_str())
            .bind(Micros(event.created_at.as_micros()))
            .bind(Micros::now())
            .bind(i64::from(event.schema_version.get()))
            .bind(event.session_id.as_ref().map(SessionId::as_str))
            .bind(None::<&str>)
            .bind(event.model_id.as_ref().map(ModelId::as_str))
            .bind(DIGEST)
            .bind(SEAL)
            .bind("{}")
            .bind(event.payload.as_str())
            .execute(&mut self.connection)
            .await?;
        self.next += 1;
        Ok(())
    }

    /// Moves the head on and stores rows where it was, as one statement and transaction.
    pub(crate) async fn append(&mut self, events: &[Event]) -> Result<()> {
        let columns = Columns::of(events);
        sqlx::query(APPEND)
            .bind(columns.ids)
            .bind(columns.runs)
            .bind(columns.turns)
            .bind(columns.kinds)
            .bind(columns.actors)
            .bind(columns.created)
            .bind(columns.versions)
            .bind(columns.sessions)
            .bind(columns.profiles)
            .bind(columns.models)
            .bind(columns.digests)
            .bind(columns.seals)
            .bind(columns.metadata)
            .bind(columns.payloads)
            .bind(i64::try_from(events.len())?)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// How long it takes to get everything, in order; there are at least `expected` rows.
    pub(crate) async fn copy_out(&mut self, expected: usize) -> Result<Duration> {
        let start = Instant::now();
        let mut messages = self.connection.copy_out_raw(COPY_OUT).await?;
        let mut rows = 0;
        while let Some(message) = messages.try_next().await? {
            std::hint::black_box(&message);
            rows += 1;
        }
        if rows < expected {
            return Err(format!("the copy had {rows} messages").into());
        }
        Ok(start.elapsed())
    }
}

/// An array for each column that comes with an event.
struct Columns<'e> {
    ids: Vec<&'e str>,
    runs: Vec<&'e str>,
    turns: Vec<i64>,
    kinds: Vec<&'e str>,
    actors: Vec<&'e str>,
    created: Vec<Micros>,
    versions: Vec<i64>,
    sessions: Vec<Option<&'e str>>,
    profiles: Vec<Option<&'e str>>,
    models: Vec<Option<&'e str>>,
    digests: Vec<&'static [u8]>,
    seals: Vec<&'static [u8]>,
    metadata: Vec<&'static str>,
    payloads: Vec<&'e str>,
}

impl<'e> Columns<'e> {
    fn of(events: &'e [Event]) -> Self {
        Self {
            ids: events.iter().map(|event| event.id.as_str()).collect(),
            runs: events.iter().map(|event| event.run_id.as_str()).collect(),
            turns: events.iter().map(|event| i64::from(event.turn)).collect(),
            kinds: events.iter().map(|event| event.kind.as_str()).collect(),
            actors: events.iter().map(|event| event.actor.as_str()).collect(),
            created: events.iter().map(|event| Micros(event.created_at.as_micros())).collect(),
            versions: events.iter().map(|event| i64::from(event.schema_version.get())).collect(),
            sessions: events.iter().map(|event| event.session_id.as_ref().map(SessionId::as_str)).collect(),
            profiles: vec![None; events.len()],
            models: events.iter().map(|event| event.model_id.as_ref().map(ModelId::as_str)).collect(),
            digests: vec![DIGEST; events.len()],
            seals: vec![SEAL; events.len()],
            metadata: vec!["{}"; events.len()],
            payloads: events.iter().map(|event| event.payload.as_str()).collect(),
        }
    }
}

/// Microseconds since 1970, as `timestamptz`, which counts from 2000.
#[derive(Clone, Copy)]
struct Micros(i64);

impl Micros {
    fn now() -> Self {
        Self(Timestamp::now().as_micros())
    }
}

impl Type<sqlx::Postgres> for Micros {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1_184))
    }
}

impl PgHasArrayType for Micros {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1_185))
    }
}

impl Encode<'_, sqlx::Postgres> for Micros {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        Encode::<sqlx::Postgres>::encode(self.0 - 946_684_800_000_000, buffer)
    }
}
