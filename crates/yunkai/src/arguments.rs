//! What a user may type.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// 云开 · cloud development on your own machine.
#[derive(Debug, Parser)]
#[command(name = "yunkai", version, about, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve one project folder; redeploy on save; WeChat simulator on. / 本地运行一个项目
    Dev(Dev),
    /// Serve as configured in a file. / 按配置文件运行服务
    Serve(Serve),
    /// Say what this machine offers: Node, confinement, SDKs. / 检查本机环境
    Doctor,
}

/// `yunkai dev`.
#[derive(Debug, Args)]
pub struct Dev {
    /// The project folder: WeChat DevTools' layout or the CloudBase CLI's.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 9527)]
    pub port: u16,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The data directory; DIR/.yunkai when absent.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The environment's id; taken from the project when absent.
    #[arg(long)]
    pub env: Option<String>,
    /// Do not redeploy on save.
    #[arg(long)]
    pub no_watch: bool,
}

/// `yunkai serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file.
    #[arg(long)]
    pub config: PathBuf,
}
