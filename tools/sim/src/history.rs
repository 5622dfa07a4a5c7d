//! What was asked and what was answered, in one order: the only thing the checks believe.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::workload::Number;

/// What an operation that was answered is known to have done.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// So many documents were changed, inserted or removed.
    Done(u64),
    /// What a read saw.
    Seen(Sight),
    /// What a transaction saw, without its own writes, and whether they took place.
    Transacted(Vec<Sight>, bool),
    /// Refused for good: it left nothing behind.
    Refused,
    /// No telling: it may have taken place, or be under way until the power failed.
    Unknown,
}

/// What was seen at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    /// Some lists, which are all that there are of a group, or of all groups, or of that `_id`.
    Lists {
        /// Which were asked for.
        asked: Asked,
        /// `_id` and log of every one.
        seen: Vec<(String, Vec<Number>)>,
    },
    /// All things of a group: the inserts they are from and their places there.
    Things {
        /// The group.
        group: i32,
        /// The things.
        seen: Vec<(Number, u32)>,
    },
}

/// Which lists a read asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// All of them.
    All,
    /// Those of a group.
    Group(i32),
    /// One.
    One(String),
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
    /// Where a process that is recorded tells its recorder.
    marks: Option<File>,
}

impl Inner {
    /// One mark is one call, so that it stands whole in the recording.
    fn mark(&mut self, text: &str) {
        if let Some(marks) = &mut self.marks {
            marks.write_all(text.as_bytes()).expect("the marks can be written");
        }
    }
}

impl History {
    /// A history behind `begun` operations nobody speaks of here, which also writes into a file
    /// what begins (`begin 7`) and what was acknowledged (`done 7 1`, `refused 7 0`). Reads are
    /// not acknowledged there.
    pub fn marking(begun: usize, marks: File) -> History {
        let inner = Inner { marks: Some(marks), ..Inner::default() };
        let history = History { inner: Arc::new(Mutex::new(inner)) };
        for _ in 0..begun {
            history.add();
        }
        history
    }

    /// Gives the next operation its number.
    pub fn begin(&self) -> Number {
        let number = self.add();
        self.inner().mark(&format!("begin {number}\n"));
        number
    }

    fn add(&self) -> Number {
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
        match &answer {
            Answer::Done(done) => inner.mark(&format!("done {number} {done}\n")),
            Answer::Transacted(_, true) => inner.mark(&format!("done {number} 0\n")),
            Answer::Refused | Answer::Transacted(_, false) => {
                inner.mark(&format!("refused {number} 0\n"));
            }
            Answer::Seen(_) | Answer::Unknown => {}
        }
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
