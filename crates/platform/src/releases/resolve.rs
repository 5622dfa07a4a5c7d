//! From a qualifier to a version: aliases and their traffic split.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::entry::{Alias, DEFAULT, Entry, LATEST};
use super::missing;
use crate::environment::Environment;
use crate::error::{Code, Error, Result};

/// On which side of a traffic split a call lands.
#[derive(Debug, Clone, Copy)]
pub enum Chance<'a> {
    /// The same text always lands on the same side: an openid, a routing key.
    Of(&'a str),
    /// 0 to 99.
    Number(u32),
}

impl Chance<'_> {
    fn number(self) -> u32 {
        match self {
            Self::Of(text) => {
                // The hasher's keys are fixed, so that every process and node agrees.
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                u32::try_from(hasher.finish() % 100).unwrap_or_default()
            }
            Self::Number(number) => number % 100,
        }
    }
}

/// The label of the version that serves a call.
///
/// # Errors
/// [`Code::FunctionMissing`] for an unknown function, version or alias; [`Code::DeployRefused`]
/// with the reason when the function was refused, or its package is gone.
pub fn resolve(
    environment: &Environment,
    function: &str,
    qualifier: Option<&str>,
    chance: Chance<'_>,
) -> Result<String> {
    let releases = environment.releases();
    let Some(entry) = releases.get(function) else {
        return Err(match environment.refusal(function) {
            // Without a version in service, why the latest one was refused says more.
            Some(reason) => Error::new(Code::DeployRefused, format!("{function}: {reason}")),
            None => missing(function),
        });
    };
    let label = label_in(&entry, qualifier, chance).ok_or_else(|| match qualifier {
        None | Some("" | LATEST) => match environment.refusal(function) {
            Some(reason) => Error::new(Code::DeployRefused, format!("{function}: {reason}")),
            None => no_latest(&entry),
        },
        Some(qualifier) => no_qualifier(&entry, qualifier),
    })?;
    match releases.broken(function, &label) {
        Some(reason) => Err(Error::new(Code::DeployRefused, format!("{function}: {reason}"))),
        None => Ok(label),
    }
}

fn label_in(entry: &Entry, qualifier: Option<&str>, chance: Chance<'_>) -> Option<String> {
    let label = match qualifier {
        None | Some("" | DEFAULT) => match entry.aliases.get(DEFAULT) {
            Some(alias) => drawn(alias, chance),
            None => LATEST.to_owned(),
        },
        Some(name) => match entry.aliases.get(name) {
            Some(alias) => drawn(alias, chance),
            None => name.to_owned(),
        },
    };
    entry.release(&label).map(|_| label)
}

fn drawn(alias: &Alias, chance: Chance<'_>) -> String {
    let mut left = if alias.split.len() > 1 { chance.number() } else { 0 };
    for share in &alias.split {
        if left < share.weight {
            return share.version.clone();
        }
        left -= share.weight;
    }
    alias.split.last().map_or_else(|| LATEST.to_owned(), |share| share.version.clone())
}

fn no_latest(entry: &Entry) -> Error {
    let (name, qualifiers) = (&entry.name, entry.qualifiers());
    Error::new(
        Code::FunctionMissing,
        format!(
            "Function \"{name}\" has no $LATEST any more; {qualifiers} can be called. Deploy it, or \
             roll back to a version. / 云函数“{name}”已没有 $LATEST,可调用:{qualifiers}。请重新部署或\
             回滚到某个版本。"
        ),
    )
}

pub(super) fn no_qualifier(entry: &Entry, qualifier: &str) -> Error {
    let (name, qualifiers) = (&entry.name, entry.qualifiers());
    Error::new(
        Code::FunctionMissing,
        format!(
            "Function \"{name}\" has no version or alias \"{qualifier}\"; there are: {qualifiers}. / \
             云函数“{name}”没有版本或别名“{qualifier}”,现有:{qualifiers}。"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Release, Share, Version};
    use super::*;

    fn entry() -> Entry {
        let mut entry =
            Entry { name: "f".into(), latest: Some(Release::default()), ..Entry::default() };
        entry.versions.insert(1, Version::default());
        entry.versions.insert(2, Version::default());
        let share = |version: &str, weight| Share { version: version.into(), weight };
        let alias = Alias { split: vec![share("1", 90), share("2", 10)], ..Alias::default() };
        entry.aliases.insert("live".into(), alias);
        entry
    }

    #[test]
    fn shares_are_drawn_by_their_weights_and_a_user_stays_on_one_side() {
        let entry = entry();
        fn of(entry: &Entry, chance: Chance<'_>) -> String {
            label_in(entry, Some("live"), chance).unwrap()
        }
        let on_two = (0..100).filter(|it| of(&entry, Chance::Number(*it)) == "2").count();
        assert_eq!(on_two, 10);
        let side = of(&entry, Chance::Of("o-alice"));
        assert!((0..9).all(|_| of(&entry, Chance::Of("o-alice")) == side));
        let users = (0..1_000).map(|it| of(&entry, Chance::Of(&format!("o-{it}"))));
        assert!((50..200).contains(&users.filter(|it| it == "2").count()));
    }

    #[test]
    fn calls_without_a_qualifier_follow_the_default_alias_when_there_is_one() {
        let mut entry = entry();
        let label = |entry: &Entry, qualifier| label_in(entry, qualifier, Chance::Number(0));
        assert_eq!(label(&entry, None).as_deref(), Some(LATEST));
        assert_eq!(label(&entry, Some("")).as_deref(), Some(LATEST));
        assert_eq!(label(&entry, Some(DEFAULT)).as_deref(), Some(LATEST));
        assert_eq!(label(&entry, Some("2")).as_deref(), Some("2"));
        assert_eq!(label(&entry, Some("3")), None);
        let alias = entry.aliases["live"].clone();
        entry.aliases.insert(DEFAULT.into(), alias);
        assert_eq!(label(&entry, None).as_deref(), Some("1"));
        assert_eq!(label(&entry, Some(LATEST)).as_deref(), Some(LATEST));
    }
}
