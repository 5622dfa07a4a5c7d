//! Existing back ends: HTTP services that clients and functions of an environment may ask, with the
//! caller's verified identity in signed headers.
//!
//! Only what the project names can be reached, on the paths it allows; a redirect is an answer, not
//! a way to elsewhere. A service that fails is left alone for a while ([`breaker`]).

pub mod breaker;
mod calling;
mod identity;
mod settings;
mod target;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::caller::{Caller, Context};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::kept;

use breaker::{Breaker, Limits, Outcome, State};

pub use calling::{Answer, BODY_BYTES_MAX, Chunk, Request, call};
pub use identity::{introduce, is_reserved};
pub use settings::{Service, Services, check};

/// Where the services are kept.
pub(crate) const COLLECTION: &str = "system.services";
/// The names of services end so inside functions.
pub const HOST_SUFFIX: &str = ".services.internal";

/// The services of one environment, each with its breaker and connections.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: RwLock<HashMap<String, Arc<Entry>>>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    name: String,
    settings: Service,
    client: reqwest::Client,
    breaker: Mutex<Breaker>,
}

impl Directory {
    pub(crate) async fn read(engine: &engine::Engine) -> Result<Self> {
        let directory = Self::default();
        directory.replace(&kept::read(engine, COLLECTION).await?)?;
        Ok(directory)
    }

    /// A service whose settings stay the same keeps its breaker and connections.
    fn replace(&self, services: &Services) -> Result<()> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = HashMap::new();
        for (name, settings) in services {
            let kept = entries.get(name).filter(|entry| entry.settings == *settings);
            let entry = match kept {
                Some(entry) => Arc::clone(entry),
                None => Arc::new(Entry::new(name, settings)?),
            };
            fresh.insert(name.clone(), entry);
        }
        *entries = fresh;
        Ok(())
    }

    fn all(&self) -> Services {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|(name, entry)| (name.clone(), entry.settings.clone())).collect()
    }

    fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

impl Entry {
    fn new(name: &str, settings: &Service) -> Result<Self> {
        let limits = Limits {
            failures: settings.breaker_failures,
            open_ms: i64::try_from(settings.breaker_open_ms).unwrap_or(i64::MAX),
        };
        Ok(Self {
            name: name.to_owned(),
            settings: settings.clone(),
            client: calling::client(settings)?,
            breaker: Mutex::new(Breaker::new(limits)),
        })
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts these services in the place of all earlier ones, durably.
///
/// # Errors
/// What [`check`] refuses; the store's failures.
pub async fn apply(environment: &Environment, services: &Services) -> Result<()> {
    check(services)?;
    if environment.services().all() == *services {
        return Ok(());
    }
    kept::write(environment.engine(), COLLECTION, services).await?;
    environment.services().replace(services)
}

/// Takes over what another node has applied.
pub(crate) async fn learn(environment: &Environment) -> Result<()> {
    environment.services().replace(&kept::read(environment.engine(), COLLECTION).await?)
}

/// What an operator sees of a service.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its settings.
    #[serde(flatten)]
    pub settings: Service,
    /// `closed`, `open` or `half-open`.
    pub breaker: &'static str,
    /// The secret that signs requests to it, for whoever verifies them there.
    pub secret: String,
}

/// The services of an environment by name.
///
/// # Errors
/// [`Code::NotSignedIn`] for anybody but an administrator.
pub fn list(context: &Context) -> Result<Vec<Listed>> {
    if !matches!(context.caller, Caller::Administrator) {
        return Err(crate::sign_in::not_signed_in());
    }
    let directory = context.environment.services();
    let mut names: Vec<String> = directory.all().into_keys().collect();
    names.sort();
    let listed = names.iter().filter_map(|name| directory.get(name)).map(|entry| Listed {
        name: entry.name.clone(),
        settings: entry.settings.clone(),
        breaker: match entry.breaker().state() {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen => "half-open",
        },
        secret: secret(&context.environment, &entry.name),
    });
    Ok(listed.collect())
}

/// Each service has a secret of its own, so that none can write requests to another.
fn secret(environment: &Environment, service: &str) -> String {
    hex::encode(environment.keys().derive(&format!("service {service}")))
}

/// The service, if this caller may use it at all.
fn find(context: &Context, name: &str) -> Result<Arc<Entry>> {
    if matches!(context.caller, Caller::Nobody) {
        return Err(crate::sign_in::not_signed_in());
    }
    let entry = context.environment.services().get(name);
    let of_client = matches!(context.caller, Caller::User(_));
    entry.filter(|entry| entry.settings.clients || !of_client).ok_or_else(|| {
        Error::new(
            Code::ServiceMissing,
            format!(
                "There is no service '{name}' here: name it under services in yunkai.json. / 服务\
                 「{name}」不存在:请在 yunkai.json 的 services 中配置。"
            ),
        )
    })
}

/// A request that the breaker let through; it hears how it ended even when nobody waits for it.
struct Permit {
    entry: Arc<Entry>,
    clock: engine::Clock,
    noted: bool,
}

impl Permit {
    fn ask(entry: &Arc<Entry>, clock: engine::Clock) -> Result<Self> {
        let asked = entry.breaker().ask(clock.now_ms());
        match asked {
            Ok(()) => Ok(Self { entry: Arc::clone(entry), clock, noted: false }),
            Err(wait_ms) => Err(Error::new(
                Code::ServiceUnavailable,
                format!(
                    "The service '{0}' failed several times in a row and is left alone for {wait_ms} \
                     ms. / 服务「{0}」连续失败,{wait_ms} 毫秒内不再请求。",
                    entry.name
                ),
            )),
        }
    }

    fn note(mut self, outcome: Outcome) {
        self.noted = true;
        self.entry.breaker().note(outcome, self.clock.now_ms());
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.noted {
            self.entry.breaker().note(Outcome::Unknown, self.clock.now_ms());
        }
    }
}
