//! Everything the store says to the database, as text. `docs/format/postgresql.md` describes the
//! tables. Every statement that reads contents asks in the same breath whether the versions it
//! wants were reclaimed; a row with a null key is the answer yes.

use crate::PAGE_BYTES_MAX;

/// Number of the tables' format.
pub(crate) const FORMAT: i32 = 1;

/// The statements of one schema.
pub(crate) struct Texts {
    /// Whether there are tables.
    pub(crate) exists: String,
    /// Keeps two nodes from making the tables at once.
    pub(crate) lock_creation: String,
    pub(crate) create: String,
    pub(crate) format: String,
    pub(crate) begin_life: String,
    pub(crate) life: String,
    pub(crate) newest: String,
    /// `$1` version, `$2` keys.
    pub(crate) get_many: String,
    /// `$1` version, `$2` first key, `$3` key behind the last, `$4` limit.
    pub(crate) ascending: String,
    pub(crate) descending: String,
    pub(crate) lock_head: String,
    /// `$1` expected number, `$2` keys to remove, `$3` keys to put, `$4` their values.
    pub(crate) write: String,
    /// `$1` expected number, `$2` node, `$3` its attempt.
    pub(crate) advance: String,
    /// `$1` node, `$2` attempt: the number it was committed as.
    pub(crate) find_attempt: String,
    /// `$1` number: makes attempts that expect it outdated.
    pub(crate) skip: String,
    /// Changes nothing, but is a commit.
    pub(crate) touch_head: String,
    /// `$1` process, `$2` its start.
    pub(crate) end_process: String,
    pub(crate) notify: String,
    pub(crate) listen: String,
    pub(crate) mark: String,
    /// `$1` horizon in seconds.
    pub(crate) advance_horizon: String,
    pub(crate) forget: String,
    pub(crate) reclaim: String,
}

/// Rows of the past removed in one step.
pub(crate) const RECLAIM_STEP: u64 = 2_000;

impl Texts {
    pub(crate) fn new(schema: &str) -> Texts {
        // Checked to hold nothing but letters, digits, `_` and `-`.
        let s = format!("\"{schema}\"");
        let channel = format!("yunkai:{schema}");
        Texts {
            // Not `to_regclass`: it answers from a cache that a lock taken just now does not renew.
            exists: format!(
                "select exists (select from pg_catalog.pg_tables \
                 where schemaname = '{schema}' and tablename = 'about')"
            ),
            lock_creation: format!(
                "select pg_advisory_xact_lock(hashtextextended('{channel}', 0))"
            ),
            create: create(&s),
            format: format!("select format from {s}.about"),
            begin_life: format!(
                "insert into {s}.life (token) select gen_random_uuid()::text \
                 where not exists (select from {s}.life) on conflict do nothing"
            ),
            life: format!("select token from {s}.life"),
            newest: format!("select number from {s}.head"),
            get_many: get_many(&s),
            ascending: page(&s, "asc"),
            descending: page(&s, "desc"),
            lock_head: format!("select number from {s}.head for update"),
            write: write(&s),
            advance: format!(
                "with moved as (update {s}.head set number = number + 1 where number = $1 \
                 and {IN_TRANSACTION} \
                 returning number) insert into {s}.writers (node, attempt, number, at) \
                 select $2, $3, number, now() from moved on conflict (node) do update \
                 set attempt = excluded.attempt, number = excluded.number, at = excluded.at \
                 returning number"
            ),
            find_attempt: format!(
                "select number from {s}.writers where node = $1 and attempt = $2"
            ),
            skip: format!("update {s}.head set number = number + 1 where number = $1"),
            touch_head: format!("update {s}.head set number = number"),
            end_process: "select pg_terminate_backend(pid) from pg_stat_activity \
                          where pid = $1 and backend_start::text = $2"
                .to_owned(),
            notify: format!("select pg_notify('{channel}', $1)"),
            listen: format!("listen \"{channel}\""),
            mark: format!(
                "insert into {s}.marks (number, at) select number, clock_timestamp() \
                 from {s}.head where number > coalesce((select max(number) from {s}.marks), -1)"
            ),
            advance_horizon: format!(
                "with old as (select max(number) as number from {s}.marks \
                 where at < clock_timestamp() - make_interval(secs => $1)) \
                 update {s}.about set reclaimed = old.number from old \
                 where old.number > reclaimed"
            ),
            forget: format!(
                "delete from {s}.marks where number < (select reclaimed from {s}.about); \
                 delete from {s}.writers where at < now() - interval '1 day'"
            ),
            reclaim: format!(
                "delete from {s}.past where ctid = any(array(select ctid from {s}.past \
                 where until <= (select reclaimed from {s}.about) \
                 order by until limit {RECLAIM_STEP}))"
            ),
        }
    }
}

fn create(s: &str) -> String {
    format!(
        "create schema if not exists {s};
        create table {s}.about (format integer not null, reclaimed bigint not null);
        create table {s}.head (number bigint not null);
        create table {s}.pairs (key bytea primary key, version bigint not null, \
            value bytea not null) with (fillfactor = 90);
        create table {s}.past (until bigint not null, key bytea not null, \
            version bigint not null, value bytea not null);
        create index past_until on {s}.past (until, key);
        create table {s}.marks (number bigint not null, at timestamptz not null);
        create table {s}.writers (node text primary key, attempt bigint not null, \
            number bigint not null, at timestamptz not null);
        create unlogged table {s}.life (only_row boolean primary key default true \
            check (only_row), token text not null);
        insert into {s}.about values ({FORMAT}, 0);
        insert into {s}.head values (0)"
    )
}

fn get_many(s: &str) -> String {
    format!(
        "select key, value from {s}.pairs where key = any($2) and version <= $1 \
         union all select key, value from {s}.past \
         where until > $1 and version <= $1 and key = any($2) \
         union all select null, null from {s}.about where reclaimed > $1"
    )
}

/// One page: from both tables in order, until it has enough rows or bytes.
fn page(s: &str, order: &str) -> String {
    let (limit, bytes) = (format!("order by key {order} limit $4"), PAGE_BYTES_MAX);
    format!(
        "select key, value from (\
             select key, value, sum(octet_length(key) + octet_length(value)) \
                 over (order by key {order} rows unbounded preceding) \
                 - octet_length(key) - octet_length(value) as before \
             from ((select key, value from {s}.pairs \
                     where key >= $2 and key < $3 and version <= $1 {limit}) \
                 union all (select key, value from {s}.past \
                     where until > $1 and version <= $1 and key >= $2 and key < $3 {limit}) \
                 {limit}) rows) sized \
         where before < {bytes} \
         union all select null, null from {s}.about where reclaimed > $1"
    )
}

/// Whether the lock of the head was taken in this very transaction: were the `begin` before it to
/// fail, nothing may be written.
const IN_TRANSACTION: &str = "pg_current_xact_id_if_assigned() is not null";

/// Keeps what is overwritten, removes, puts; all only when the head is where it is expected. That
/// is looked up once, before anything is written.
fn write(s: &str) -> String {
    let is_fine = "exists (select from fine)";
    format!(
        "with fine as materialized (select from {s}.head where number = $1 \
             and {IN_TRANSACTION}), \
         kept as (insert into {s}.past (until, key, version, value) \
             select $1 + 1, key, version, value from {s}.pairs \
             where key = any($2 || $3) and {is_fine}), \
         removed as (delete from {s}.pairs where key = any($2) and {is_fine}) \
         insert into {s}.pairs (key, version, value) \
         select key, $1 + 1, value from unnest($3, $4) as put (key, value) where {is_fine} \
         on conflict (key) do update set version = excluded.version, value = excluded.value"
    )
}
