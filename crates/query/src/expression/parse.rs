//! From a value to an expression. Whatever is not understood is refused by name; what depends on
//! nothing is computed at once.

use value::{Document, Value};

use super::form;
use super::node::Node;
use super::operator::{self, Operator, Shape};
use super::scope::{Names, Scope, Surroundings};
use crate::Error;

/// Reads an expression; `names` are the variables around it.
pub(crate) fn parse(value: &Value, names: &mut Names) -> Result<Node, Error> {
    match value {
        Value::String(text) if text.starts_with("$$") => variable(&text[2..], names),
        Value::String(text) if text.starts_with('$') => Ok(Node::Field(segments(&text[1..])?)),
        Value::Array(elements) => {
            let nodes = elements.iter().map(|element| parse(element, names));
            Ok(fold(Node::List(nodes.collect::<Result<_, _>>()?)))
        }
        Value::Document(document) => match document.first() {
            Some((name, operand)) if name.starts_with('$') => {
                if document.len() > 1 {
                    return Err(Error::malformed(
                        format_args!(
                            "An object that is an expression has exactly one member, but {name} \
                             has others beside it; nest them."
                        ),
                        format_args!(
                            "表达式对象只能有一个成员,{name} 旁边还有其他成员,请嵌套书写。"
                        ),
                    ));
                }
                call(name, operand, names)
            }
            _ => object(document, names),
        },
        other => Ok(Node::Constant(other.clone())),
    }
}

/// A document whose members are expressions.
fn object(document: &Document, names: &mut Names) -> Result<Node, Error> {
    let mut fields = Vec::with_capacity(document.len());
    for (name, value) in document.iter() {
        check_name(name)?;
        fields.push((name.to_owned(), parse(value, names)?));
    }
    Ok(fold(Node::Object(fields)))
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.starts_with('$') || name.contains('.') {
        return Err(Error::malformed(
            format_args!(
                "The field name '{name}' cannot be in an expression's object: it must not be \
                 empty, begin with $ or hold a dot; rename it."
            ),
            format_args!("表达式对象的字段名 '{name}' 不能为空、以 $ 开头或包含点号,请修改。"),
        ));
    }
    Ok(())
}

/// Names of a path, none of them empty or an operator.
pub(crate) fn segments(path: &str) -> Result<Vec<String>, Error> {
    let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    let broken = |part: &String| part.is_empty() || part.starts_with('$') || part.contains('\0');
    if parts.iter().any(broken) {
        return Err(Error::malformed(
            format_args!(
                "'{path}' is not a field path: names between dots must not be empty or begin \
                 with $; correct it."
            ),
            format_args!("'{path}' 不是有效的字段路径:点号之间的名称不能为空或以 $ 开头,请修改。"),
        ));
    }
    if parts.len() > value::DEPTH_MAX {
        return Err(Error::Value(value::Error::TooDeep));
    }
    Ok(parts)
}

fn variable(text: &str, names: &Names) -> Result<Node, Error> {
    let (name, path) = match text.split_once('.') {
        Some((name, path)) => (name, segments(path)?),
        None => (text, Vec::new()),
    };
    if let Some(level) = names.level_of(name) {
        return Ok(Node::Variable(level, path));
    }
    match name {
        "ROOT" => Ok(Node::Root(path)),
        "CURRENT" => Ok(Node::Field(path)),
        "REMOVE" => Ok(Node::Nothing),
        "NOW" if path.is_empty() => Ok(Node::Now),
        "NOW" => Ok(Node::Nothing),
        "DESCEND" | "PRUNE" | "KEEP" if names.redacting => {
            Ok(Node::Constant(Value::String(name.to_ascii_lowercase())))
        }
        _ if names.open => Ok(Node::Free(name.to_owned(), path)),
        _ => Err(undefined(name)),
    }
}

/// A variable that nothing defines.
pub(crate) fn undefined(name: &str) -> Error {
    Error::malformed(
        format_args!("Use of undefined variable: {name}; define it with $let or `let`."),
        format_args!("使用了未定义的变量 {name},请用 $let 或 let 定义。"),
    )
}

fn call(name: &str, operand: &Value, names: &mut Names) -> Result<Node, Error> {
    if name == "$literal" {
        return Ok(Node::Constant(operand.clone()));
    }
    if let Some(node) = form::parse(name, operand, names)? {
        return Ok(node);
    }
    if matches!(name, "$function" | "$accumulator" | "$meta" | "$where") {
        return Err(Error::malformed(
            format_args!("{name} is not supported here; compute it in a cloud function."),
            format_args!("不支持 {name},请在云函数中计算。"),
        ));
    }
    // The SDK's own name of the operator.
    let name = if name == "$neq" { "$ne" } else { name };
    let operator =
        operator::find(name).ok_or_else(|| Error::unknown_operator(name, "expression"))?;
    let operands = operands(operator, operand, names)?;
    Ok(fold(Node::Call(operator, operands)))
}

fn operands(operator: &Operator, operand: &Value, names: &mut Names) -> Result<Vec<Node>, Error> {
    match (&operator.shape, operand) {
        (Shape::Count(min, max), operand) => {
            let nodes = list(operand, names)?;
            if (*min..=*max).contains(&nodes.len()) {
                return Ok(nodes);
            }
            let count = match (min, max) {
                (min, max) if min == max => min.to_string(),
                (min, &operator::ANY) => format!("{min}+"),
                (min, max) => format!("{min}-{max}"),
            };
            Err(Error::malformed(
                format_args!(
                    "Expression {} takes exactly {count} arguments, {} were passed in; correct it.",
                    operator.name,
                    nodes.len()
                ),
                format_args!(
                    "表达式 {} 需要 {count} 个参数,实际为 {} 个,请修改。",
                    operator.name,
                    nodes.len()
                ),
            ))
        }
        (Shape::NamedOrOne(known, _), operand) if !has_members(operand) => {
            let mut nodes = list(operand, names)?;
            if nodes.len() != 1 {
                return Err(operator::wrong(operator.name, "one operand", "单个参数"));
            }
            nodes.resize(known.len(), Node::Nothing);
            Ok(nodes)
        }
        (Shape::Named(known, required) | Shape::NamedOrOne(known, required), operand) => {
            members(operator.name, operand, known, *required, names)
        }
    }
}

/// Whether an operand is a document of members rather than an expression.
fn has_members(operand: &Value) -> bool {
    matches!(operand, Value::Document(document)
        if !document.first().is_some_and(|(name, _)| name.starts_with('$')))
}

/// The elements of a list, or the only operand.
pub(crate) fn list(operand: &Value, names: &mut Names) -> Result<Vec<Node>, Error> {
    match operand {
        Value::Array(elements) => elements.iter().map(|element| parse(element, names)).collect(),
        only => Ok(vec![parse(only, names)?]),
    }
}

/// The members of an operator's document in their order; those left out are nothing.
pub(crate) fn members(
    operator: &str,
    operand: &Value,
    known: &[&str],
    required: usize,
    names: &mut Names,
) -> Result<Vec<Node>, Error> {
    let found = raw_members(operator, operand, known, required)?;
    let nodes = found.into_iter().map(|member| match member {
        Some(value) => parse(value, names),
        None => Ok(Node::Nothing),
    });
    nodes.collect()
}

/// [`members`] before they are read as expressions.
pub(crate) fn raw_members<'v>(
    operator: &str,
    operand: &'v Value,
    known: &[&str],
    required: usize,
) -> Result<Vec<Option<&'v Value>>, Error> {
    let Value::Document(document) = operand else {
        let (english, chinese) = (known.join(", "), known.join("、"));
        return Err(operator::wrong(
            operator,
            &format!("an object with {english}"),
            &format!("包含 {chinese} 的对象"),
        ));
    };
    if let Some(name) = document.keys().find(|name| !known.contains(name)) {
        return Err(Error::malformed(
            format_args!("Unrecognized argument to {operator}: {name}; use {}.", known.join(", ")),
            format_args!("{operator} 不支持参数 {name},可用参数为 {}。", known.join("、")),
        ));
    }
    if let Some(name) = known[..required].iter().find(|name| !document.contains_key(name)) {
        return Err(Error::malformed(
            format_args!("Missing '{name}' parameter to {operator}; add it."),
            format_args!("{operator} 缺少参数 '{name}',请补充。"),
        ));
    }
    Ok(known.iter().map(|name| document.get(name)).collect())
}

/// Computes what depends on nothing. What cannot be computed is left to fail where it is needed.
pub(crate) fn fold(node: Node) -> Node {
    let constant = match &node {
        Node::List(nodes) | Node::Call(_, nodes) => nodes.iter().all(is_known),
        Node::Object(fields) => fields.iter().all(|(_, node)| is_known(node)),
        _ => false,
    };
    if !constant {
        return node;
    }
    let (nothing, surroundings) = (Document::new(), Surroundings::new(0, 0));
    let scope = Scope::new((&nothing).into(), &[], &surroundings);
    let folded = match node.eval(&scope).and_then(|found| found.into_value()) {
        Ok(Some(value)) => Some(Node::Constant(value)),
        Ok(None) => Some(Node::Nothing),
        Err(_) => None,
    };
    folded.unwrap_or(node)
}

fn is_known(node: &Node) -> bool {
    matches!(node, Node::Constant(_) | Node::Nothing)
}
