//! Whether a history is serialisable: whether there is one order in which everything could have
//! happened one after another, that also agrees with the order in which answers and questions were
//! seen from outside.
//!
//! Every list tells in which order its writes took place, and a read tells how far that had come.
//! From that follow edges "must come before"; a cycle among them is the proof that there is no
//! such order (Adya; Elle does it with the same lists). No cycle shows that there is one only for
//! what is in the graph: documents that somebody tried to remove are left out of it.

use std::collections::{BTreeMap, BTreeSet};

use value::Value;

use crate::client::list_of;
use crate::history::{Answer, Asked, Event, Sight};
use crate::verify::Contents;
use crate::workload::{self, Number, Operation};

/// Looks for a contradiction between a history and the contents it led to; the sentence names the
/// operations of one cycle.
pub fn contradiction(seed: u64, events: &[Event], contents: &Contents) -> Option<String> {
    let end = Ending::new(seed, events, contents);
    let mut graph = Graph::default();
    for (list, (_, log)) in &end.lists {
        let nodes: Vec<Node> = log.iter().map(|number| end.writer(*number, list)).collect();
        for pair in nodes.windows(2) {
            graph.edge(&pair[0], &pair[1]);
        }
        for (node, number) in nodes.iter().zip(log) {
            graph.place_in_time(node, events.get(*number as usize - 1)?);
        }
    }
    for number in end.inserted.keys() {
        graph.place_in_time(&Node::Event(*number), events.get(*number as usize - 1)?);
    }
    for event in events {
        let sights = match &event.answer {
            Answer::Seen(sight) => std::slice::from_ref(sight),
            Answer::Transacted(sights, _) => sights,
            _ => continue,
        };
        let node = Node::Event(event.number);
        graph.place_in_time(&node, event);
        for sight in sights {
            let contradiction = match sight {
                Sight::Lists { asked, seen } => end.place_lists(&mut graph, &node, asked, seen),
                Sight::Things { group, seen } => {
                    end.place_things(&mut graph, &node, *group, seen);
                    None
                }
            };
            if contradiction.is_some() {
                return contradiction;
            }
        }
    }
    graph.cycle()
}

/// What everything came to.
struct Ending {
    seed: u64,
    /// `_id` → group and log.
    lists: BTreeMap<String, (Option<i64>, Vec<Number>)>,
    /// Inserts that took place → their things that nobody tried to remove, with their groups.
    inserted: BTreeMap<Number, Vec<(u32, Option<i32>)>>,
}

impl Ending {
    fn new(seed: u64, events: &[Event], contents: &Contents) -> Ending {
        let lists = contents.lists.iter().map(|list| {
            let (id, log) = list_of(list);
            (id, (list.get("group").and_then(Value::as_i64), log))
        });
        let removed: BTreeSet<Number> = events
            .iter()
            .filter_map(|event| match Operation::of(seed, event.number) {
                Operation::RemoveOne { from } | Operation::RemoveAll { from } => Some(from),
                _ => None,
            })
            .collect();
        let ids = contents.things.iter().filter_map(|thing| thing.get("_id")?.as_str());
        let kept: BTreeSet<Number> =
            ids.filter_map(workload::parse_thing_id).map(|(insert, _)| insert).collect();
        let inserted = kept.into_iter().filter(|number| !removed.contains(number)).map(|number| {
            let things = 0..Operation::of(seed, number).inserts();
            let group = |index| (index, workload::group_of_thing(seed, number, index));
            (number, things.map(group).collect())
        });
        Ending { seed, lists: lists.collect(), inserted: inserted.collect() }
    }

    /// What wrote an entry. A write to many lists that is not one moment is many.
    fn writer(&self, number: Number, list: &str) -> Node {
        match Operation::of(self.seed, number) {
            Operation::AppendGroup { .. } => Node::Part(number, list.to_owned()),
            _ => Node::Event(number),
        }
    }

    /// A read comes after the last entry it saw, and before the first it did not see.
    fn place_lists(
        &self,
        graph: &mut Graph,
        node: &Node,
        asked: &Asked,
        seen: &[(String, Vec<Number>)],
    ) -> Option<String> {
        for (list, (group, log)) in &self.lists {
            let is_asked = match asked {
                Asked::All => true,
                Asked::Group(asked) => *group == Some(i64::from(*asked)),
                Asked::One(asked) => asked == list,
            };
            let seen = seen.iter().find(|(id, _)| id == list).map(|(_, seen)| seen);
            let Some(seen) = seen.map(Vec::as_slice).or(is_asked.then_some(&[])) else { continue };
            // What a transaction appended itself was left out of what it saw.
            let log: Vec<Number> =
                log.iter().copied().filter(|number| Node::Event(*number) != *node).collect();
            if !log.starts_with(seen) {
                return Some(format!("{node:?} saw {seen:?} in {list}, which became {log:?}"));
            }
            if let Some(last) = seen.last() {
                graph.edge(&self.writer(*last, list), node);
            }
            if let Some(next) = log.get(seen.len()) {
                graph.edge(node, &self.writer(*next, list));
            }
        }
        let unknown = seen.iter().find(|(list, _)| !self.lists.contains_key(list));
        unknown.map(|(list, _)| format!("{node:?} saw {list}, which is not there"))
    }

    /// A read comes after the inserts of which it saw something, and before the others.
    fn place_things(&self, graph: &mut Graph, node: &Node, group: i32, seen: &[(Number, u32)]) {
        for (insert, things) in &self.inserted {
            let insert_node = Node::Event(*insert);
            for (index, _) in things.iter().filter(|(_, of)| *of == Some(group)) {
                if seen.contains(&(*insert, *index)) {
                    graph.edge(&insert_node, node);
                } else {
                    graph.edge(node, &insert_node);
                }
            }
        }
    }
}

/// What happens at one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Event(Number),
    Part(Number, String),
    /// A step of the history, seen from outside.
    Step(u64),
}

#[derive(Default)]
struct Graph {
    edges: BTreeMap<Node, Vec<Node>>,
}

impl Graph {
    fn edge(&mut self, before: &Node, after: &Node) {
        if before != after {
            self.edges.entry(before.clone()).or_default().push(after.clone());
        }
    }

    fn place_in_time(&mut self, node: &Node, event: &Event) {
        self.edge(&Node::Step(event.began), node);
        if event.ended != u64::MAX {
            self.edge(node, &Node::Step(event.ended));
        }
    }

    /// Takes away what nothing must precede, until nothing is left or everything left is in, or
    /// behind, a cycle.
    fn cycle(mut self) -> Option<String> {
        let steps: BTreeSet<u64> = self
            .edges
            .iter()
            .flat_map(|(before, after)| after.iter().chain([before]))
            .filter_map(|node| if let Node::Step(step) = node { Some(*step) } else { None })
            .collect();
        let steps: Vec<Node> = steps.into_iter().map(Node::Step).collect();
        for pair in steps.windows(2) {
            self.edge(&pair[0], &pair[1]);
        }
        let mut before: BTreeMap<&Node, usize> = BTreeMap::new();
        for (node, after) in &self.edges {
            before.entry(node).or_default();
            for node in after {
                *before.entry(node).or_default() += 1;
            }
        }
        let mut free: Vec<&Node> =
            before.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
        while let Some(node) = free.pop() {
            before.remove(node);
            for after in self.edges.get(node).into_iter().flatten() {
                if let Some(count) = before.get_mut(after) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(after);
                    }
                }
            }
        }
        let (start, _) = before.first_key_value()?;
        Some(format!("no order explains this: {:?}", self.walk_back(start, &before)))
    }

    /// Everything left has something left before it: going back must come around.
    fn walk_back<'g>(&'g self, start: &'g Node, left: &BTreeMap<&'g Node, usize>) -> Vec<&'g Node> {
        let mut path = vec![start];
        loop {
            let node = *path.last().unwrap_or(&start);
            let before = self
                .edges
                .iter()
                .find(|(before, after)| left.contains_key(before) && after.contains(node));
            let Some((before, _)) = before else { return path };
            if let Some(at) = path.iter().position(|known| *known == before) {
                path.drain(..at);
                path.reverse();
                path.retain(|node| !matches!(node, Node::Step(_)));
                return path;
            }
            path.push(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use value::Document;

    use super::*;

    /// A seed and numbers of operations that are one moment each.
    const SEED: u64 = 0;

    fn single() -> Vec<Number> {
        let is_single = |number: &Number| {
            matches!(Operation::of(SEED, *number), Operation::Append { .. } | Operation::Read)
        };
        (1..1000).filter(is_single).take(4).collect()
    }

    type Row<'a> = (Number, u64, u64, &'a [(&'a str, &'a [Number])]);

    /// As many events as numbers need; those named here begin and end as said.
    fn events(of: &[Row<'_>]) -> Vec<Event> {
        let last = single()[3];
        let unknown = |number| {
            let (began, ended, answer) = (0, u64::MAX, Answer::Unknown);
            Event { number, began, ended, answer }
        };
        let mut events: Vec<Event> = (1..=last).map(unknown).collect();
        for (number, began, ended, seen) in of {
            let list = |(list, log): &(&str, &[Number])| ((*list).to_owned(), log.to_vec());
            let seen: Vec<_> = seen.iter().map(list).collect();
            let answer = if seen.is_empty() {
                Answer::Done(1)
            } else {
                Answer::Seen(Sight::Lists { asked: Asked::One(String::new()), seen })
            };
            let (number, began, ended) = (*number, *began, *ended);
            events[number as usize - 1] = Event { number, began, ended, answer };
        }
        events
    }

    fn contents(logs: &[(&str, &[Number])]) -> Contents {
        let list = |(id, log): &(&str, &[Number])| {
            let log = log.iter().map(|number| Value::Int64(i64::from(*number))).collect();
            Document::from_iter([("_id", Value::from(*id)), ("log", Value::Array(log))])
        };
        Contents { lists: logs.iter().map(list).collect(), things: Vec::new() }
    }

    #[test]
    fn cycles_are_found_and_orders_are_accepted() {
        let n = single();
        let end = contents(&[("a", &n[..1]), ("b", &n[1..2])]);
        let writes = [(n[0], 1, 3, &[][..]), (n[1], 2, 4, &[])];
        let both: &[(&str, &[Number])] = &[("a", &n[..1]), ("b", &n[1..2])];
        let only_a: &[(&str, &[Number])] = &[("a", &n[..1]), ("b", &[])];
        let only_b: &[(&str, &[Number])] = &[("a", &[]), ("b", &n[1..2])];
        let none: &[(&str, &[Number])] = &[("a", &[])];
        let undone: &[(&str, &[Number])] = &[("a", &n[3..4])];
        for (name, reads, holds) in [
            ("both see both", [(n[2], 5, 8, both), (n[3], 5, 8, both)], true),
            ("two reads disagree", [(n[2], 1, 8, only_a), (n[3], 1, 8, only_b)], false),
            ("an acknowledged write is missed", [(n[2], 5, 8, none), (n[3], 5, 8, both)], false),
            ("a write is seen and undone", [(n[2], 5, 8, undone), (n[3], 5, 8, both)], false),
        ] {
            let found = contradiction(SEED, &events(&[writes, reads].concat()), &end);
            assert_eq!(found.is_none(), holds, "{name}: {found:?}");
        }
    }

    #[test]
    fn a_later_write_may_not_come_first() {
        let n = single();
        let end = contents(&[("a", &[n[1], n[0]])]);
        let one_by_one = events(&[(n[0], 1, 2, &[]), (n[1], 3, 4, &[])]);
        assert!(contradiction(SEED, &one_by_one, &end).is_some());
        let at_once = events(&[(n[0], 1, 3, &[]), (n[1], 2, 4, &[])]);
        assert_eq!(contradiction(SEED, &at_once, &end), None);
    }

    #[test]
    fn two_transactions_may_not_overlook_each_other() {
        let inserts = |number: &Number| {
            let operation = Operation::of(SEED, *number);
            matches!(operation, Operation::Transact { .. }) && operation.inserts() > 0
        };
        // Removals only ever mean what an insert made.
        let n: Vec<Number> = (100..1000).filter(inserts).take(2).collect();
        let things = |number| workload::things(SEED, number, 1);
        let end = Contents { lists: vec![], things: [things(n[0]), things(n[1])].concat() };
        let sight = |other: Number, seen: Vec<(Number, u32)>| {
            let group = workload::group_of_thing(SEED, other, 0).expect("things have groups");
            vec![Sight::Things { group, seen }]
        };
        for (first_seen, holds) in [(vec![], false), (vec![(n[1], 0)], true)] {
            let mut events = events(&[]);
            for number in events.len() as Number + 1..=n[1] {
                let (began, ended, answer) = (0, u64::MAX, Answer::Unknown);
                events.push(Event { number, began, ended, answer });
            }
            events[n[0] as usize - 1].answer = Answer::Transacted(sight(n[1], first_seen), true);
            events[n[1] as usize - 1].answer = Answer::Transacted(sight(n[0], vec![]), true);
            let found = contradiction(SEED, &events, &end);
            assert_eq!(found.is_none(), holds, "{found:?}");
        }
    }
}
