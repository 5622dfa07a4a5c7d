//! One change of a tree: a part is replaced, wrapped, copied elsewhere, renamed or left out.

use value::{Document, RawDoc, Value, ejson};

use crate::dice::Dice;
use crate::dictionary;

/// A changed copy of a document in BSON; `None` when the bytes are no document, or would grow
/// beyond `max` bytes.
pub fn mutated_bson(bytes: &[u8], max: usize, seed: u32) -> Option<Vec<u8>> {
    let document = RawDoc::new(bytes).ok()?.to_document().ok()?;
    let Value::Document(changed) = mutated(Value::Document(document), seed) else {
        return None;
    };
    Some(changed.to_bytes()).filter(|bytes| bytes.len() <= max)
}

/// A changed copy of a document in extended JSON; `None` as in [`mutated_bson`].
pub fn mutated_text(bytes: &[u8], max: usize, seed: u32) -> Option<Vec<u8>> {
    let value = ejson::parse(std::str::from_utf8(bytes).ok()?, 0).ok()?;
    let changed = mutated(value, seed);
    Some(ejson::canonical_value(&changed).into_bytes()).filter(|bytes| bytes.len() <= max)
}

fn mutated(mut tree: Value, seed: u32) -> Value {
    let mut dice = Dice::new(seed);
    for _ in 0..=dice.below(3) {
        let nodes = count(&tree);
        let mut at = dice.below(nodes);
        let spare = node(&mut tree, &mut at).map(|spare| spare.clone()).unwrap_or(Value::Null);
        // The root is a document and stays one.
        let mut at = 1 + dice.below(nodes.saturating_sub(1));
        match node(&mut tree, &mut at) {
            Some(place) => change(place, spare, &mut dice),
            None => change_members(&mut tree, spare, &mut dice),
        }
    }
    tree
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Document(document) => document.iter().map(|(_, value)| count(value)).sum(),
        Value::Array(elements) => elements.iter().map(count).sum(),
        _ => 0,
    }
}

/// The part that is `at` steps from the root, depth first.
fn node<'v>(value: &'v mut Value, at: &mut usize) -> Option<&'v mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Document(document) => {
            let names: Vec<String> = document.keys().map(str::to_owned).collect();
            let place = names.iter().find_map(|name| {
                let below = document.get(name).map_or(0, count);
                if *at < below {
                    Some(name.clone())
                } else {
                    *at -= below;
                    None
                }
            })?;
            node(document.get_mut(&place)?, at)
        }
        Value::Array(elements) => {
            let place = elements.iter().position(|element| {
                let below = count(element);
                let here = *at < below;
                if !here {
                    *at -= below;
                }
                here
            })?;
            node(&mut elements[place], at)
        }
        _ => None,
    }
}

fn change(place: &mut Value, spare: Value, dice: &mut Dice) {
    match dice.below(8) {
        0 => *place = dictionary::scalar(dice),
        1 => *place = spare,
        2 => *place = Value::Array(vec![std::mem::replace(place, Value::Null)]),
        3 => {
            let inner = std::mem::replace(place, Value::Null);
            *place = Value::Document(Document::from_iter([(dictionary::name(dice), inner)]));
        }
        _ => change_members(place, spare, dice),
    }
}

fn change_members(place: &mut Value, spare: Value, dice: &mut Dice) {
    let added = if dice.below(2) == 0 { spare } else { dictionary::scalar(dice) };
    match place {
        Value::Document(document) => change_fields(document, added, dice),
        Value::Array(elements) => {
            let at = dice.below(elements.len());
            match dice.below(4) {
                0 if !elements.is_empty() => drop(elements.remove(at)),
                1 if !elements.is_empty() => elements.push(elements[at].clone()),
                2 => elements.reverse(),
                _ => elements.insert(at, added),
            }
        }
        Value::Int32(number) => *number = number.wrapping_add(*dice.pick(&[1, -1, 30, -30])),
        Value::Int64(number) => *number = number.wrapping_add(*dice.pick(&[1, -1, 1 << 32])),
        Value::Double(number) => *number *= *dice.pick(&[-1.0, 2.0, 0.5, 1e300]),
        Value::Bool(flag) => *flag = !*flag,
        Value::String(text) => change_text(text, dice),
        other => *other = added,
    }
}

fn change_fields(document: &mut Document, added: Value, dice: &mut Dice) {
    let mut fields: Vec<(String, Value)> =
        document.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let at = dice.below(fields.len());
    match dice.below(4) {
        0 if !fields.is_empty() => drop(fields.remove(at)),
        1 if !fields.is_empty() => fields[at].0 = dictionary::name(dice),
        2 => fields.reverse(),
        _ => fields.insert(at, (dictionary::name(dice), added)),
    }
    // Later fields of the same name replace earlier ones.
    *document = Document::new();
    for (name, value) in fields {
        document.insert(name, value);
    }
}

fn change_text(text: &mut String, dice: &mut Dice) {
    let mut letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len() + 1);
    match dice.below(3) {
        0 => *text = dictionary::name(dice),
        1 if at < letters.len() => drop(letters.remove(at)),
        _ => letters
            .insert(at, *dice.pick(&['a', '$', '.', '0', '(', '*', '\\', '[', '%', '中', '\0'])),
    }
    if letters.len() != text.chars().count() {
        *text = letters.into_iter().collect();
    }
}
