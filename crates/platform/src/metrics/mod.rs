//! Figures of one environment's functions since the start, and lately. Noting a call is a look-up
//! under a read lock and some atomic additions; everything else is done when somebody asks.
//!
//! Only functions that exist get figures, and only so many: the number of time series is bounded
//! whatever callers send.

mod histogram;
mod prometheus;
pub mod usage;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value as Json, json};

pub use histogram::{Histogram, Quantiles};
pub use prometheus::Exposition;

use crate::calls::Trigger;
use crate::environment::Environment;
use crate::records::{ERROR_KINDS, Part, Record};

/// How many functions of an environment have figures of their own; the rest share [`OTHER`].
const FUNCTIONS_MAX: usize = 1_000;
/// The name of the functions beyond that.
const OTHER: &str = "_other";
/// How long a function's memory setting is taken for what it was.
const MEMORY_KNOWN_MS: i64 = 2_000;

/// The figures of one function.
#[derive(Debug, Default)]
struct Figures {
    by_trigger: [AtomicU64; Trigger::ALL.len()],
    by_error: [AtomicU64; ERROR_KINDS.len()],
    cold: AtomicU64,
    megabyte_us: AtomicU64,
    result_bytes: AtomicU64,
    duration: Histogram,
    queued: Histogram,
    start: Histogram,
    memory_mb: AtomicU64,
    memory_known_ms: AtomicI64,
}

/// The figures of one environment.
#[derive(Debug, Default)]
pub struct Metrics {
    functions: RwLock<HashMap<String, Arc<Figures>>>,
    missing: AtomicU64,
}

impl Metrics {
    /// Counts a settled invocation; fills its memory setting in.
    pub(crate) fn note(&self, environment: &Environment, record: &mut Record, now_ms: i64) {
        let kind = record.error.as_ref().map(|error| error.kind);
        if kind == Some("not-found") {
            self.missing.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let figures = self.of(&record.function);
        let add = |counter: &AtomicU64, count| counter.fetch_add(count, Ordering::Relaxed);
        if record.part != Part::Request {
            record.memory_limit_mb = figures.memory(environment, &record.function, now_ms);
            add(&figures.megabyte_us, record.megabyte_us());
        }
        if record.cold {
            add(&figures.cold, 1);
            figures.start.note(record.start_us, now_ms);
        }
        if record.part == Part::Server {
            return;
        }
        if let Some(at) = Trigger::ALL.iter().position(|it| it.name() == record.trigger) {
            add(&figures.by_trigger[at], 1);
        }
        if let Some(at) = kind.and_then(|kind| ERROR_KINDS.iter().position(|it| *it == kind)) {
            add(&figures.by_error[at], 1);
        }
        add(&figures.result_bytes, record.result_bytes as u64);
        figures.duration.note(record.duration_us, now_ms);
        figures.queued.note(record.queued_us, now_ms);
    }

    fn of(&self, function: &str) -> Arc<Figures> {
        let known = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(figures) = known.get(function) {
            return Arc::clone(figures);
        }
        drop(known);
        let mut known = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        let name = if known.len() < FUNCTIONS_MAX { function } else { OTHER };
        Arc::clone(known.entry(name.to_owned()).or_default())
    }

    fn all(&self) -> Vec<(String, Arc<Figures>)> {
        let known = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> =
            known.iter().map(|(name, figures)| (name.clone(), Arc::clone(figures))).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

impl Figures {
    /// The memory setting, looked up now and then: a call must not pay for it.
    fn memory(&self, environment: &Environment, function: &str, now_ms: i64) -> u64 {
        if now_ms - self.memory_known_ms.load(Ordering::Relaxed) > MEMORY_KNOWN_MS
            && let Some(info) = environment.functions().get(environment.id(), function)
        {
            self.memory_mb.store(info.settings.memory_mb, Ordering::Relaxed);
            self.memory_known_ms.store(now_ms, Ordering::Relaxed);
        }
        self.memory_mb.load(Ordering::Relaxed)
    }

    fn calls(&self) -> u64 {
        sum(&self.by_trigger)
    }

    fn errors(&self) -> u64 {
        sum(&self.by_error)
    }

    fn gigabyte_seconds(&self) -> f64 {
        gigabyte_seconds(self.megabyte_us.load(Ordering::Relaxed))
    }
}

fn sum(counters: &[AtomicU64]) -> u64 {
    counters.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
}

/// MB·µs as GB·s, as the vendor counts them: 1 GB is 1,024 MB.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn gigabyte_seconds(megabyte_us: u64) -> f64 {
    megabyte_us as f64 / 1_024.0 / 1_000_000.0
}

/// The figures of an environment's functions as JSON.
#[must_use]
pub fn as_json(environment: &Environment) -> Json {
    let now_ms = environment.now_ms();
    let infos = environment.functions().list(environment.id());
    let mut all: BTreeMap<String, Arc<Figures>> = environment.metrics().all().into_iter().collect();
    for info in &infos {
        all.entry(info.name.clone()).or_default();
    }
    let functions: Vec<Json> = all
        .into_iter()
        .map(|(name, figures)| {
            let info = infos.iter().filter(|info| info.name == name);
            let (workers, queued) = info.fold((0, 0), |(workers, queued), info| {
                (workers + info.workers, queued + info.queued)
            });
            function_as_json(&name, &figures, workers, queued, now_ms)
        })
        .collect();
    json!({
        "environment": environment.id(),
        "simulator": environment.wechat().is_simulator(),
        "functions": functions,
        "waitingWorkers": environment.functions().waiting_workers(),
        "callsToMissingFunctions": environment.metrics().missing.load(Ordering::Relaxed),
        "journalBytes": environment.journal_bytes(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn function_as_json(
    name: &str,
    figures: &Figures,
    workers: usize,
    queued: usize,
    now_ms: i64,
) -> Json {
    let (calls, errors) = (figures.calls(), figures.errors());
    let cold = figures.cold.load(Ordering::Relaxed);
    let rate = |count: u64| if calls == 0 { 0.0 } else { count as f64 / calls as f64 };
    let ms = |quantiles: Quantiles| {
        let ms = |us: u64| us as f64 / 1_000.0;
        json!({
            "calls": quantiles.count,
            "p50Ms": ms(quantiles.p50),
            "p95Ms": ms(quantiles.p95),
            "p99Ms": ms(quantiles.p99),
        })
    };
    let named = |names: &[&str], counters: &[AtomicU64]| -> Json {
        let counts = counters.iter().map(|counter| counter.load(Ordering::Relaxed));
        let named = names.iter().zip(counts).filter(|(_, count)| *count > 0);
        named
            .map(|(name, count)| ((*name).to_owned(), json!(count)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let triggers = Trigger::ALL.map(Trigger::name);
    json!({
        "name": name,
        "calls": calls,
        "errors": errors,
        "cold": cold,
        "errorRate": rate(errors),
        "coldRate": rate(cold),
        "byTrigger": named(&triggers, &figures.by_trigger),
        "byError": named(&ERROR_KINDS, &figures.by_error),
        "duration": ms(figures.duration.quantiles(now_ms)),
        "queued": ms(figures.queued.quantiles(now_ms)),
        "start": ms(figures.start.quantiles(now_ms)),
        "gigabyteSeconds": figures.gigabyte_seconds(),
        "resultBytes": figures.result_bytes.load(Ordering::Relaxed),
        "workers": workers,
        "queuedCalls": queued,
    })
}
