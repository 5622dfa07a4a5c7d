//! `yunkai.json`: what the vendors' files cannot say. Its members are the platform's
//! ([`ProjectSettings`]); here they are only read, with errors that name their place.

use std::path::Path;

use anyhow::{Result, anyhow};
use platform::deploy::ProjectSettings;

use super::{json, layout};

/// Reads `yunkai.json`; a project without one says nothing.
pub fn read(project: &Path) -> Result<ProjectSettings> {
    let path = project.join("yunkai.json");
    let settings: ProjectSettings = json::read(&path)?.unwrap_or_default();
    if let Some(hosting) = &settings.hosting {
        layout::inside(project, "hosting", hosting)?;
    }
    settings.check().map_err(|message| {
        let (english, chinese) = message.split_once(" / ").unwrap_or((&message, &message));
        anyhow!("{0}: {english} / {0}:{chinese}", path.display())
    })?;
    Ok(settings)
}
