//! Keeps the access token: one request at a time however many callers wait, renewed ahead of its
//! end, dropped when WeChat refuses it. It knows nothing of HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Error, code};

/// A token is renewed this long before its end, or at half of its life when that is shorter.
const RENEW_AHEAD: Duration = Duration::from_secs(300);

/// True for the numbers by which WeChat refuses an access token.
pub(crate) fn is_refused(errcode: i64) -> bool {
    matches!(
        errcode,
        code::INVALID_CREDENTIAL | code::INVALID_ACCESS_TOKEN | code::ACCESS_TOKEN_EXPIRED
    )
}

/// The current token and the one flight that renews it.
#[derive(Default)]
pub(crate) struct TokenKeeper {
    state: Mutex<State>,
    /// Counts finished requests, so that a caller that waited can tell "just now" from "long ago".
    finished: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    last_error: Option<Error>,
}

struct Token {
    text: String,
    renew_at: Instant,
    ends_at: Instant,
}

impl TokenKeeper {
    /// The current token; fetched when there is none or its end is near. Callers that come during a
    /// request share its outcome, failure included.
    pub(crate) async fn current<F, Fut>(&self, fetch: F) -> Result<String, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<(String, Duration), Error>>,
    {
        let finished_before = self.finished.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && Instant::now() < token.renew_at
        {
            return Ok(token.text.clone());
        }
        let waited_for_one = self.finished.load(Ordering::Acquire) != finished_before;
        if waited_for_one && let Some(error) = &state.last_error {
            return still_alive(&state).ok_or_else(|| error.clone());
        }
        let outcome = fetch().await;
        let answer = match outcome {
            Ok((text, lifetime)) => {
                let ahead = RENEW_AHEAD.min(lifetime / 2);
                let now = Instant::now();
                let token =
                    Token { text, renew_at: now + (lifetime - ahead), ends_at: now + lifetime };
                let text = token.text.clone();
                *state = State { token: Some(token), last_error: None };
                Ok(text)
            }
            Err(error) => {
                state.last_error = Some(error.clone());
                still_alive(&state).ok_or(error)
            }
        };
        self.finished.fetch_add(1, Ordering::Release);
        answer
    }

    /// Drops `refused`, unless somebody has already replaced it.
    pub(crate) async fn forget(&self, refused: &str) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.text == refused) {
            state.token = None;
        }
    }
}

/// The token that could not be renewed but still works.
fn still_alive(state: &State) -> Option<String> {
    let token = state.token.as_ref()?;
    (Instant::now() < token.ends_at).then(|| token.text.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Outcome = Result<(String, Duration), Error>;

    fn token(text: &str, lifetime_s: u64) -> Outcome {
        Ok((text.to_owned(), Duration::from_secs(lifetime_s)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_ahead_of_its_end_and_outlives_a_failed_renewal() {
        let keeper = TokenKeeper::default();
        // (seconds since the last step, what a request would bring, what the caller gets)
        let busy = || Err(Error::new(code::BUSY, "busy"));
        let steps: [(u64, Outcome, Result<&str, i64>); 7] = [
            (0, token("first", 7200), Ok("first")),
            (6899, token("unused", 7200), Ok("first")),
            (2, token("second", 7200), Ok("second")),
            (6901, busy(), Ok("second")),
            (300, busy(), Err(code::BUSY)),
            (0, token("short", 100), Ok("short")),
            (51, token("third", 7200), Ok("third")),
        ];
        for (number, (wait_s, outcome, expected)) in steps.into_iter().enumerate() {
            tokio::time::advance(Duration::from_secs(wait_s)).await;
            let got = keeper.current(|| async { outcome }).await;
            let got = got.as_deref().map_err(|error| error.errcode);
            assert_eq!(got, expected, "step {number}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_dropped_only_while_it_is_the_current_one() {
        let keeper = TokenKeeper::default();
        assert_eq!(keeper.current(|| async { token("a", 7200) }).await.unwrap(), "a");
        keeper.forget("older").await;
        assert_eq!(keeper.current(|| async { token("b", 7200) }).await.unwrap(), "a");
        keeper.forget("a").await;
        assert_eq!(keeper.current(|| async { token("b", 7200) }).await.unwrap(), "b");
    }

    #[tokio::test(start_paused = true)]
    async fn callers_that_wait_share_one_request_and_its_failure() {
        for outcome in [token("shared", 7200), Err(Error::new(40125, "invalid appsecret"))] {
            let keeper = Arc::new(TokenKeeper::default());
            let requests = Arc::new(AtomicU64::new(0));
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (keeper, requests, outcome) =
                    (keeper.clone(), requests.clone(), outcome.clone());
                callers.spawn(async move {
                    keeper
                        .current(|| async {
                            requests.fetch_add(1, Ordering::Relaxed);
                            tokio::time::sleep(Duration::from_secs(1)).await;
                            outcome
                        })
                        .await
                });
            }
            let expected = outcome.map(|(text, _)| text);
            while let Some(got) = callers.join_next().await {
                assert_eq!(got.unwrap(), expected);
            }
            assert_eq!(requests.load(Ordering::Relaxed), 1);
        }
    }
}
