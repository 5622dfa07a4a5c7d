//! Versions and aliases: listing, publishing, moving, rolling back, deleting.

use axum::extract::Path;
use platform::releases::{self, Alias, Share};
use serde_json::{Value as Json, json};

use super::{number, shape, text};
use crate::api::asked::{Answer, Operator, Said, done, told};
use crate::envelope::invalid;

/// `GET NAME/versions`.
pub async fn list(Operator(context): Operator, Path(name): Path<String>) -> Answer {
    let entry = releases::entry_of(&context, &name)?;
    told(json!({ "versions": shape::versions(&context.environment, &entry) }))
}

/// `POST NAME/versions {description}`.
pub async fn publish(Path(name): Path<String>, Said(context, body): Said<Json>) -> Answer {
    let description = text(&body, "description")?.unwrap_or_default().to_owned();
    let version = releases::publish(&context, &name, description).await?;
    told(json!({ "version": version }))
}

/// `DELETE NAME/versions/VERSION`.
pub async fn remove(
    Operator(context): Operator,
    Path((name, version)): Path<(String, String)>,
) -> Answer {
    releases::delete_version(&context, &name, &version).await?;
    done()
}

/// `POST NAME/rollback {to}`.
pub async fn roll_back(Path(name): Path<String>, Said(context, body): Said<Json>) -> Answer {
    let rolled = releases::roll_back(&context, &name, number(&body, "to")?).await?;
    told(json!({ "version": rolled.version, "notices": rolled.notices }))
}

/// `PUT NAME/aliases/ALIAS {description, split: [{version, weight}]}`.
pub async fn set_alias(
    Path((name, alias)): Path<(String, String)>,
    Said(context, body): Said<Json>,
) -> Answer {
    let expected =
        || invalid("split", "a list of {version, weight}", "由 {version, weight} 组成的数组");
    let split = body["split"].as_array().ok_or_else(expected)?;
    let share = |it: &Json| {
        let weight = u32::try_from(it["weight"].as_u64()?).ok()?;
        Some(Share { version: it["version"].as_str()?.to_owned(), weight })
    };
    let split: Option<Vec<_>> = split.iter().map(share).collect();
    let description = text(&body, "description")?.unwrap_or_default().to_owned();
    let to = Alias { description, split: split.ok_or_else(expected)? };
    releases::set_alias(&context, &name, &alias, to).await?;
    done()
}

/// `DELETE NAME/aliases/ALIAS`.
pub async fn remove_alias(
    Operator(context): Operator,
    Path((name, alias)): Path<(String, String)>,
) -> Answer {
    releases::delete_alias(&context, &name, &alias).await?;
    done()
}
