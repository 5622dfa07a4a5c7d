//! The limits an engine is opened with. Plain data.

/// How much an engine keeps and allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long the change log keeps a record, in milliseconds. Default seven days.
    pub change_log_age_ms: i64,
    /// How large the change log may become on disk, in bytes. Default 512 MiB.
    pub change_log_bytes: u64,
    /// Memory for the newest changes, in bytes. Default 8 MiB.
    pub recent_changes_bytes: usize,
    /// How long a transaction may take, in milliseconds. Default 30,000.
    pub transaction_ms: i64,
    /// Documents one transaction may write. Default 10,000.
    pub transaction_writes: usize,
    /// Bytes of documents one transaction may write. Default 32 MiB.
    pub transaction_bytes: usize,
    /// How often expired documents are looked for, in milliseconds; 0 is never. Default 60,000.
    pub expiry_interval_ms: u64,
    /// Runs the committer as a task of the runtime that opens the engine in place of a thread of
    /// its own: on a single-threaded runtime everything then happens in one repeatable order. For
    /// simulations; an embedded store's disk work blocks the runtime. Default false.
    pub committer_on_runtime: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            change_log_age_ms: 7 * 24 * 3_600_000,
            change_log_bytes: 512 << 20,
            recent_changes_bytes: 8 << 20,
            transaction_ms: 30_000,
            transaction_writes: 10_000,
            transaction_bytes: 32 << 20,
            expiry_interval_ms: 60_000,
            committer_on_runtime: false,
        }
    }
}
