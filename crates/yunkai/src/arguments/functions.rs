//! What a user may type to deploy and to work with functions.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Target, WantedLogs};

/// `yunkai deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The project folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Which server.
    #[command(flatten)]
    pub target: Target,
    /// How.
    #[command(flatten)]
    pub how: How,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// How functions are deployed.
#[derive(Debug, Args)]
pub struct How {
    /// Refuse functions with SDK calls that are not supported here.
    #[arg(long)]
    pub strict: bool,
    /// What to say of the version that is published.
    #[arg(long, default_value = "")]
    pub description: String,
    /// Change $LATEST only, publish no version.
    #[arg(long, conflicts_with = "description")]
    pub no_publish: bool,
}

/// Which running server; as [`Target`], but `--data` is the event of a call here.
#[derive(Debug, Args)]
pub struct FunctionsTarget {
    /// The server's address; in a project folder its dev server when absent.
    #[arg(long, env = "YUNKAI_SERVER", global = true)]
    server: Option<String>,
    /// The apiKey of credentials.json; read from the data directory when absent.
    #[arg(long, env = "YUNKAI_KEY", hide_env_values = true, global = true)]
    key: Option<String>,
    /// The environment's id; the server's default one when absent.
    #[arg(long, global = true)]
    env: Option<String>,
    /// The data directory of the dev server; ./.yunkai when absent.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
}

impl From<FunctionsTarget> for Target {
    fn from(target: FunctionsTarget) -> Self {
        let FunctionsTarget { server, key, env, data_dir } = target;
        Self { server, key, env, data: data_dir }
    }
}

/// `yunkai functions`.
#[derive(Debug, Args)]
pub struct Functions {
    /// Which server.
    #[command(flatten)]
    pub target: FunctionsTarget,
    /// What to do.
    #[command(subcommand)]
    pub command: FunctionsCommand,
}

/// What can be done with functions.
#[derive(Debug, Subcommand)]
pub enum FunctionsCommand {
    /// List the functions. / 列出云函数
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Deploy one function of a project folder. / 部署云函数
    Deploy {
        /// The function.
        name: String,
        /// The project folder.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// How.
        #[command(flatten)]
        how: How,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Call a function and print what it returns. / 调用云函数
    Invoke {
        /// The function.
        name: String,
        /// The event, as JSON.
        #[arg(long, default_value = "{}")]
        data: String,
        /// Call it as this user: one of the simulator (alice), or an openid.
        #[arg(long = "as", value_name = "USER")]
        user: Option<String>,
        /// A version or an alias.
        #[arg(long)]
        qualifier: Option<String>,
        /// Do not wait: print the call's id.
        #[arg(long = "async")]
        later: bool,
        /// Run it as this timer of its does, with the timer's event.
        #[arg(
            long,
            value_name = "TRIGGER",
            conflicts_with_all = ["data", "user", "qualifier", "later"]
        )]
        timer: Option<String>,
        /// Run it for a message pushed by WeChat: the data is the message.
        #[arg(long, conflicts_with_all = ["user", "qualifier", "later", "timer"])]
        push: bool,
    },
    /// List what runs functions by itself, and when. / 列出触发器
    Triggers {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List, retry or delete what could not be done. / 管理死信
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// What functions logged and how their calls went. / 查看云函数日志
    Logs {
        /// The function; all of them when absent.
        name: Option<String>,
        /// Which entries.
        #[command(flatten)]
        wanted: WantedLogs,
    },
    /// List the versions of a function. / 列出版本
    Versions {
        /// The function.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a numbered version of $LATEST. / 发布版本
    Publish {
        /// The function.
        name: String,
        /// What to say of it.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List, set or delete names of versions. / 管理别名
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Let $LATEST be an earlier version, at once. / 回滚到之前的版本
    Rollback {
        /// The function.
        name: String,
        /// The version; the one before the present one when absent.
        #[arg(long)]
        to: Option<u64>,
    },
    /// Delete a function, or one version of it. / 删除云函数或某个版本
    #[command(disable_version_flag = true)]
    Delete {
        /// The function.
        name: String,
        /// This version only.
        #[arg(long)]
        version: Option<u64>,
    },
    /// Set, list or delete secrets. / 管理密钥
    #[command(subcommand)]
    Secrets(SecretsCommand),
}

/// `yunkai functions alias`.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// List the aliases of a function. / 列出别名
    List {
        /// The function.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Create an alias or move it. / 设置别名
    Set {
        /// The function.
        name: String,
        /// The alias; $DEFAULT is for calls that name no version.
        alias: String,
        /// The version, or several with their share in per cent: 1=90 2=10.
        #[arg(required = true)]
        versions: Vec<String>,
        /// What to say of it.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Delete an alias. / 删除别名
    Delete {
        /// The function.
        name: String,
        /// The alias.
        alias: String,
    },
}

/// `yunkai functions dead-letters`.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List them, newest first. / 列出死信
    List {
        /// How many at most; 100 when absent.
        #[arg(long)]
        limit: Option<u64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an asynchronous call of one. / 重试死信
    Retry {
        /// Its id.
        id: String,
    },
    /// Forget one. / 删除死信
    Delete {
        /// Its id.
        id: String,
    },
}

/// `yunkai functions secrets`.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Set a secret; its value is read from the standard input. / 设置密钥(从标准输入读取)
    Set {
        /// The name, which is the variable's too.
        name: String,
    },
    /// List the names of the secrets. / 列出密钥名称
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a secret that no function uses. / 删除密钥
    Delete {
        /// The name.
        name: String,
    },
}
