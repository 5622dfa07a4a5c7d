//! Paths with places that only a document can fill: `$` (the element the filter matched), `$[]`
//! (every element) and `$[name]` (the elements an array filter takes).

use value::{DocView, Document, Value};

use crate::path::{Path, Segment};
use crate::update::place::quote;
use crate::{Error, Filter};

/// Most places one change may have in a document.
const PLACES_MAX: usize = 100_000;

/// The array filters of an update, by the names their paths begin with.
#[derive(Debug, Clone, Default)]
pub(super) struct ArrayFilters(Vec<(String, Filter)>);

impl ArrayFilters {
    /// Reads `[{"x.grade": {"$gte": 85}}, …]`: the first part of every path is the name.
    pub(super) fn parse(filters: &[Document]) -> Result<ArrayFilters, Error> {
        let mut read = ArrayFilters::default();
        for document in filters {
            let mut names = Vec::new();
            gather_names(document, &mut names);
            names.sort_unstable();
            names.dedup();
            let [name] = names[..] else {
                return Err(Error::malformed(
                    "An array filter needs conditions whose paths begin with one name, such as \
                     {\"x.grade\": 1}; correct it.",
                    "数组过滤条件的所有路径必须以同一个名称开头,如 {\"x.grade\": 1},请修改。",
                ));
            };
            if !is_name(name) {
                return Err(Error::malformed(
                    format_args!(
                        "The name '{name}' of an array filter must begin with a small letter and \
                         hold letters and digits only; rename it."
                    ),
                    format_args!("数组过滤名称 '{name}' 必须以小写字母开头且只含字母数字,请修改。"),
                ));
            }
            if read.get(name).is_some() {
                return Err(Error::malformed(
                    format_args!("Found multiple array filters named '{name}'; join them."),
                    format_args!("存在多个名为 '{name}' 的数组过滤条件,请合并。"),
                ));
            }
            read.0.push((name.to_owned(), Filter::parse_unordered(document)?));
        }
        Ok(read)
    }

    fn get(&self, name: &str) -> Option<&Filter> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, filter)| filter)
    }

    /// Every name must be used by a path, and every path's names must be known.
    pub(super) fn check<'p>(&self, paths: impl Iterator<Item = &'p Path>) -> Result<(), Error> {
        let mut used = vec![false; self.0.len()];
        for path in paths {
            for name in path.segments().iter().filter_map(filter_name) {
                let known = self.0.iter().position(|(known, _)| known == name);
                let known = known.ok_or_else(|| {
                    let path = path.text();
                    Error::malformed(
                        format_args!(
                            "No array filter found for identifier '{name}' in path '{path}'; add \
                             one to arrayFilters."
                        ),
                        format_args!(
                            "路径 '{path}' 中的 '{name}' 没有对应的数组过滤条件,请在 arrayFilters \
                             中添加。"
                        ),
                    )
                })?;
                used[known] = true;
            }
        }
        match used.iter().position(|used| !used) {
            None => Ok(()),
            Some(at) => Err(Error::malformed(
                format_args!(
                    "The array filter for identifier '{}' was not used in the update; remove it.",
                    self.0[at].0
                ),
                format_args!("数组过滤条件 '{}' 未被更新使用,请删除。", self.0[at].0),
            )),
        }
    }
}

/// The first parts of all paths of a filter, also within logic.
fn gather_names<'d>(filter: &'d Document, names: &mut Vec<&'d str>) {
    for (name, value) in filter.iter() {
        if !name.starts_with('$') {
            names.push(name.split('.').next().unwrap_or(name));
        } else if let Value::Array(branches) = value {
            branches.iter().filter_map(Value::as_document).for_each(|it| gather_names(it, names));
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `x` of `$[x]`; not of `$[]`.
fn filter_name(segment: &Segment) -> Option<&str> {
    let name = segment.name.strip_prefix("$[")?.strip_suffix(']')?;
    (!name.is_empty()).then_some(name)
}

/// Whether a segment is one of the three.
pub(super) fn is_placeholder(name: &str) -> bool {
    name == "$" || (name.starts_with("$[") && name.ends_with(']'))
}

/// Refuses places where no element can be meant.
pub(super) fn check_path(path: &Path) -> Result<(), Error> {
    let segments = path.segments();
    let text = path.text();
    if is_placeholder(&segments[0].name) {
        return Err(Error::malformed(
            format_args!(
                "Cannot have positional (i.e. '{}') element in the first position in path '{text}'; \
                 name the array before it.",
                segments[0].name
            ),
            format_args!("路径 '{text}' 不能以位置操作符开头,请先写数组字段名。"),
        ));
    }
    if segments.iter().filter(|segment| segment.name == "$").count() > 1 {
        return Err(Error::malformed(
            format_args!(
                "Too many positional (i.e. '$') elements found in path '{text}'; use one."
            ),
            format_args!("路径 '{text}' 中有多个位置操作符 '$',只能使用一个。"),
        ));
    }
    Ok(())
}

/// Whether a path has places to fill.
pub(super) fn is_open(path: &Path) -> bool {
    path.segments().iter().any(|segment| is_placeholder(&segment.name))
}

/// Whether a path has the place of the element the filter matched.
pub(super) fn needs_match(path: &Path) -> bool {
    path.segments().iter().any(|segment| segment.name == "$")
}

/// What fills the places.
pub(super) struct Filling<'a> {
    pub(super) filters: &'a ArrayFilters,
    /// Index of the element the filter matched.
    pub(super) matched: Option<usize>,
}

impl Filling<'_> {
    /// The paths a path means in this document, none when no element is taken.
    pub(super) fn fill(&self, document: &Document, path: &Path) -> Result<Vec<Path>, Error> {
        let mut filled = Vec::new();
        let (first, rest) = path.segments().split_first().expect("a path is never empty");
        let mut way = vec![first.clone()];
        self.walk(document.get(&first.name), rest, path, &mut way, &mut filled)?;
        Ok(filled)
    }

    fn walk(
        &self,
        value: Option<&Value>,
        rest: &[Segment],
        path: &Path,
        way: &mut Vec<Segment>,
        filled: &mut Vec<Path>,
    ) -> Result<(), Error> {
        let Some((first, rest)) = rest.split_first() else {
            if filled.len() >= PLACES_MAX {
                return Err(Error::conflict(
                    format_args!("'{}' means more than {PLACES_MAX} places.", path.text()),
                    format_args!("'{}' 涉及的位置超过 {PLACES_MAX} 个。", path.text()),
                ));
            }
            filled.push(Path::from_segments(way.clone()));
            return Ok(());
        };
        if first.name == "$" {
            let index = self.matched.ok_or_else(|| no_match(path))?;
            return self.step(value, Segment::of_index(index), rest, path, way, filled);
        }
        if !is_placeholder(&first.name) {
            return self.step(value, first.clone(), rest, path, way, filled);
        }
        let elements = match value {
            Some(Value::Array(elements)) => elements,
            other => return Err(no_array(other, way)),
        };
        for (index, element) in elements.iter().enumerate() {
            if self.takes(first, element)? {
                self.step(value, Segment::of_index(index), rest, path, way, filled)?;
            }
        }
        Ok(())
    }

    /// Goes one step down.
    fn step(
        &self,
        value: Option<&Value>,
        segment: Segment,
        rest: &[Segment],
        path: &Path,
        way: &mut Vec<Segment>,
        filled: &mut Vec<Path>,
    ) -> Result<(), Error> {
        let inner = match value {
            Some(Value::Document(document)) => document.get(&segment.name),
            Some(Value::Array(elements)) => segment.index.and_then(|index| elements.get(index)),
            _ => None,
        };
        way.push(segment);
        let done = self.walk(inner, rest, path, way, filled);
        way.pop();
        done
    }

    fn takes(&self, segment: &Segment, element: &Value) -> Result<bool, Error> {
        let Some(name) = filter_name(segment) else {
            return Ok(true);
        };
        let Some(filter) = self.filters.get(name) else {
            return Ok(false);
        };
        let named = Document::from_iter([(name, element.clone())]);
        filter.check(&DocView::Owned(&named))
    }
}

fn no_match(path: &Path) -> Error {
    let path = path.text();
    Error::conflict(
        format_args!(
            "The positional operator of '{path}' did not find the match needed from the query; let \
             the query ask for an element of that array."
        ),
        format_args!("'{path}' 的位置操作符没有匹配的数组元素,请在查询条件中包含该数组。"),
    )
}

fn no_array(value: Option<&Value>, way: &[Segment]) -> Error {
    let path = Path::from_segments(way.to_vec());
    let path = path.text();
    match value {
        None => Error::conflict(
            format_args!(
                "The path '{path}' must exist in the document in order to apply array updates; set \
                 it first."
            ),
            format_args!("更新数组元素要求 '{path}' 存在,请先设置。"),
        ),
        Some(value) => {
            let element = quote(path, value);
            Error::conflict(
                format_args!("Cannot apply array updates to non-array element {element}."),
                format_args!("{element} 不是数组,无法更新其元素。"),
            )
        }
    }
}
