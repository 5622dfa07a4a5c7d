//! What was asked and what was answered, in one order: the only thing the checks believe.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::workload::Number;

/// What an operation that was answered is known to have done.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// So many documents were changed, inserted or removed.
    Done(u64),
    /// What a read saw: `_id` of every list and its log.
    Seen(Vec<(String, Vec<Number>)>),
    /// Refused for good: it left nothing behind.
    Refused,
    /// No telling: it may have taken place, or be under way until the power failed.
    Unknown,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number; what it is follows from it.
    pub number: Number,
    /// The step before which nothing of it can have happened.
    pub began: u64,
    /// The step after which nothing of it can happen any more.
    pub ended: u64,
    /// What became of it.
    pub answer: Answer,
}

/// The events of a world so far. Clones are the same history.
#[derive(Clone, Debug, Default)]
pub struct History {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    step: u64,
    /// By number, from 1.
    events: Vec<Event>,
}

impl History {
    /// Gives the next operation its number.
    pub fn begin(&self) -> Number {
        let mut inner = self.inner();
        inner.step += 1;
        let number = Number::try_from(inner.events.len() + 1).expect("worlds are small");
        let began = inner.step;
        inner.events.push(Event { number, began, ended: u64::MAX, answer: Answer::Unknown });
        number
    }

    /// Notes what became of an operation.
    pub fn end(&self, number: Number, answer: Answer) {
        let mut inner = self.inner();
        inner.step += 1;
        let step = inner.step;
        let event = &mut inner.events[number as usize - 1];
        event.answer = answer;
        // What is not known may still go on.
        if event.answer != Answer::Unknown {
            event.ended = step;
        }
    }

    /// Notes that the power failed: what is under way ends here, one way or the other.
    pub fn power_failed(&self) {
        let mut inner = self.inner();
        inner.step += 1;
        let step = inner.step;
        for event in inner.events.iter_mut().filter(|event| event.ended == u64::MAX) {
            event.ended = step;
        }
    }

    /// All events so far, by number.
    pub fn events(&self) -> Vec<Event> {
        self.inner().events.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
