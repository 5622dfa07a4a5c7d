//! `yunkai dev`: one project folder, served and redeployed on save.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use platform::deploy::{Deploy, Source};
use platform::journal::{Event, Journal, JournalOptions};
use platform::{Environment, StoreOptions};
use platform::{deploy, indexes, releases, triggers};
use tokio::sync::broadcast::error::RecvError;

use crate::arguments;
use crate::config::{FunctionLimits, Settings};
use crate::project::Project;
use crate::serve::Server;
use crate::{terminal, watch};

/// How many entries of the journal are printed with one write.
const LINES_AT_ONCE: usize = 256;
/// How long lines gather before they are printed with one write.
const PAUSE: Duration = Duration::from_millis(5);

/// Serves the project until the process is told to stop.
pub async fn run(arguments: arguments::Dev) -> Result<()> {
    let project = Project::read(&arguments.dir)?;
    let environment = arguments.env.clone().or_else(|| project.environment.clone());
    let settings = Settings {
        listen: SocketAddr::new(arguments.host, arguments.port),
        console_listen: None,
        data: arguments.data.clone().unwrap_or_else(|| arguments.dir.join(".yunkai")),
        store: StoreOptions::parse(&arguments.store)?,
        environment: environment.unwrap_or_else(|| "dev".to_owned()),
        environments: Vec::new(),
        is_dev: true,
        public_url: None,
        app_id: project.app_id.clone(),
        wechat: None,
        functions: FunctionLimits::default(),
        journal: JournalOptions::default(),
        inspect: inspected(&arguments, &project)?,
    };
    let server = Server::start(settings.listen().await?).await?;
    let platform = Arc::clone(&server.platform);
    print_journal(platform.journal());
    let environment = Arc::clone(platform.default_environment());
    deploy_all(&environment, &project).await?;
    // Kept until the end: dropping it would end the watching.
    let _watcher = if arguments.no_watch {
        None
    } else {
        Some(watch::start(arguments.dir.clone(), &project, Arc::clone(&environment))?)
    };
    introduce(&server, &environment, &platform);
    server.announce();
    server.run().await;
    Ok(())
}

/// What `--inspect` asks for; a port of 0 becomes a free one, which workers are then allowed.
fn inspected(arguments: &arguments::Dev, project: &Project) -> Result<Option<functions::Inspect>> {
    let Some(function) = arguments.inspect.clone() else { return Ok(None) };
    if !project.functions()?.iter().any(|(name, _)| *name == function) {
        bail!(
            "--inspect: the project has no function '{function}'. / --inspect:项目中没有云函数\
             「{function}」。"
        );
    }
    let port = match arguments.inspect_port {
        0 => std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
        port => port,
    };
    Ok(Some(functions::Inspect { function, port, break_first: arguments.inspect_brk }))
}

/// Applies the settings and deploys every function; one that cannot be deployed does not keep the
/// others from working.
///
/// Indexes are filled in the background; the journal says when each is in use.
pub async fn deploy_all(environment: &Arc<Environment>, project: &Project) -> Result<()> {
    deploy::apply_settings(environment, &project.settings).await?;
    deploy::host_folder(environment, project.hosting.clone());
    let (indexed, wanted) = (Arc::clone(environment), project.settings.indexes());
    tokio::spawn(async move { indexes::apply(&indexed, &wanted).await });
    let functions = project.functions()?;
    for existing in releases::all(environment) {
        if !functions.iter().any(|(name, _)| *name == existing.name) {
            deploy::remove_latest(environment, &existing.name).await?;
        }
    }
    let names: Vec<_> = functions.iter().map(|(name, _)| name.clone()).collect();
    triggers::keep_only(environment, &names).await?;
    for (name, function) in functions {
        match function {
            Ok(function) => {
                let deploy = Deploy {
                    name: function.name,
                    source: Some(Source::Folder(function.folder)),
                    source_hash: None,
                    settings: function.settings,
                    is_strict: false,
                    publish: None,
                };
                // The outcome is in the journal, and so on the terminal.
                let _ = deploy::deploy_function(environment, deploy).await;
            }
            Err(error) => {
                let text = format!("{error:#}");
                environment.record(Event::Deployment { subject: name, succeeded: false, text });
            }
        }
    }
    Ok(())
}

fn print_journal(journal: &Journal) {
    let (entries, mut receiver) = journal.follow(0);
    terminal::entries(&entries);
    tokio::spawn(async move {
        loop {
            match receiver.recv().await {
                Ok(first) => {
                    let mut batch = vec![first];
                    while batch.len() < LINES_AT_ONCE
                        && let Ok(entry) = receiver.try_recv()
                    {
                        batch.push(entry);
                    }
                    terminal::entries(&batch);
                    // Nobody reads faster, and a call that need not wake this task is cheaper.
                    tokio::time::sleep(PAUSE).await;
                }
                Err(RecvError::Lagged(count)) => {
                    terminal::line(&format!("… {count} lines left out / 省略了 {count} 行"));
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn introduce(server: &Server, environment: &Environment, platform: &platform::Platform) {
    let url = server.url();
    terminal::line(&format!("site     {url}/"));
    terminal::line(&format!("console  {url}/_console"));
    terminal::line(&format!("env      {}", environment.id()));
    if platform.wechat().is_simulator() {
        terminal::line("sign in  wx.login code dev-<name>: dev-alice, dev-bob, dev-carol …");
    }
    terminal::line(
        "functions may connect to this machine's own services in dev (loopback is open)",
    );
}
