//! `$type`: kinds by MongoDB's names and numbers.

use value::{Value, View};

use super::operand::wrong;
use crate::Error;

/// Names and numbers of BSON's kinds. Some cannot be stored here; asking for them finds nothing.
const KINDS: [(&str, i64); 21] = [
    ("double", 1),
    ("string", 2),
    ("object", 3),
    ("array", 4),
    ("binData", 5),
    ("undefined", 6),
    ("objectId", 7),
    ("bool", 8),
    ("date", 9),
    ("null", 10),
    ("regex", 11),
    ("dbPointer", 12),
    ("javascript", 13),
    ("symbol", 14),
    ("javascriptWithScope", 15),
    ("int", 16),
    ("timestamp", 17),
    ("long", 18),
    ("decimal", 19),
    ("minKey", -1),
    ("maxKey", 127),
];
/// What `"number"` stands for.
const NUMBERS: [&str; 4] = ["double", "int", "long", "decimal"];

/// A set of kinds, by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kinds(Vec<&'static str>);

impl Kinds {
    /// Reads a name, a number, or a list of both.
    pub(crate) fn parse(operator: &str, operand: &Value, path: &str) -> Result<Kinds, Error> {
        let mut kinds = Kinds(Vec::new());
        match operand {
            Value::Array(list) if list.is_empty() => {
                return Err(wrong(operator, path, "at least one kind", "至少一个类型"));
            }
            Value::Array(list) => {
                list.iter().try_for_each(|kind| kinds.add(operator, kind, path))?;
            }
            kind => kinds.add(operator, kind, path)?,
        }
        Ok(kinds)
    }

    fn add(&mut self, operator: &str, kind: &Value, path: &str) -> Result<(), Error> {
        let known = match kind {
            Value::String(name) if name == "number" => {
                self.0.extend(NUMBERS);
                return Ok(());
            }
            Value::String(name) => KINDS.iter().find(|(known, _)| known == name),
            number => {
                number.as_i64().and_then(|number| KINDS.iter().find(|(_, known)| *known == number))
            }
        };
        let (name, _) = known.ok_or_else(|| {
            wrong(
                operator,
                path,
                "names of kinds such as \"string\" or \"number\", or their BSON numbers",
                "类型名(如 \"string\"、\"number\")或其 BSON 编号",
            )
        })?;
        self.0.push(name);
        Ok(())
    }

    /// Whether a value is of one of these kinds.
    pub(crate) fn contains(&self, view: &View<'_>) -> bool {
        self.0.contains(&view.kind_name())
    }
}
