//! What goes wrong while a connection is protected, and what to do about it.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use ledger_core::Error;
use rustls::{AlertDescription, CertificateError};
use sqlx::error::DatabaseError;

use super::failure::{Failure, Verdict, judge};
use super::options::ServerOptions;

/// The failure that an error is which came while a connection was opened. Only then the two sides agree on how it is
/// protected, and what they cannot agree on no repeat mends.
pub(super) fn judge_opening(
    error: sqlx::Error,
    options: &ServerOptions,
    verdict: impl Fn(&dyn DatabaseError) -> (Verdict, String),
) -> Failure {
    let reason = match &error {
        sqlx::Error::Tls(why) => refused(why.as_ref(), options),
        // What TLS has to say comes through the socket.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => match error.get_ref() {
            Some(why) => refused(why, options),
            None => refused(error, options),
        },
        // The driver reads the files of certificates for each connection, and does not say which one it was.
        sqlx::Error::Io(_) => match unreadable(options) {
            Some(reason) => reason,
            None => return judge(error, verdict),
        },
        // What the driver calls by the name of a feature of its own.
        sqlx::Error::Configuration(why) if why.to_string().contains("rsa") => {
            "this login's password can only be sent over a protected connection; choose one with sslmode=require".into()
        }
        sqlx::Error::Configuration(why) => format!("the connection's settings do not work ({why})"),
        _ => return with_advice(judge(error, verdict)),
    };
    Failure::Said(Error::AccessDenied { reason })
}

/// What a server says that does not let somebody in, and what to do about it.
fn with_advice(failure: Failure) -> Failure {
    match failure {
        Failure::Said(Error::AccessDenied { reason }) => Failure::Said(Error::AccessDenied {
            reason: format!(
                "{reason}; mend the user, password or certificate that is named, or have the server let them in"
            ),
        }),
        other => other,
    }
}

fn refused(why: &(dyn StdError + 'static), options: &ServerOptions) -> String {
    use rustls::Error::{AlertReceived, InvalidCertificate};
    match why.downcast_ref::<rustls::Error>() {
        Some(InvalidCertificate(CertificateError::UnknownIssuer)) => match &options.root_certificate {
            Some(path) => format!(
                "the server's certificate comes neither from the authority in {} nor from one that this system knows; name \
                 the right one with sslrootcert=FILE",
                path.display()
            ),
            None => "the server's certificate comes from no authority that this system knows; name the file with the \
                     authority's certificate with sslrootcert=FILE"
                .into(),
        },
        Some(InvalidCertificate(
            why @ (CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }),
        )) => format!(
            "the server's certificate is for another host ({why}); connect to a host that it names, or check only its \
             authority with sslmode=verify-ca"
        ),
        Some(InvalidCertificate(why)) => {
            format!("the server's certificate is not accepted ({why}); have the server's administrator renew it")
        }
        Some(AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        )) => "the server wants another certificate of this client; name its files with sslcert=FILE and sslkey=FILE"
            .into(),
        None if why.to_string().contains("does not support TLS") => {
            "the server cannot encrypt connections; set it up to, or go without with sslmode=disable".into()
        }
        _ => format!("no protected connection can be made ({why}); mend that, or choose less protection with sslmode="),
    }
}

/// Says which file of a certificate or key cannot be read.
fn unreadable(options: &ServerOptions) -> Option<String> {
    let ServerOptions { root_certificate, client_certificate, client_key, .. } = options;
    let named = [("sslrootcert", root_certificate), ("sslcert", client_certificate), ("sslkey", client_key)];
    named.into_iter().find_map(|(setting, path)| {
        let path: &Path = path.as_deref()?;
        let error = std::fs::File::open(path).err()?;
        Some(format!(
            "{setting} names {}, which cannot be read ({error}); name a PEM file that this user may read",
            path.display()
        ))
    })
}
