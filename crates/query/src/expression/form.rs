//! Operators with rules of their own: those that do not look at every operand, and those that bind
//! variables.

use value::{ArrayView, Value, View};

use super::node::Node;
use super::operator::{self, wrong, wrong_kind};
use super::parse::{fold, list, members, parse as parse_node, raw_members};
use super::regex::Regex;
use super::scope::{Found, Names, Scope};
use super::sorting::SortArray;
use crate::Error;

#[derive(Debug, Clone)]
pub(crate) enum Form {
    And(Vec<Node>),
    Or(Vec<Node>),
    If([Node; 3]),
    IfNull(Vec<Node>),
    Switch { branches: Vec<(Node, Node)>, otherwise: Option<Node> },
    Let { values: Vec<Node>, body: Node },
    Map { input: Node, body: Node },
    Filter { input: Node, condition: Node, limit: Option<Node> },
    Reduce { input: Node, initial: Node, body: Node },
    Chance,
    Regex(Regex),
    SortArray(SortArray),
}

/// The form of this name; `None` for operators of the table.
pub(crate) fn parse(name: &str, operand: &Value, names: &mut Names) -> Result<Option<Node>, Error> {
    let form = match name {
        "$and" => Form::And(list(operand, names)?),
        "$or" => Form::Or(list(operand, names)?),
        "$cond" => return condition(operand, names).map(Some),
        "$ifNull" => {
            let nodes = list(operand, names)?;
            if nodes.len() < 2 {
                return Err(wrong("$ifNull", "at least two operands", "至少两个参数"));
            }
            Form::IfNull(nodes)
        }
        "$switch" => switch(operand, names)?,
        "$let" => bindings(operand, names)?,
        "$map" => map(operand, names)?,
        "$filter" => filter(operand, names)?,
        "$reduce" => reduce(operand, names)?,
        "$rand" => match operand {
            Value::Document(members) if members.is_empty() => Form::Chance,
            Value::Array(operands) if operands.is_empty() => Form::Chance,
            _ => return Err(wrong("$rand", "an empty object", "空对象")),
        },
        "$regexMatch" | "$regexFind" | "$regexFindAll" => {
            Form::Regex(Regex::parse(name, operand, names)?)
        }
        "$sortArray" => Form::SortArray(SortArray::parse(operand, names)?),
        "$getField" => return get_field(operand, names).map(Some),
        "$setField" | "$unsetField" => return set_field(name, operand, names).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(Node::Form(Box::new(form))))
}

fn condition(operand: &Value, names: &mut Names) -> Result<Node, Error> {
    let nodes = match operand {
        Value::Document(_) => members("$cond", operand, &["if", "then", "else"], 3, names)?,
        other => list(other, names)?,
    };
    let nodes: [Node; 3] = nodes
        .try_into()
        .map_err(|_| wrong("$cond", "three operands: if, then, else", "三个参数:if、then、else"))?;
    if let Some(known) = nodes[0].as_constant() {
        let [_, then, otherwise] = nodes.clone();
        let is_true = Found::Seen(View::from(known)).is_true();
        return Ok(if is_true { then } else { otherwise });
    }
    Ok(Node::Form(Box::new(Form::If(nodes))))
}

fn switch(operand: &Value, names: &mut Names) -> Result<Form, Error> {
    let parts = raw_members("$switch", operand, &["branches", "default"], 1)?;
    let Some(Value::Array(cases)) = parts[0] else {
        return Err(wrong("$switch", "a list as 'branches'", "数组作为 branches"));
    };
    let mut branches = Vec::with_capacity(cases.len());
    for case in cases {
        let nodes = members("$switch", case, &["case", "then"], 2, names)?;
        let [case, then]: [Node; 2] =
            nodes.try_into().map_err(|_| wrong("$switch", "case and then", "case 与 then"))?;
        branches.push((case, then));
    }
    let otherwise = parts[1].map(|value| parse_node(value, names)).transpose()?;
    if branches.is_empty() && otherwise.is_none() {
        return Err(wrong("$switch", "at least one branch", "至少一个分支"));
    }
    Ok(Form::Switch { branches, otherwise })
}

/// A variable of the user begins with a lower-case letter or one beyond ASCII.
pub(crate) fn check_variable(operator: &str, name: &str) -> Result<(), Error> {
    let fits = |first: char| first.is_ascii_lowercase() || !first.is_ascii();
    let rest = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii();
    if name.starts_with(fits) && name.chars().all(rest) {
        return Ok(());
    }
    Err(Error::malformed(
        format_args!(
            "'{name}' is not a name for a variable of {operator}; begin with a lower-case letter \
             and use letters, digits and _."
        ),
        format_args!(
            "'{name}' 不能作为 {operator} 的变量名,请以小写字母开头,仅用字母、数字和下划线。"
        ),
    ))
}

fn bindings(operand: &Value, names: &mut Names) -> Result<Form, Error> {
    let parts = raw_members("$let", operand, &["vars", "in"], 2)?;
    let (Some(Value::Document(variables)), Some(body)) = (parts[0], parts[1]) else {
        return Err(wrong("$let", "an object as 'vars'", "对象作为 vars"));
    };
    let mut values = Vec::with_capacity(variables.len());
    for (name, value) in variables.iter() {
        check_variable("$let", name)?;
        values.push(parse_node(value, names)?);
    }
    let body = within(variables.keys(), body, names)?;
    Ok(Form::Let { values, body })
}

/// Reads an expression with more variables around it.
fn within<'n>(
    variables: impl Iterator<Item = &'n str>,
    body: &Value,
    names: &mut Names,
) -> Result<Node, Error> {
    let mut added = 0;
    for name in variables {
        names.push(name.to_owned());
        added += 1;
    }
    let body = parse_node(body, names);
    (0..added).for_each(|_| names.pop());
    body
}

fn loop_variable(operator: &str, name: Option<&Value>) -> Result<String, Error> {
    match name {
        None => Ok("this".to_owned()),
        Some(Value::String(name)) => {
            check_variable(operator, name)?;
            Ok(name.clone())
        }
        Some(_) => Err(wrong(operator, "a name as 'as'", "名称作为 as")),
    }
}

fn map(operand: &Value, names: &mut Names) -> Result<Form, Error> {
    let parts = raw_members("$map", operand, &["input", "in", "as"], 2)?;
    let name = loop_variable("$map", parts[2])?;
    let input = parse_node(parts[0].unwrap_or(&Value::Null), names)?;
    let body = within(std::iter::once(name.as_str()), parts[1].unwrap_or(&Value::Null), names)?;
    Ok(Form::Map { input, body })
}

fn filter(operand: &Value, names: &mut Names) -> Result<Form, Error> {
    let parts = raw_members("$filter", operand, &["input", "cond", "as", "limit"], 2)?;
    let name = loop_variable("$filter", parts[2])?;
    let input = parse_node(parts[0].unwrap_or(&Value::Null), names)?;
    let limit = parts[3].map(|limit| parse_node(limit, names)).transpose()?;
    let condition =
        within(std::iter::once(name.as_str()), parts[1].unwrap_or(&Value::Null), names)?;
    Ok(Form::Filter { input, condition, limit })
}

fn reduce(operand: &Value, names: &mut Names) -> Result<Form, Error> {
    let parts = raw_members("$reduce", operand, &["input", "initialValue", "in"], 3)?;
    let part = |at: usize| parts[at].unwrap_or(&Value::Null);
    let input = parse_node(part(0), names)?;
    let initial = parse_node(part(1), names)?;
    let body = within(["value", "this"].into_iter(), part(2), names)?;
    Ok(Form::Reduce { input, initial, body })
}

/// `$getField` and its like name a field by text that is known beforehand.
fn field_name(operator: &str, value: &Value, names: &mut Names) -> Result<Node, Error> {
    let node = parse_node(value, names)?;
    match node.as_constant() {
        Some(Value::String(_)) => Ok(node),
        _ => Err(wrong(operator, "a constant text as 'field'", "常量文本作为 field")),
    }
}

fn table_call(name: &str, nodes: Vec<Node>) -> Result<Node, Error> {
    let operator = operator::find(name).ok_or_else(|| Error::unknown_operator(name, ""))?;
    Ok(fold(Node::Call(operator, nodes)))
}

fn get_field(operand: &Value, names: &mut Names) -> Result<Node, Error> {
    let is_named = matches!(operand, Value::Document(document) if document.contains_key("field"));
    if !is_named {
        let field = field_name("$getField", operand, names)?;
        return table_call("$getField", vec![field, Node::Field(Vec::new())]);
    }
    let parts = raw_members("$getField", operand, &["field", "input"], 2)?;
    let field = field_name("$getField", parts[0].unwrap_or(&Value::Null), names)?;
    let input = parse_node(parts[1].unwrap_or(&Value::Null), names)?;
    table_call("$getField", vec![field, input])
}

fn set_field(name: &str, operand: &Value, names: &mut Names) -> Result<Node, Error> {
    let known: &[&str] =
        if name == "$setField" { &["field", "input", "value"] } else { &["field", "input"] };
    let parts = raw_members(name, operand, known, known.len())?;
    let field = field_name(name, parts[0].unwrap_or(&Value::Null), names)?;
    let input = parse_node(parts[1].unwrap_or(&Value::Null), names)?;
    let value = match parts.get(2) {
        Some(value) => parse_node(value.unwrap_or(&Value::Null), names)?,
        None => Node::Nothing,
    };
    table_call("$setField", vec![field, input, value])
}

impl Form {
    /// The expressions in this one.
    pub(crate) fn children(&self) -> Vec<&Node> {
        match self {
            Form::And(nodes) | Form::Or(nodes) | Form::IfNull(nodes) => nodes.iter().collect(),
            Form::If(nodes) => nodes.iter().collect(),
            Form::Switch { branches, otherwise } => {
                let cases = branches.iter().flat_map(|(case, then)| [case, then]);
                cases.chain(otherwise).collect()
            }
            Form::Let { values, body } => values.iter().chain([body]).collect(),
            Form::Map { input, body } => vec![input, body],
            Form::Filter { input, condition, limit } => {
                [input, condition].into_iter().chain(limit).collect()
            }
            Form::Reduce { input, initial, body } => vec![input, initial, body],
            Form::Chance => Vec::new(),
            Form::Regex(regex) => regex.children(),
            Form::SortArray(sort) => vec![&sort.input],
        }
    }

    /// [`Form::children`], to change them.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Node> {
        match self {
            Form::And(nodes) | Form::Or(nodes) | Form::IfNull(nodes) => nodes.iter_mut().collect(),
            Form::If(nodes) => nodes.iter_mut().collect(),
            Form::Switch { branches, otherwise } => {
                let cases = branches.iter_mut().flat_map(|(case, then)| [case, then]);
                cases.chain(otherwise).collect()
            }
            Form::Let { values, body } => values.iter_mut().chain([body]).collect(),
            Form::Map { input, body } => vec![input, body],
            Form::Filter { input, condition, limit } => {
                [input, condition].into_iter().chain(limit).collect()
            }
            Form::Reduce { input, initial, body } => vec![input, initial, body],
            Form::Chance => Vec::new(),
            Form::Regex(regex) => regex.children_mut(),
            Form::SortArray(sort) => vec![&mut sort.input],
        }
    }

    pub(crate) fn eval<'s>(&'s self, scope: &Scope<'s>) -> Result<Found<'s>, Error> {
        match self {
            Form::And(nodes) => {
                for node in nodes {
                    if !node.eval(scope)?.is_true() {
                        return Ok(Found::made(false));
                    }
                }
                Ok(Found::made(true))
            }
            Form::Or(nodes) => {
                for node in nodes {
                    if node.eval(scope)?.is_true() {
                        return Ok(Found::made(true));
                    }
                }
                Ok(Found::made(false))
            }
            Form::If([condition, then, otherwise]) => {
                if condition.eval(scope)?.is_true() {
                    then.eval(scope)
                } else {
                    otherwise.eval(scope)
                }
            }
            Form::IfNull(nodes) => {
                let mut last = Found::Missing;
                for node in nodes {
                    last = node.eval(scope)?;
                    if !last.is_nullish() {
                        break;
                    }
                }
                Ok(last)
            }
            Form::Switch { branches, otherwise } => {
                for (case, then) in branches {
                    if case.eval(scope)?.is_true() {
                        return then.eval(scope);
                    }
                }
                otherwise.as_ref().map(|node| node.eval(scope)).unwrap_or_else(|| {
                    Err(wrong(
                        "$switch",
                        "a default when no branch matches",
                        "默认分支(无分支匹配)",
                    ))
                })
            }
            Form::Let { values, body } => bind(values, body, scope, scope),
            Form::Map { input, body } => eval_map(input, body, scope),
            Form::Filter { input, condition, limit } => {
                eval_filter(input, condition, limit.as_ref(), scope)
            }
            Form::Reduce { input, initial, body } => eval_reduce(input, initial, body, scope),
            Form::Chance => {
                // 53 bits fill a double between 0 and 1.
                let bits = scope.surroundings.chance() >> 11;
                Ok(Found::made(bits as f64 / (1_u64 << 53) as f64))
            }
            Form::Regex(regex) => regex.eval(scope),
            Form::SortArray(sort) => sort.eval(scope),
        }
    }
}

/// Binds one value after another, each evaluated outside, and gives the body's result.
fn bind<'s>(
    values: &[Node],
    body: &Node,
    outside: &Scope<'_>,
    inside: &Scope<'_>,
) -> Result<Found<'s>, Error> {
    let Some((first, rest)) = values.split_first() else {
        return body.eval(inside)?.owned();
    };
    let value = first.eval(outside)?;
    let bound = inside.bind(value.view());
    bind(rest, body, outside, &inside.inside(&bound))
}

/// The elements of an array; `None` when the input is null or nothing.
pub(crate) fn elements<'f>(
    operator: &str,
    input: &'f Found<'_>,
) -> Result<Option<ArrayView<'f>>, Error> {
    match input.view() {
        None | Some(View::Null) => Ok(None),
        Some(View::Array(array)) => Ok(Some(array)),
        Some(_) => Err(wrong_kind(operator, "an array", "数组", input)),
    }
}

fn eval_map<'s>(input: &Node, body: &Node, scope: &Scope<'_>) -> Result<Found<'s>, Error> {
    let input = input.eval(scope)?;
    let Some(array) = elements("$map", &input)? else {
        return Ok(Found::NULL);
    };
    let mut mapped = Vec::new();
    for element in array.iter() {
        scope.surroundings.spend(1)?;
        let bound = scope.bind(Some(element?));
        mapped.push(body.eval(&scope.inside(&bound))?.into_value_or_null()?);
    }
    Found::Made(Value::Array(mapped)).limited()
}

fn eval_filter<'s>(
    input: &Node,
    condition: &Node,
    limit: Option<&Node>,
    scope: &Scope<'_>,
) -> Result<Found<'s>, Error> {
    let input = input.eval(scope)?;
    let Some(array) = elements("$filter", &input)? else {
        return Ok(Found::NULL);
    };
    let limit = match limit.map(|limit| limit.eval(scope)).transpose()? {
        None => usize::MAX,
        Some(found) if found.is_nullish() => usize::MAX,
        Some(found) => usize::try_from(operator::whole("$filter", "limit", &found)?)
            .ok()
            .filter(|limit| *limit > 0)
            .ok_or_else(|| wrong("$filter", "a limit of at least 1", "至少为 1 的 limit"))?,
    };
    let mut kept = Vec::new();
    for element in array.iter() {
        scope.surroundings.spend(1)?;
        let element = element?;
        let bound = scope.bind(Some(element));
        if condition.eval(&scope.inside(&bound))?.is_true() {
            kept.push(element.to_value()?);
            if kept.len() == limit {
                break;
            }
        }
    }
    Ok(Found::Made(Value::Array(kept)))
}

fn eval_reduce<'s>(
    input: &Node,
    initial: &Node,
    body: &Node,
    scope: &Scope<'_>,
) -> Result<Found<'s>, Error> {
    let input = input.eval(scope)?;
    let Some(array) = elements("$reduce", &input)? else {
        return Ok(Found::NULL);
    };
    let mut value: Found<'_> = initial.eval(scope)?.owned()?;
    for element in array.iter() {
        scope.surroundings.spend(1)?;
        let next = {
            let so_far = scope.bind(value.view());
            let with_value = scope.inside(&so_far);
            let this = with_value.bind(Some(element?));
            body.eval(&with_value.inside(&this))?.into_value()?
        };
        value = next.map_or(Found::Missing, Found::Made);
    }
    value.owned()
}
