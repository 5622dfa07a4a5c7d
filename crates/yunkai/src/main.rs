//! The `yunkai` binary: configuration, wiring, command line. The only room that reads the process
//! environment and prints.

mod arguments;
mod client;
mod config;
mod database;
mod deploy;
mod dev;
mod doctor;
mod functions;
mod language;
mod logs;
mod node;
mod project;
mod serve;
mod terminal;
mod usage;
mod watch;
mod wechat_toml;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// A request allocates some hundred small things on several threads; the system's allocator spends
/// a seventh of a call's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A worker enters here: before any thread is started and any library looks around.
    let raw: Vec<String> = std::env::args().skip(1).collect();
    if raw.first().is_some_and(|first| first == "worker-enter") {
        return ::functions::enter(&raw[1..]);
    }
    // Where the kernel gives pages of 2 MB unasked, each is there as a whole for a few kB of it.
    // If it goes on, the server takes more memory, and nothing else changes.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("YUNKAI_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("no other part of the program installs a TLS provider");
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::error(&format!("Cannot start: {error}. / 无法启动:{error}。"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Dev(dev) => dev::run(dev).await,
            Command::Serve(serve) => serve::run(serve).await,
            Command::Database(database) => database::run(database).await,
            Command::Usage(usage) => usage::run(usage).await,
            Command::Logs(logs) => logs::run(logs).await,
            Command::Deploy(deploy) => deploy::run(deploy).await,
            Command::Functions(functions) => functions::run(functions).await,
            Command::Doctor => doctor::run(),
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::failure(&error);
            ExitCode::FAILURE
        }
    }
}
