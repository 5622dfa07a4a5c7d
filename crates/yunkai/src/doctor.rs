//! `yunkai doctor`: what this machine offers.

use std::net::SocketAddr;

use anyhow::Result;
use platform::StoreOptions;
use platform::journal::JournalOptions;

use crate::config::{FunctionLimits, Settings, function_options};
use crate::language::localized;
use crate::terminal;

/// Prints every check.
pub fn run() -> Result<()> {
    let settings = Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        console_listen: None,
        data: std::env::temp_dir().join("yunkai-doctor"),
        store: StoreOptions::default(),
        environment: "doctor".to_owned(),
        environments: Vec::new(),
        is_dev: true,
        public_url: None,
        app_id: None,
        wechat: None,
        functions: FunctionLimits::default(),
        journal: JournalOptions::default(),
        inspect: None,
    };
    let options = function_options(&settings, "http://127.0.0.1:0")?;
    for check in functions::doctor(&options) {
        let state = format!("{:?}", check.state).to_lowercase();
        terminal::line(&format!("{state:7} {:24} {}", check.name, localized(&check.explanation)));
    }
    Ok(())
}
