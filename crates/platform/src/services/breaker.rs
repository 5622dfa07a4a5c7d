//! A circuit breaker: after several failures in a row a service is left alone for a while, then one
//! request tries it again.
//!
//! Pure: the time is an argument, and nothing here waits.

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many failures in a row open it; 0 never does.
    pub failures: u32,
    /// How long it stays open, in ms.
    pub open_ms: i64,
}

/// What the breaker of a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Requests pass; so many have failed in a row.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// No request passes before this moment, ms since 1970.
    Open {
        /// When the next request may try.
        until_ms: i64,
    },
    /// One request is trying; others are refused until its outcome is known.
    HalfOpen,
}

/// The breaker of one service.
#[derive(Debug)]
pub struct Breaker {
    limits: Limits,
    state: State,
}

/// How a request that was let through ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered.
    Succeeded,
    /// It did not answer, or said that it cannot.
    Failed,
    /// Nobody waited for the answer: nothing is known.
    Unknown,
}

impl Breaker {
    /// A closed one.
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: State::Closed { failures: 0 } }
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        self.state
    }

    /// Lets a request through, or says for how many ms no other is worth a try.
    ///
    /// # Errors
    /// Milliseconds until the next try may pass.
    pub fn ask(&mut self, now_ms: i64) -> Result<(), i64> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until_ms } if now_ms < until_ms => Err(until_ms - now_ms),
            State::Open { .. } => {
                self.state = State::HalfOpen;
                Ok(())
            }
            State::HalfOpen => Err(self.limits.open_ms),
        }
    }

    /// Notes how a request that was let through ended.
    pub fn note(&mut self, outcome: Outcome, now_ms: i64) {
        self.state = match (self.state, outcome) {
            (State::Closed { .. } | State::HalfOpen, Outcome::Succeeded) => {
                State::Closed { failures: 0 }
            }
            (State::Closed { failures }, Outcome::Failed) => {
                let failures = failures.saturating_add(1);
                match self.limits.failures {
                    0 => State::Closed { failures },
                    most if failures >= most => self.opened(now_ms),
                    _ => State::Closed { failures },
                }
            }
            // Another request may try in its place, at once.
            (State::HalfOpen, Outcome::Unknown) => State::Open { until_ms: now_ms },
            (State::HalfOpen, Outcome::Failed) => self.opened(now_ms),
            // Requests that were on their way when it opened change nothing.
            (state, _) => state,
        };
    }

    fn opened(&self, now_ms: i64) -> State {
        State::Open { until_ms: now_ms.saturating_add(self.limits.open_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { failures: 3, open_ms: 1_000 };

    fn opened_at(now_ms: i64) -> Breaker {
        let mut breaker = Breaker::new(LIMITS);
        for _ in 0..LIMITS.failures {
            breaker.ask(now_ms).unwrap();
            breaker.note(Outcome::Failed, now_ms);
        }
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut breaker = Breaker::new(LIMITS);
        for outcome in [Outcome::Failed, Outcome::Failed, Outcome::Succeeded, Outcome::Failed] {
            breaker.ask(0).unwrap();
            breaker.note(outcome, 0);
        }
        assert_eq!(breaker.state(), State::Closed { failures: 1 });
        breaker.note(Outcome::Unknown, 0);
        assert_eq!(breaker.state(), State::Closed { failures: 1 });
        assert_eq!(opened_at(5).state(), State::Open { until_ms: 1_005 });
    }

    #[test]
    fn while_it_is_open_nothing_passes_and_then_one() {
        let mut breaker = opened_at(0);
        assert_eq!(breaker.ask(0), Err(1_000));
        assert_eq!(breaker.ask(999), Err(1));
        assert_eq!(breaker.ask(1_000), Ok(()));
        assert_eq!(breaker.state(), State::HalfOpen);
        assert!(breaker.ask(1_000).is_err());
    }

    #[test]
    fn the_one_that_tries_decides() {
        for (outcome, expected) in [
            (Outcome::Succeeded, State::Closed { failures: 0 }),
            (Outcome::Failed, State::Open { until_ms: 2_500 }),
            (Outcome::Unknown, State::Open { until_ms: 1_500 }),
        ] {
            let mut breaker = opened_at(0);
            breaker.ask(1_000).unwrap();
            breaker.note(outcome, 1_500);
            assert_eq!(breaker.state(), expected, "{outcome:?}");
        }
    }

    #[test]
    fn late_answers_do_not_close_it() {
        let mut breaker = opened_at(0);
        breaker.note(Outcome::Succeeded, 10);
        breaker.note(Outcome::Failed, 20);
        assert_eq!(breaker.state(), State::Open { until_ms: 1_000 });
    }

    #[test]
    fn without_a_limit_it_stays_closed() {
        let mut breaker = Breaker::new(Limits { failures: 0, open_ms: 1 });
        for _ in 0..100 {
            breaker.ask(0).unwrap();
            breaker.note(Outcome::Failed, 0);
        }
        assert_eq!(breaker.ask(0), Ok(()));
    }
}
