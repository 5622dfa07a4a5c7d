//! Finding PostgreSQL's programs and calling them as a user whom they accept: they refuse root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Disk;

const INSTALL: &str = "The tests need PostgreSQL 15 or newer (initdb and postgres, in PATH or in \
    /usr/lib/postgresql). Install it, e.g. sudo apt-get install postgresql. / 测试需要 PostgreSQL 15 \
    或更高版本，请先安装，例如 sudo apt-get install postgresql";

/// Users to become when called by root, best first.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Where the programs are and as whom they are called.
pub(crate) struct Programs {
    folder: PathBuf,
    /// Name and numbers of the user to become; `None` when this user will do.
    user: Option<(String, u32, u32)>,
}

impl Programs {
    pub(crate) fn find() -> Programs {
        let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
            .unwrap_or_default();
        // The newest first: 16 before 15 (and 9.6 last, which no supported system has).
        folders.sort();
        folders.reverse();
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        let is_here =
            |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
        let folder = folders.into_iter().find(is_here).unwrap_or_else(|| panic!("{INSTALL}"));
        Programs { folder, user: other_user() }
    }

    /// Makes a cluster in `folder`, which this user owns.
    pub(crate) fn make_cluster(&self, folder: &Path) {
        let data = folder.join("data");
        fs::create_dir(&data).expect("a new folder is empty");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
        if let Some((_, user, group)) = &self.user {
            for path in [folder, &data] {
                chown(path, Some(*user), Some(*group)).expect("root may give folders away");
            }
        }
        let call = self.call("initdb");
        let output = Command::new(&call[0])
            .args(&call[1..])
            .args(["--username=yunkai", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--wal-segsize=4", "--pgdata"])
            .arg(&data)
            .current_dir(folder)
            .output()
            .unwrap_or_else(|error| panic!("initdb did not start: {error}"));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed:\n{text}");
    }

    /// The command that is the server.
    pub(crate) fn server(&self, folder: &Path, disk: Disk) -> Vec<String> {
        let folder = folder.to_string_lossy();
        let fsync = if disk == Disk::Durable { "on" } else { "off" };
        let mut command = self.call("postgres");
        command.extend(["-D".to_owned(), format!("{folder}/data")]);
        let settings = [
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={folder}"),
            format!("fsync={fsync}"),
            format!("full_page_writes={fsync}"),
            "max_connections=400".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "logging_collector=off".to_owned(),
            "log_min_messages=log".to_owned(),
            "lc_messages=C".to_owned(),
        ];
        if cfg!(target_os = "linux") {
            // After a crash, one call in place of one per file.
            command.extend(["-c".to_owned(), "recovery_init_sync_method=syncfs".to_owned()]);
        }
        command.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        command
    }

    /// The beginning of a command line that calls one of the programs.
    fn call(&self, program: &str) -> Vec<String> {
        let program = self.folder.join(program).to_string_lossy().into_owned();
        match &self.user {
            None => vec![program],
            Some((_, user, group)) => vec![
                "setpriv".to_owned(),
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
                program,
            ],
        }
    }
}

/// Whom to become; `None` when this is not root.
fn other_user() -> Option<(String, u32, u32)> {
    // A file made now belongs to the user that this process is.
    let probe = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let is_root = probe.as_file().metadata().is_ok_and(|file| file.uid() == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = USERS.iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(((*name).to_owned(), fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    Some(found.unwrap_or_else(|| panic!("PostgreSQL refuses root, and there is no {USERS:?}")))
}
