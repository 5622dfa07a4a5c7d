//! Figures in the text format of Prometheus. Every name begins with `yunkai_`, and
//! `docs/reference/observing.md` lists them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Figures, Histogram};
use crate::calls::Trigger;
use crate::environment::Environment;
use crate::records::ERROR_KINDS;

/// Bounds of buckets, as powers of two of a µs: about 1 ms to 17 s, then 134 s and 1,074 s.
const BOUNDS: [u32; 17] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 27, 30];

/// A text in the making.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a metric: `counter`, `gauge` or `histogram`.
    pub fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail; here and below.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A value with its labels, `a="b",c="d"`.
    pub fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{name}{{{labels}}} {value}");
    }

    /// A histogram in seconds.
    pub fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        for bound in BOUNDS {
            let seconds = seconds(1 << bound);
            let count = histogram.below(bound);
            let _ = writeln!(self.text, "{name}_bucket{{{labels},le=\"{seconds}\"}} {count}");
        }
        let (count, sum_us) = histogram.count_and_sum();
        let _ = writeln!(self.text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
        let _ = writeln!(self.text, "{name}_sum{{{labels}}} {}", seconds(sum_us));
        let _ = writeln!(self.text, "{name}_count{{{labels}}} {count}");
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// µs as seconds.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn seconds(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}

type Named = (String, Arc<Figures>);

impl Exposition {
    /// The figures of environments: their functions, workers and journals.
    pub async fn environments(&mut self, environments: &[Arc<Environment>]) {
        let all: Vec<Named> = environments
            .iter()
            .flat_map(|environment| {
                let label =
                    |name| format!("environment=\"{}\",function=\"{name}\"", environment.id());
                environment.metrics().all().into_iter().map(move |(name, it)| (label(name), it))
            })
            .collect();
        self.counters(&all);
        self.durations(&all, environments);
        self.gauges(environments);
        self.documents(environments).await;
    }

    /// What the documents of environments went through.
    async fn documents(&mut self, environments: &[Arc<Environment>]) {
        let rows = [
            ("yunkai_database_reads_total", "databaseReads", "Operations that read documents."),
            ("yunkai_database_writes_total", "databaseWrites", "Operations that write documents."),
            ("yunkai_outbound_bytes_total", "outboundBytes", "Results and downloads, in bytes."),
        ];
        for (name, member, help) in rows {
            self.metric(name, "counter", help);
            for it in environments {
                let totals = it.usage().totals();
                let total = totals.iter().find(|(name, _)| *name == member).map_or(0, |it| it.1);
                self.value(name, &format!("environment=\"{}\"", it.id()), total);
            }
        }
        let commits = "yunkai_store_commits";
        self.metric(commits, "gauge", "Number of the newest commit, also of other nodes.");
        for it in environments {
            // A store that does not answer has no value.
            if let Ok(newest) = it.engine().newest_change().await {
                self.value(commits, &format!("environment=\"{}\"", it.id()), newest.commit);
            }
        }
    }

    fn counters(&mut self, all: &[Named]) {
        let calls = "yunkai_function_calls_total";
        self.metric(calls, "counter", "Calls of functions, by what made them run.");
        for (labels, figures) in all {
            self.each(
                calls,
                labels,
                "trigger",
                &Trigger::ALL.map(Trigger::name),
                &figures.by_trigger,
            );
        }
        let errors = "yunkai_function_errors_total";
        self.metric(errors, "counter", "Calls without a result, by kind.");
        for (labels, figures) in all {
            self.each(errors, labels, "kind", &ERROR_KINDS, &figures.by_error);
        }
        let cold = "yunkai_function_cold_starts_total";
        self.metric(cold, "counter", "Calls for which a worker was given the function.");
        for (labels, figures) in all {
            self.value(cold, labels, figures.cold.load(Ordering::Relaxed));
        }
        let usage = "yunkai_function_gigabyte_seconds_total";
        self.metric(usage, "counter", "Memory setting times running time, in GB s.");
        for (labels, figures) in all {
            self.value(usage, labels, figures.gigabyte_seconds());
        }
        let bytes = "yunkai_function_result_bytes_total";
        self.metric(bytes, "counter", "Length of results, in bytes.");
        for (labels, figures) in all {
            self.value(bytes, labels, figures.result_bytes.load(Ordering::Relaxed));
        }
    }

    /// One value per name that was ever counted.
    fn each(
        &mut self,
        metric: &str,
        labels: &str,
        label: &str,
        names: &[&str],
        counters: &[AtomicU64],
    ) {
        for (name, counter) in names.iter().zip(counters) {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                self.value(metric, &format!("{labels},{label}=\"{name}\""), count);
            }
        }
    }

    fn durations(&mut self, all: &[Named], environments: &[Arc<Environment>]) {
        type Row = (&'static str, &'static str, fn(&Figures) -> &Histogram);
        let rows: [Row; 3] = [
            ("duration", "Running time of calls, in s.", |it| &it.duration),
            ("queue", "Time calls waited for a worker, in s.", |it| &it.queued),
            ("start", "Time cold calls took to start, in s.", |it| &it.start),
        ];
        let now_ms = environments.first().map_or(0, |environment| environment.now_ms());
        for (what, help, histogram) in rows {
            let name = format!("yunkai_function_{what}_seconds");
            self.metric(&name, "histogram", help);
            for (labels, figures) in all {
                self.histogram(&name, labels, histogram(figures));
            }
            let name = format!("yunkai_function_{what}_recent_seconds");
            self.metric(&name, "gauge", &format!("{help} Quantiles of the last 5 to 10 minutes."));
            for (labels, figures) in all {
                let lately = histogram(figures).quantiles(now_ms);
                for (quantile, us) in
                    [("0.5", lately.p50), ("0.95", lately.p95), ("0.99", lately.p99)]
                {
                    let labels = format!("{labels},quantile=\"{quantile}\"");
                    self.value(&name, &labels, seconds(us));
                }
            }
        }
    }

    fn gauges(&mut self, environments: &[Arc<Environment>]) {
        let infos: Vec<_> = environments
            .iter()
            .flat_map(|environment| environment.functions().list(environment.id()))
            .map(|it| {
                let labels = format!("environment=\"{}\",function=\"{}\"", it.environment, it.name);
                (labels, it.workers, it.queued)
            })
            .collect();
        self.metric("yunkai_function_workers", "gauge", "Worker processes of a function.");
        for (labels, workers, _) in &infos {
            self.value("yunkai_function_workers", labels, workers);
        }
        self.metric("yunkai_function_queue_length", "gauge", "Calls that wait for a worker.");
        for (labels, _, queued) in &infos {
            self.value("yunkai_function_queue_length", labels, queued);
        }
        let waiting = environments.first().map_or(0, |it| it.functions().waiting_workers());
        self.metric("yunkai_waiting_workers", "gauge", "Workers that have no function yet.");
        self.value("yunkai_waiting_workers", "", waiting);
        let missing = "yunkai_calls_to_missing_functions_total";
        self.metric(missing, "counter", "Calls of functions that do not exist.");
        for it in environments {
            let labels = format!("environment=\"{}\"", it.id());
            self.value(missing, &labels, it.metrics().missing.load(Ordering::Relaxed));
        }
        let journal = "yunkai_journal_bytes";
        self.metric(journal, "gauge", "What the journal takes on the disk, in bytes.");
        for it in environments {
            self.value(journal, &format!("environment=\"{}\"", it.id()), it.journal_bytes());
        }
    }
}
