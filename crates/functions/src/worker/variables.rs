//! The variables of calls on their way to a worker: only what differs from the call before is sent.
//! Most are the same for every call of a function.

use serde::{Serialize, Serializer};

use crate::settings::Variable;

type Pairs = [Variable];

/// The variables of the call that was sent last.
#[derive(Debug, Default)]
pub(super) struct Variables {
    last: Vec<Variable>,
}

/// What differs, as members of a frame's head.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Changes<'a> {
    /// True when `set` holds all there are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fresh: bool,
    #[serde(serialize_with = "as_object")]
    set: Vec<&'a Variable>,
}

impl Variables {
    /// How the next call's differ from the last one's.
    pub(super) fn changes<'a>(&self, next: &'a Pairs) -> Changes<'a> {
        let same_names = self.last.len() == next.len()
            && self.last.iter().zip(next).all(|((before, _), (now, _))| before == now);
        if !same_names {
            return Changes { fresh: true, set: next.iter().collect() };
        }
        let pairs = self.last.iter().zip(next);
        let differs = |(before, now): (&Variable, &'a Variable)| (before.1 != now.1).then_some(now);
        let set: Vec<_> = pairs.filter_map(differs).collect();
        // Of two with one name the last counts; it must not be missing when the first changed.
        let twice =
            set.iter().any(|pair| next.iter().filter(|other| other.0 == pair.0).count() > 1);
        if twice {
            Changes { fresh: true, set: next.iter().collect() }
        } else {
            Changes { fresh: false, set }
        }
    }

    /// These are the last ones now.
    pub(super) fn sent(&mut self, next: &Pairs) {
        if self.last.len() != next.len() {
            self.last = next.to_vec();
            return;
        }
        for (last, now) in self.last.iter_mut().zip(next) {
            if last != now {
                last.0.clone_from(&now.0);
                last.1.clone_from(&now.1);
            }
        }
    }
}

/// Pairs as the members of an object.
fn as_object<S: Serializer>(pairs: &[&Variable], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn pairs(text: &str) -> Vec<Variable> {
        let own = |text: &str| Cow::Owned(text.to_owned());
        let pair = |part: &str| part.split_once('=').map(|(a, b)| (own(a), own(b)));
        text.split(' ').filter_map(pair).collect()
    }

    #[test]
    fn only_what_differs_is_sent() {
        let mut variables = Variables::default();
        let rows = [
            ("a=1 b=2", r#"{"fresh":true,"set":{"a":"1","b":"2"}}"#),
            ("a=1 b=2", r#"{"set":{}}"#),
            ("a=1 b=3", r#"{"set":{"b":"3"}}"#),
            ("a=1", r#"{"fresh":true,"set":{"a":"1"}}"#),
            ("c=1", r#"{"fresh":true,"set":{"c":"1"}}"#),
            ("", r#"{"fresh":true,"set":{}}"#),
            ("a=1 a=2", r#"{"fresh":true,"set":{"a":"1","a":"2"}}"#),
            ("a=3 a=2", r#"{"fresh":true,"set":{"a":"3","a":"2"}}"#),
        ];
        for (text, expected) in rows {
            let next = pairs(text);
            let changes = serde_json::to_string(&variables.changes(&next)).unwrap();
            assert_eq!(changes, expected, "{text}");
            variables.sent(&next);
        }
    }
}
