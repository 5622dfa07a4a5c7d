//! Redeploying on save: the file system says what changed, a quiet moment later it is deployed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use platform::Environment;
use platform::journal::Event;
use tokio::sync::mpsc;

use crate::dev;
use crate::project::Project;

/// Editors write a file in several steps; a deployment waits until this long nothing happened.
const QUIET: Duration = Duration::from_millis(80);
/// The files of a project folder that matter besides the functions' folders.
const PROJECT_FILES: [&str; 3] = ["yunkai.json", "cloudbaserc.json", "project.config.json"];

/// Watches until the returned watcher is dropped.
pub fn start(
    folder: PathBuf,
    project: &Project,
    environment: Arc<Environment>,
) -> Result<RecommendedWatcher> {
    let folder = std::fs::canonicalize(folder)?;
    let root = project.function_root.clone().filter(|root| root.is_dir());
    // One waiting signal is enough: the deployment looks at everything anyway.
    let (changed, changes) = mpsc::channel(1);
    let (project_folder, function_root) = (folder.clone(), root.clone());
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = event.is_ok_and(|event| {
            !matches!(event.kind, EventKind::Access(_))
                && event
                    .paths
                    .iter()
                    .any(|path| concerns(path, &project_folder, function_root.as_deref()))
        });
        if matters {
            let _ = changed.try_send(());
        }
    })?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    if let Some(root) = root {
        watcher.watch(&root, RecursiveMode::Recursive)?;
    }
    tokio::spawn(redeploy(folder, environment, changes));
    Ok(watcher)
}

fn concerns(path: &Path, project: &Path, function_root: Option<&Path>) -> bool {
    if function_root.is_some_and(|root| path.starts_with(root)) {
        return true;
    }
    path.parent() == Some(project)
        && path.file_name().is_some_and(|name| PROJECT_FILES.iter().any(|it| name == *it))
}

async fn redeploy(folder: PathBuf, environment: Arc<Environment>, mut changes: mpsc::Receiver<()>) {
    while changes.recv().await.is_some() {
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
        let outcome = match Project::read(&folder) {
            Ok(project) => dev::deploy_all(&environment, &project).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            environment.record(Event::Deployment {
                subject: "project".to_owned(),
                succeeded: false,
                text: format!("{error:#}"),
            });
        }
    }
}
