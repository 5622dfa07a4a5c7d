//! What the processes of workers use, as `/proc` tells it: every worker is a session of its own and
//! cannot leave it, so one look finds the processes of all. Where there is no `/proc`, nothing is
//! seen. It judges nobody.

use std::collections::HashMap;
use std::fs;

use nix::unistd::Pid;

/// What the processes of one session use.
#[derive(Debug, Default, Clone)]
pub(super) struct Use {
    pub pages: u64,
    pub ticks: u64,
    /// What its `/tmp` holds, in bytes: that is memory, too, with a limit of its own.
    pub scratch: u64,
    pub members: Vec<i32>,
}

/// What the processes of every session use.
pub(super) fn sessions() -> HashMap<i32, Use> {
    let mut sessions: HashMap<i32, Use> = HashMap::new();
    let Ok(entries) = fs::read_dir("/proc") else { return sessions };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else { continue };
        // One that ended meanwhile is not counted.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let Some((session, ticks)) = session_and_ticks(&stat) else { continue };
        if session == 0 {
            continue;
        }
        let Ok(memory) = fs::read_to_string(format!("/proc/{pid}/statm")) else { continue };
        let usage = sessions.entry(session).or_default();
        usage.pages += own_pages(&memory).unwrap_or(0);
        usage.ticks += ticks;
        usage.members.extend(pid.parse::<i32>());
    }
    sessions
}

/// What the worker's own `/tmp` holds, in bytes; nothing where it has none.
#[cfg(target_os = "linux")]
pub(super) fn scratch(session: Pid) -> u64 {
    let own = nix::sys::statvfs::statvfs(format!("/proc/{session}/root/tmp").as_str());
    // In its first moment, and without mounts, that is the machine's.
    let own = own.ok().filter(|it| it.files() == super::linux_mounts::TMP_FILES_MAX);
    own.map_or(0, |it| it.blocks().saturating_sub(it.blocks_free()) * it.fragment_size())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn scratch(_session: Pid) -> u64 {
    0
}

/// Session, and time in user and kernel mode with that of children that were waited for. The name,
/// in parentheses, may hold anything.
fn session_and_ticks(stat: &str) -> Option<(i32, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((fields.get(3)?.parse().ok()?, ticks))
}

/// Pages that are not shared with a file: "size resident shared …".
fn own_pages(statm: &str) -> Option<u64> {
    let mut fields = statm.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(resident.saturating_sub(shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_a_process() {
        let stat = "7 (a) b (c)) S 1 7 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5";
        assert_eq!(session_and_ticks(stat), Some((42, 100)));
        assert_eq!(own_pages("900 500 120 1 0 300 0"), Some(380));
    }
}
