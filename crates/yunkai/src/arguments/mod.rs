//! What a user may type.

mod functions;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use functions::{
    AliasCommand, DeadLettersCommand, Deploy, Functions, FunctionsCommand, How, SecretsCommand,
};

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
    /// Put a project into a running server: collections, functions, site. / 部署项目到服务器
    Deploy(Deploy),
    /// Functions of a running server: deploy, call, publish, roll back. / 管理云函数
    Functions(Functions),
    /// Collections of a running server: look, ask, move in and out. / 管理数据库集合
    Database(Database),
    /// What happened on a running server: log lines, calls, deployments. / 查看日志
    Logs(Logs),
    /// What an environment used, by day. / 查看用量
    Usage(Usage),
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
    /// Where documents are kept: fjall, or a postgres:// address.
    #[arg(long, default_value = "fjall")]
    pub store: String,
    /// Do not redeploy on save.
    #[arg(long)]
    pub no_watch: bool,
    /// Run this function under a debugger: one worker, no time limit. / 断点调试指定云函数
    #[arg(long, value_name = "FUNCTION")]
    pub inspect: Option<String>,
    /// The port of the debugger on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 9229, requires = "inspect")]
    pub inspect_port: u16,
    /// Wait for the debugger, and stop before the handler in every call.
    #[arg(long, requires = "inspect")]
    pub inspect_brk: bool,
}

/// `yunkai serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file.
    #[arg(long)]
    pub config: PathBuf,
}

/// Which running server a command acts on.
#[derive(Debug, Args)]
pub struct Target {
    /// The server's address; in a project folder its dev server when absent.
    #[arg(long, env = "YUNKAI_SERVER", global = true)]
    pub server: Option<String>,
    /// The apiKey of credentials.json; read from the data directory when absent.
    #[arg(long, env = "YUNKAI_KEY", hide_env_values = true, global = true)]
    pub key: Option<String>,
    /// The environment's id; the server's default one when absent.
    #[arg(long, global = true)]
    pub env: Option<String>,
    /// The data directory of the dev server; ./.yunkai when absent.
    #[arg(long, global = true)]
    pub data: Option<PathBuf>,
}

/// `yunkai logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// Which server.
    #[command(flatten)]
    pub target: Target,
    /// Which entries.
    #[command(flatten)]
    pub wanted: WantedLogs,
    /// Only of this function.
    #[arg(long = "function", value_name = "NAME")]
    pub function: Option<String>,
}

/// `yunkai usage`.
#[derive(Debug, Args)]
pub struct Usage {
    /// Which server.
    #[command(flatten)]
    pub target: Target,
    /// The first day, like 2026-01-31.
    #[arg(long)]
    pub from: Option<String>,
    /// The last day.
    #[arg(long)]
    pub to: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which entries of the log are asked for.
#[derive(Debug, Args)]
pub struct WantedLogs {
    /// Go on printing what comes.
    #[arg(long, short)]
    pub follow: bool,
    /// Since when: 90s, 15m, 2h, 3d ago, or ms since 1970.
    #[arg(long)]
    pub since: Option<String>,
    /// Until when, likewise.
    #[arg(long)]
    pub until: Option<String>,
    /// Only of the call with this request id.
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Only calls for this openid.
    #[arg(long)]
    pub openid: Option<String>,
    /// Only entries with this text in them; A-Z match both cases.
    #[arg(long)]
    pub text: Option<String>,
    /// Only this level or a more serious one: debug, info, warn, error.
    #[arg(long)]
    pub level: Option<String>,
    /// Only errors.
    #[arg(long)]
    pub errors: bool,
    /// Only cold calls.
    #[arg(long)]
    pub cold: bool,
    /// How many of the newest entries.
    #[arg(long)]
    pub limit: Option<usize>,
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// `yunkai database`.
#[derive(Debug, Args)]
pub struct Database {
    /// Which server.
    #[command(flatten)]
    pub target: Target,
    /// What to do.
    #[command(subcommand)]
    pub command: DatabaseCommand,
}

/// What can be done with collections.
#[derive(Debug, Subcommand)]
pub enum DatabaseCommand {
    /// List the collections. / 列出集合
    Collections {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print documents, one per line. / 查询文档
    Query {
        /// The collection.
        collection: String,
        /// Which documents.
        #[command(flatten)]
        question: Question,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Say how a query is carried out, and which index would help. / 查看查询计划
    Explain {
        /// The collection.
        collection: String,
        /// Which documents.
        #[command(flatten)]
        question: Question,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List, create or drop indexes. / 管理索引
    #[command(subcommand)]
    Indexes(IndexesCommand),
    /// Read documents from a file: JSON Lines, a JSON array, CSV or BSON. / 导入文档
    Import(Import),
    /// Write documents to a file: JSON Lines or CSV. / 导出文档
    Export(Export),
}

/// `yunkai database indexes`.
#[derive(Debug, Subcommand)]
pub enum IndexesCommand {
    /// List the indexes of a collection. / 列出索引
    List {
        /// The collection.
        collection: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Create an index and wait until it is in use. / 创建索引
    Create {
        /// The collection.
        collection: String,
        /// The fields in order of importance, as JSON: '{"owner": 1, "at": -1, "place": "2dsphere"}'.
        #[arg(long)]
        keys: String,
        /// Its name; made of the keys when absent.
        #[arg(long)]
        name: Option<String>,
        /// Refuse two documents with the same key.
        #[arg(long)]
        unique: bool,
        /// Remove documents this many seconds after the date in the only field.
        #[arg(long)]
        expire_after_seconds: Option<u64>,
    },
    /// Drop an index. / 删除索引
    Drop {
        /// The collection.
        collection: String,
        /// The index.
        name: String,
    },
}

/// Which documents, in which order, and what of them.
#[derive(Debug, Args)]
pub struct Question {
    /// The condition, as JSON: '{"n": {"$gt": 3}}'.
    #[arg(long)]
    pub filter: Option<String>,
    /// The order, as JSON: '{"n": -1}'.
    #[arg(long)]
    pub sort: Option<String>,
    /// The fields, with commas between: title,author.name.
    #[arg(long, value_delimiter = ',')]
    pub fields: Vec<String>,
    /// How many to leave out first.
    #[arg(long)]
    pub skip: Option<u64>,
    /// How many at most.
    #[arg(long)]
    pub limit: Option<u64>,
}

/// `yunkai database import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The collection.
    pub collection: String,
    /// The file; - reads the standard input.
    pub file: PathBuf,
    /// How the file is written; told by its name when absent.
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// What to do with a row whose _id exists: refuse it, or let it take the document's place.
    #[arg(long, value_enum, default_value_t = Conflict::Insert)]
    pub mode: Conflict,
    /// Make the collection when there is none.
    #[arg(long)]
    pub create: bool,
    /// Write every refused row to this file, one JSON object per line.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `yunkai database export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The collection.
    pub collection: String,
    /// The file; the standard output when absent or -.
    pub file: Option<PathBuf>,
    /// How the file is written; told by its name when absent, JSON Lines otherwise.
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// Which documents.
    #[command(flatten)]
    pub question: Question,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// JSON Lines, or an array of documents.
    Json,
    /// A header row of field names, then rows.
    Csv,
    /// BSON documents one after another, as mongodump writes them.
    Bson,
}

/// What to do with a row whose `_id` exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Conflict {
    /// Refuse the row.
    Insert,
    /// Let the row take the document's place.
    Upsert,
}
