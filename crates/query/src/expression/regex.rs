//! `$regexMatch`, `$regexFind`, `$regexFindAll`. A pattern that depends on nothing is compiled
//! once.

use value::{Document, Value, View};

use super::node::Node;
use super::operator::{wrong, wrong_kind};
use super::parse::members;
use super::scope::{Found, Names, Scope};
use crate::Error;
use crate::pattern::Pattern;

#[derive(Debug, Clone)]
pub(crate) struct Regex {
    ask: Ask,
    nodes: [Node; 3],
    compiled: Option<Pattern>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Match,
    Find,
    FindAll,
}

impl Ask {
    fn name(self) -> &'static str {
        match self {
            Ask::Match => "$regexMatch",
            Ask::Find => "$regexFind",
            Ask::FindAll => "$regexFindAll",
        }
    }
}

impl Regex {
    pub(crate) fn parse(name: &str, operand: &Value, names: &mut Names) -> Result<Regex, Error> {
        let ask = match name {
            "$regexMatch" => Ask::Match,
            "$regexFind" => Ask::Find,
            _ => Ask::FindAll,
        };
        let nodes = members(name, operand, &["input", "regex", "options"], 2, names)?;
        let nodes: [Node; 3] =
            nodes.try_into().map_err(|_| wrong(name, "input and regex", "input 与 regex"))?;
        let known = |node: &Node| matches!(node, Node::Constant(_) | Node::Nothing);
        let mut regex = Regex { ask, nodes, compiled: None };
        if known(&regex.nodes[1]) && known(&regex.nodes[2]) {
            let constant =
                |node: &Node| node.as_constant().cloned().map_or(Found::Missing, Found::Made);
            let (source, options) = (constant(&regex.nodes[1]), constant(&regex.nodes[2]));
            regex.compiled = compile(name, &source, &options)?;
        }
        Ok(regex)
    }

    pub(crate) fn children(&self) -> Vec<&Node> {
        self.nodes.iter().collect()
    }

    pub(crate) fn children_mut(&mut self) -> Vec<&mut Node> {
        self.nodes.iter_mut().collect()
    }

    pub(crate) fn eval<'s>(&self, scope: &Scope<'_>) -> Result<Found<'s>, Error> {
        let name = self.ask.name();
        let input = self.nodes[0].eval(scope)?;
        let made;
        let pattern = match &self.compiled {
            Some(compiled) => Some(compiled),
            None => {
                let (source, options) = (self.nodes[1].eval(scope)?, self.nodes[2].eval(scope)?);
                made = compile(name, &source, &options)?;
                made.as_ref()
            }
        };
        let text = match input.view() {
            None | Some(View::Null) => None,
            Some(View::String(text)) => Some(text),
            Some(_) => return Err(wrong_kind(name, "text as input", "文本作为 input", &input)),
        };
        let (Some(text), Some(pattern)) = (text, pattern) else {
            return Ok(match self.ask {
                Ask::Match => Found::made(false),
                Ask::Find => Found::NULL,
                Ask::FindAll => Found::Made(Value::Array(Vec::new())),
            });
        };
        Ok(match self.ask {
            Ask::Match => Found::made(pattern.is_match(text)?),
            Ask::Find => match pattern.find_at(text, 0)? {
                Some(matched) => Found::Made(describe(text, 0, 0, &matched).0),
                None => Found::NULL,
            },
            Ask::FindAll => Found::Made(Value::Array(find_all(text, pattern, scope)?)),
        })
    }
}

fn find_all(text: &str, pattern: &Pattern, scope: &Scope<'_>) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    let (mut at, mut counted, mut count) = (0, 0, 0);
    while at <= text.len() {
        scope.surroundings.spend(1)?;
        let Some(matched) = pattern.find_at(text, at)? else { break };
        let (from, to) = matched[0].unwrap_or((at, at));
        let (value, characters) = describe(text, counted, count, &matched);
        (counted, count) = (from, characters);
        all.push(value);
        // An empty match moves on by one character.
        at = if to > from { to } else { to + text[to..].chars().next().map_or(1, char::len_utf8) };
    }
    Ok(all)
}

/// `{match, idx, captures}` and the count of characters before the match; `count` characters are
/// known to lie before the byte `counted`.
fn describe(
    text: &str,
    counted: usize,
    count: usize,
    matched: &[Option<(usize, usize)>],
) -> (Value, usize) {
    let (from, to) = matched[0].unwrap_or((0, 0));
    let characters = count + text[counted..from].chars().count();
    let captures = matched[1..].iter().map(|group| match group {
        Some((from, to)) => Value::from(&text[*from..*to]),
        None => Value::Null,
    });
    let fields = [
        ("match", Value::from(&text[from..to])),
        ("idx", Value::Int32(i32::try_from(characters).unwrap_or(i32::MAX))),
        ("captures", Value::Array(captures.collect())),
    ];
    (Value::Document(Document::from_iter(fields)), characters)
}

/// The pattern, `None` when it is null or nothing.
fn compile(name: &str, source: &Found<'_>, options: &Found<'_>) -> Result<Option<Pattern>, Error> {
    let said = match options.view() {
        None | Some(View::Null) => None,
        Some(View::String(options)) => Some(options),
        Some(_) => return Err(wrong_kind(name, "text as options", "文本作为 options", options)),
    };
    let (source, own) = match source.view() {
        None | Some(View::Null) => return Ok(None),
        Some(View::String(source)) => (source, ""),
        Some(View::Regex { pattern, options }) => (pattern, options),
        Some(_) => {
            return Err(wrong_kind(name, "a pattern as regex", "正则表达式作为 regex", source));
        }
    };
    if said.is_some() && !own.is_empty() {
        return Err(wrong(name, "options said once", "只指定一次 options"));
    }
    Pattern::compile(source, said.unwrap_or(own)).map(Some)
}
