//! Whether a history is serialisable: whether there is one order in which everything could have
//! happened one after another, that also agrees with the order in which answers and questions were
//! seen from outside.
//!
//! Every list tells in which order its writes took place, and a read tells how far that had come.
//! From that follow edges "must come before"; a cycle among them is the proof that there is no
//! such order, no cycle the proof that there is one (Adya; Elle does it with the same lists).

use std::collections::BTreeMap;

use crate::history::{Answer, Event};
use crate::workload::Number;

/// Logs of all lists as they are in the end.
pub type Logs = BTreeMap<String, Vec<Number>>;

/// Looks for a contradiction; the sentence names the events of one cycle.
pub fn contradiction(
    events: &[Event],
    logs: &Logs,
    is_one_moment: impl Fn(Number) -> bool,
) -> Option<String> {
    let mut graph = Graph::default();
    for (list, log) in logs {
        let nodes: Vec<Node> =
            log.iter().map(|number| write_node(*number, list, &is_one_moment)).collect();
        for pair in nodes.windows(2) {
            graph.edge(&pair[0], &pair[1]);
        }
        for (node, number) in nodes.iter().zip(log) {
            let event = events.get(*number as usize - 1)?;
            graph.place_in_time(node, event);
        }
    }
    for event in events {
        let Answer::Seen(seen) = &event.answer else { continue };
        let node = Node::Event(event.number);
        graph.place_in_time(&node, event);
        for (list, seen) in seen {
            let log = logs.get(list).map(Vec::as_slice).unwrap_or_default();
            if !log.starts_with(seen) {
                return Some(format!(
                    "{} saw {seen:?} in {list}, which became {log:?}",
                    event.number
                ));
            }
            if let Some(last) = seen.last() {
                graph.edge(&write_node(*last, list, &is_one_moment), &node);
            }
            if let Some(next) = log.get(seen.len()) {
                graph.edge(&node, &write_node(*next, list, &is_one_moment));
            }
        }
        // A list that was not there yet comes into being later.
        for (list, log) in logs {
            if let Some(first) = log.first()
                && !seen.iter().any(|(id, _)| id == list)
            {
                graph.edge(&node, &write_node(*first, list, &is_one_moment));
            }
        }
    }
    graph.cycle()
}

/// What happens at one moment. A write to many documents that is not one is many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Event(Number),
    Part(Number, String),
    /// A step of the history, seen from outside.
    Step(u64),
}

fn write_node(number: Number, list: &str, is_one_moment: &impl Fn(Number) -> bool) -> Node {
    if is_one_moment(number) { Node::Event(number) } else { Node::Part(number, list.to_owned()) }
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
        let steps: std::collections::BTreeSet<u64> = self
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
    use super::*;

    fn event(number: Number, began: u64, ended: u64, seen: &[(&str, &[Number])]) -> Event {
        let seen = seen.iter().map(|(list, log)| ((*list).to_owned(), log.to_vec())).collect();
        Event { number, began, ended, answer: Answer::Seen(seen) }
    }

    fn write(number: Number, began: u64, ended: u64) -> Event {
        Event { number, began, ended, answer: Answer::Done(1) }
    }

    #[test]
    fn cycles_are_found_and_orders_are_accepted() {
        let logs: Logs = [("a".to_owned(), vec![1]), ("b".to_owned(), vec![2])].into();
        for (name, third, fourth, holds) in [
            ("both see both", event(3, 5, 8, &[("a", &[1]), ("b", &[2])]), write(4, 6, 7), true),
            (
                "two reads disagree about the order",
                event(3, 1, 8, &[("a", &[1]), ("b", &[])]),
                event(4, 1, 8, &[("a", &[]), ("b", &[2])]),
                false,
            ),
            (
                "a read misses an acknowledged write",
                event(3, 5, 6, &[("a", &[])]),
                write(4, 6, 7),
                false,
            ),
            (
                "a read sees a write that was undone",
                event(3, 5, 6, &[("a", &[9])]),
                write(4, 6, 7),
                false,
            ),
        ] {
            let events = [write(1, 1, 3), write(2, 2, 4), third, fourth];
            let found = contradiction(&events, &logs, |_| true);
            assert_eq!(found.is_none(), holds, "{name}: {found:?}");
        }
    }

    #[test]
    fn a_later_write_may_not_come_first() {
        let logs: Logs = [("a".to_owned(), vec![2, 1])].into();
        let one_after_the_other = [write(1, 1, 2), write(2, 3, 4)];
        assert!(contradiction(&one_after_the_other, &logs, |_| true).is_some());
        let at_once = [write(1, 1, 3), write(2, 2, 4)];
        assert_eq!(contradiction(&at_once, &logs, |_| true), None);
    }
}
