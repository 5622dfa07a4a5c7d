//! Where the database is and how a store uses it, read from one address:
//! `postgres://user:password@host:5432/database?schema=shop&connections=4&horizon=600`. What is
//! not ours is the driver's (`host` of a Unix socket, `sslmode`, `connect_timeout`, several hosts).
//! It refuses what it does not understand, and never shows the password.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::Error;
use crate::postgres_adapter::encryption::Encryption;

/// The longest name of a schema: with a prefix it names a channel of at most 63 bytes.
const SCHEMA_BYTES_MAX: usize = 48;

/// How a store on PostgreSQL reaches its database and uses it.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Schema that holds this environment's tables; made when it is missing. 1 to 48 ASCII
    /// letters, digits, `_` and `-`, not beginning with `pg_`. Default `yunkai`.
    pub schema: String,
    /// Connections for reading, 1 to 64. Two more are for committing and for listening.
    /// Default 4.
    pub connections: usize,
    /// How long a snapshot can be read after something newer was committed. Older versions are
    /// reclaimed in the background. Default ten minutes.
    pub horizon: Duration,
    /// How long it is tried to learn what became of a commit whose connection broke, before
    /// [`Error::CommitUnknown`] is the answer. Default 30 seconds.
    pub patience: Duration,
    /// Where the database is and who asks.
    pub(crate) config: Config,
    pub(crate) encryption: Encryption,
}

impl PostgresOptions {
    /// Reads an address. Its parameters `schema`, `connections`, `horizon` and `patience` (seconds,
    /// fractions allowed) are the fields of the same names.
    ///
    /// # Errors
    ///
    /// [`Error::AddressRefused`] says which part is not understood.
    pub fn parse(address: &str) -> Result<PostgresOptions, Error> {
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let mut options = PostgresOptions {
            schema: "yunkai".to_owned(),
            connections: 4,
            horizon: Duration::from_secs(600),
            patience: Duration::from_secs(30),
            config: Config::new(),
            encryption: Encryption::none(),
        };
        let (mut others, mut authorities) = (Vec::new(), None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("schema", value)) => value.clone_into(&mut options.schema),
                Some(("connections", value)) => {
                    options.connections = value.parse().map_err(|_| refused("connections"))?;
                }
                Some(("horizon", value)) => {
                    options.horizon = seconds(value).ok_or_else(|| refused("horizon"))?;
                }
                Some(("patience", value)) => {
                    options.patience = seconds(value).ok_or_else(|| refused("patience"))?;
                }
                Some(("sslrootcert", value)) => {
                    let path = percent_decode_str(value).decode_utf8();
                    authorities = Some(path.map_err(|_| refused("sslrootcert"))?);
                }
                // The server is always asked to prove who it is.
                Some(("sslmode", "verify-full" | "verify-ca")) => others.push("sslmode=require"),
                _ => others.push(parameter),
            }
        }
        options.config = driver_config(&format!("{place}?{}", others.join("&")))?;
        if options.config.get_ssl_mode() == SslMode::Require {
            options.encryption = Encryption::trusting(authorities.as_deref())
                .map_err(|detail| refused(&format!("sslrootcert: {detail}")))?;
        } else {
            options.config.ssl_mode(SslMode::Disable);
        }
        options.check()?;
        Ok(options)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if self.schema.is_empty()
            || self.schema.len() > SCHEMA_BYTES_MAX
            || !self.schema.bytes().all(is_plain)
            || self.schema.starts_with("pg_")
        {
            return Err(refused("schema"));
        }
        if !(1..=64).contains(&self.connections) {
            return Err(refused("connections"));
        }
        Ok(())
    }
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

fn refused(what: &str) -> Error {
    Error::AddressRefused { detail: what.to_owned() }
}

/// The driver's part, with what makes a dead server noticed within seconds.
fn driver_config(address: &str) -> Result<Config, Error> {
    if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
        return Err(refused("postgres://"));
    }
    let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
        // The driver's words name parameters, never their values.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        refused(&cause.unwrap_or_else(|| error.to_string()))
    })?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_application_name().is_none() {
        config.application_name("yunkai");
    }
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.keepalives_idle(Duration::from_secs(10));
    config.keepalives_interval(Duration::from_secs(5));
    config.keepalives_retries(3);
    config.tcp_user_timeout(Duration::from_secs(20));
    Ok(config)
}

impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("horizon", &self.horizon)
            .field("patience", &self.patience)
            .field("hosts", &self.config.get_hosts())
            .field("database", &self.config.get_dbname())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_by_their_part() {
        for (address, expected) in [
            ("postgres://u:secret@db:5433/shop", "yunkai 4 600s shop"),
            ("postgresql:///shop?host=%2Frun%2Fpostgresql&user=u", "yunkai 4 600s shop"),
            (
                "postgres://u@db/shop?schema=my-env_1&connections=9&horizon=1.5",
                "my-env_1 9 1.5s shop",
            ),
            ("postgres://u@db/shop?schema=", "schema"),
            ("postgres://u@db/shop?schema=pg_catalog", "schema"),
            ("postgres://u@db/shop?schema=a%22b", "schema"),
            ("postgres://u@db/shop?connections=0", "connections"),
            ("postgres://u@db/shop?connections=many", "connections"),
            ("postgres://u@db/shop?horizon=-1", "horizon"),
            ("postgres://u@db/shop?patience=long", "patience"),
            ("postgres://u@db/shop?sslmode=verify-full", "yunkai 4 600s shop"),
            ("postgres://u@db/shop?sslmode=require&sslrootcert=%2Fnowhere", "sslrootcert"),
            ("postgres://u@db/shop?colour=red", "unknown option"),
            ("mysql://u@db/shop", "postgres://"),
        ] {
            let read = PostgresOptions::parse(address);
            let text = match &read {
                Ok(options) => {
                    let database = options.config.get_dbname().unwrap();
                    let PostgresOptions { schema, connections, horizon, .. } = options;
                    format!("{schema} {connections} {horizon:?} {database}")
                }
                Err(error) => error.to_string(),
            };
            assert!(text.contains(expected), "{address}: {text}");
            assert_eq!(read.is_err(), !expected.contains("shop"), "{address}: {text}");
            assert!(!format!("{read:?}").contains("secret"));
        }
    }
}
