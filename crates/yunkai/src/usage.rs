//! `yunkai usage`: what an environment used, by day.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value as Json;

use crate::arguments::Usage;
use crate::client::Client;
use crate::terminal;

/// Runs the command.
pub async fn run(usage: Usage) -> Result<()> {
    let client = Client::find(usage.target)?;
    let bounds = [("from", usage.from.as_deref()), ("to", usage.to.as_deref())];
    let query: Vec<_> = bounds.iter().filter_map(|(name, day)| Some((*name, (*day)?))).collect();
    let response = client.send(client.api(Method::GET, &["usage"], &query)).await?;
    let text = response.text().await.map_err(|error| client.unreachable(&error))?;
    let answer: Json = serde_json::from_str(&text)?;
    let days = answer["days"].as_array().cloned().unwrap_or_default();
    if usage.json {
        terminal::line(&Json::Array(days).to_string());
        return Ok(());
    }
    terminal::line(
        "DAY              CALLS    ERRORS   GB-SECONDS   OUTBOUND BYTES       READS      WRITES",
    );
    for day in days {
        let count = |name: &str| day[name].as_u64().unwrap_or_default();
        terminal::line(&format!(
            "{:10} {:>11} {:>9} {:>12.1} {:>16} {:>11} {:>11}",
            day["day"].as_str().unwrap_or_default(),
            count("calls"),
            count("errors"),
            day["gigabyteSeconds"].as_f64().unwrap_or_default(),
            count("outboundBytes"),
            count("databaseReads"),
            count("databaseWrites"),
        ));
    }
    Ok(())
}
