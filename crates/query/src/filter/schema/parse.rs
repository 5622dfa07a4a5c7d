//! From a document to a schema.

use value::{Document, Value, View};

use super::{
    Count, Dependency, Items, NumberRule, Others, Properties, Rule, Schema, unordered_key,
};
use crate::Error;
use crate::filter::kind::Kinds;
use crate::pattern::Pattern;

/// Deepest nesting of schemas.
const DEPTH_MAX: usize = 100;

/// Reads the operand of `$jsonSchema`.
pub(in crate::filter) fn parse(operand: &Value) -> Result<Schema, Error> {
    Place { path: String::new(), depth: 0 }.schema(operand)
}

/// Where in the schema the reader is.
struct Place {
    path: String,
    depth: usize,
}

impl Place {
    fn at(&self, name: &str) -> Place {
        let dot = if self.path.is_empty() { "" } else { "." };
        Place { path: format!("{}{dot}{name}", self.path), depth: self.depth + 1 }
    }

    fn wrong(&self, english: &str, chinese: &str) -> Error {
        let place = crate::error::place(&self.path);
        Error::malformed(
            format_args!("$jsonSchema{place} {english}; correct the schema."),
            format_args!("$jsonSchema{place} {chinese},请修改。"),
        )
    }

    fn schema(&self, operand: &Value) -> Result<Schema, Error> {
        let Value::Document(document) = operand else {
            return Err(self.wrong("must be an object", "应为对象"));
        };
        if self.depth > DEPTH_MAX {
            return Err(self.wrong("is nested too deep", "嵌套过深"));
        }
        let mut rules = Vec::new();
        for (name, value) in document.iter() {
            rules.extend(self.at(name).keyword(name, value, document)?);
        }
        self.require_companions(document)?;
        Ok(Schema { rules })
    }

    /// `exclusiveMinimum` says nothing without `minimum`.
    fn require_companions(&self, document: &Document) -> Result<(), Error> {
        for (name, other) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            if document.contains_key(name) && !document.contains_key(other) {
                return Err(self
                    .at(name)
                    .wrong(&format!("needs {other} beside it"), &format!("需要同时给出 {other}")));
            }
        }
        if document.contains_key("type") && document.contains_key("bsonType") {
            return Err(
                self.wrong("takes type or bsonType, not both", "不能同时使用 type 与 bsonType")
            );
        }
        Ok(())
    }

    fn keyword(&self, name: &str, value: &Value, schema: &Document) -> Result<Option<Rule>, Error> {
        Ok(Some(match name {
            "bsonType" => Rule::Kinds(self.kinds(value)?),
            "type" => Rule::Kinds(self.json_kinds(value)?),
            "enum" => Rule::Enum(self.choices(value)?),
            "minimum" => Rule::Number(NumberRule::Least {
                bound: self.number(value)?,
                exclusive: self.flag_of(schema, "exclusiveMinimum")?,
            }),
            "maximum" => Rule::Number(NumberRule::Most {
                bound: self.number(value)?,
                exclusive: self.flag_of(schema, "exclusiveMaximum")?,
            }),
            "multipleOf" => Rule::Number(NumberRule::MultipleOf(self.step(value)?)),
            "minLength" => Rule::Length(Count::Least(self.count(value)?)),
            "maxLength" => Rule::Length(Count::Most(self.count(value)?)),
            "pattern" => Rule::Pattern(self.pattern(value)?),
            "minItems" => Rule::Size(Count::Least(self.count(value)?)),
            "maxItems" => Rule::Size(Count::Most(self.count(value)?)),
            "uniqueItems" => return Ok(self.flag(value)?.then_some(Rule::Unique)),
            "items" => Rule::Items(self.items(value, schema)?),
            "minProperties" => Rule::Fields(Count::Least(self.count(value)?)),
            "maxProperties" => Rule::Fields(Count::Most(self.count(value)?)),
            "required" => Rule::Required(self.names(value)?),
            "properties" => Rule::Properties(self.properties(schema)?),
            // Read together with the first of them.
            "patternProperties" | "additionalProperties" => {
                let first = ["properties", "patternProperties", "additionalProperties"];
                let is_first = first.iter().find(|known| schema.contains_key(known)) == Some(&name);
                return Ok(match is_first {
                    true => Some(Rule::Properties(self.properties(schema)?)),
                    false => None,
                });
            }
            "dependencies" => Rule::All(vec![Schema { rules: self.dependencies(value)? }]),
            "allOf" => Rule::All(self.schemas(value)?),
            "anyOf" => Rule::Any(self.schemas(value)?),
            "oneOf" => Rule::One(self.schemas(value)?),
            "not" => Rule::Not(Box::new(self.schema(value)?)),
            "exclusiveMinimum" | "exclusiveMaximum" => return self.flag(value).map(|_| None),
            "additionalItems" => return self.others(value).map(|_| None),
            "title" | "description" => match value {
                Value::String(_) => return Ok(None),
                _ => return Err(self.wrong("must be text", "应为文本")),
            },
            "$ref" | "$schema" | "default" | "definitions" | "format" | "id" => {
                return Err(self.wrong("is not supported", "不受支持"));
            }
            _ => return Err(self.wrong("is an unknown keyword", "是未知的关键字")),
        }))
    }

    fn kinds(&self, value: &Value) -> Result<Kinds, Error> {
        let is_text = |kind: &Value| matches!(kind, Value::String(_));
        let all_text = match value {
            Value::Array(list) => list.iter().all(is_text),
            one => is_text(one),
        };
        if !all_text {
            return Err(self.wrong("must be the name of a kind, or a list", "应为类型名或其数组"));
        }
        Kinds::parse("$jsonSchema", value, &self.path)
    }

    /// JSON's names of kinds as BSON's.
    fn json_kinds(&self, value: &Value) -> Result<Kinds, Error> {
        let translate = |kind: &Value| match kind.as_str() {
            Some("boolean") => Ok(Value::from("bool")),
            Some("object" | "array" | "number" | "string" | "null") => Ok(kind.clone()),
            Some("integer") => Err(self.wrong(
                "type 'integer' is not supported; use bsonType with \"int\" and \"long\"",
                "不支持类型 'integer',请使用 bsonType 的 \"int\" 与 \"long\"",
            )),
            _ => Err(self.wrong(
                "must be object, array, number, boolean, string or null",
                "应为 object、array、number、boolean、string 或 null",
            )),
        };
        let kinds = match value {
            Value::Array(list) => {
                Value::Array(list.iter().map(translate).collect::<Result<_, _>>()?)
            }
            one => translate(one)?,
        };
        self.kinds(&kinds)
    }

    fn choices(&self, value: &Value) -> Result<Vec<Vec<u8>>, Error> {
        let list = self.list(value)?;
        list.iter().map(|choice| unordered_key(&View::from(choice))).collect()
    }

    fn list<'v>(&self, value: &'v Value) -> Result<&'v [Value], Error> {
        match value {
            Value::Array(list) if !list.is_empty() => Ok(list),
            _ => Err(self.wrong("must be a list that is not empty", "应为非空数组")),
        }
    }

    fn number(&self, value: &Value) -> Result<Value, Error> {
        match value.is_number() {
            true => Ok(value.clone()),
            false => Err(self.wrong("must be a number", "应为数字")),
        }
    }

    fn step(&self, value: &Value) -> Result<Value, Error> {
        match value.as_f64() {
            Some(step) if step > 0.0 => Ok(value.clone()),
            _ => Err(self.wrong("must be a number greater than 0", "应为正数")),
        }
    }

    fn count(&self, value: &Value) -> Result<usize, Error> {
        let count = value.as_i64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.wrong("must be a whole number of at least 0", "应为非负整数"))
    }

    fn flag(&self, value: &Value) -> Result<bool, Error> {
        value.as_bool().ok_or_else(|| self.wrong("must be true or false", "应为 true 或 false"))
    }

    fn flag_of(&self, schema: &Document, name: &str) -> Result<bool, Error> {
        schema.get(name).map_or(Ok(false), |value| self.flag(value))
    }

    fn pattern(&self, value: &Value) -> Result<Pattern, Error> {
        match value {
            Value::String(source) => Pattern::compile(source, ""),
            _ => {
                Err(self.wrong("must be a regular expression as text", "应为文本形式的正则表达式"))
            }
        }
    }

    fn names(&self, value: &Value) -> Result<Vec<String>, Error> {
        let expected =
            || self.wrong("must be a list of different names", "应为互不相同的字段名数组");
        let name = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(expected);
        let names: Vec<String> = self.list(value)?.iter().map(name).collect::<Result<_, _>>()?;
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        sorted.dedup();
        if sorted.len() < names.len() { Err(expected()) } else { Ok(names) }
    }

    fn schemas(&self, value: &Value) -> Result<Vec<Schema>, Error> {
        let list = self.list(value)?.iter().enumerate();
        list.map(|(index, schema)| self.at(&index.to_string()).schema(schema)).collect()
    }

    fn others(&self, value: &Value) -> Result<Others, Error> {
        match value {
            Value::Bool(true) => Ok(Others::Allowed),
            Value::Bool(false) => Ok(Others::Refused),
            schema => Ok(Others::Schema(Box::new(self.schema(schema)?))),
        }
    }

    fn items(&self, value: &Value, schema: &Document) -> Result<Items, Error> {
        let Value::Array(_) = value else {
            return Ok(Items {
                first: Vec::new(),
                others: Others::Schema(self.schema(value)?.into()),
            });
        };
        let others = schema.get("additionalItems").map(|others| self.others(others));
        Ok(Items { first: self.schemas(value)?, others: others.transpose()?.unwrap_or_default() })
    }

    fn fields<'v>(&self, value: Option<&'v Value>) -> Result<Option<&'v Document>, Error> {
        match value {
            None => Ok(None),
            Some(Value::Document(document)) => Ok(Some(document)),
            Some(_) => Err(self.wrong("must be an object of schemas", "应为模式对象")),
        }
    }

    fn properties(&self, schema: &Document) -> Result<Properties, Error> {
        let mut properties = Properties::default();
        for (name, inner) in
            self.fields(schema.get("properties"))?.into_iter().flat_map(Document::iter)
        {
            properties.named.push((name.to_owned(), self.at(name).schema(inner)?));
        }
        let matching = self.fields(schema.get("patternProperties"))?;
        for (source, inner) in matching.into_iter().flat_map(Document::iter) {
            let pattern = Pattern::compile(source, "")?;
            properties.matching.push((pattern, self.at(source).schema(inner)?));
        }
        if let Some(others) = schema.get("additionalProperties") {
            properties.others = self.others(others)?;
        }
        Ok(properties)
    }

    fn dependencies(&self, value: &Value) -> Result<Vec<Rule>, Error> {
        let mut rules = Vec::new();
        for (name, then) in self.fields(Some(value))?.into_iter().flat_map(Document::iter) {
            let place = self.at(name);
            let then = match then {
                Value::Array(_) => Dependency::Fields(place.names(then)?),
                schema => Dependency::Schema(place.schema(schema)?),
            };
            rules.push(Rule::Dependency(name.to_owned(), then));
        }
        Ok(rules)
    }
}
