//! One-time sign-in codes: issued for a name, taken once, gone after five minutes. Bounded, in
//! memory: a restart forgets them, as it should.

use std::collections::{HashMap, VecDeque};

use super::{invalid_code, random_id};
use crate::error::{Error, code};

/// How long a code works.
const LIFETIME_MS: i64 = 5 * 60 * 1000;
/// How many codes are remembered, used ones included.
const CODES_MAX: usize = 10_000;

/// Codes issued lately.
#[derive(Default)]
pub(super) struct OneTimeCodes {
    codes: HashMap<String, Issued>,
    /// The same codes, oldest first.
    order: VecDeque<String>,
}

struct Issued {
    name: String,
    expires_at_ms: i64,
    used: bool,
}

impl OneTimeCodes {
    /// A new code for `name`. The oldest ones make room.
    pub(super) fn issue(&mut self, name: &str, now_ms: i64) -> String {
        while self.order.front().is_some_and(|oldest| {
            self.order.len() >= CODES_MAX
                || self.codes.get(oldest).is_none_or(|issued| issued.expires_at_ms <= now_ms)
        }) {
            if let Some(oldest) = self.order.pop_front() {
                self.codes.remove(&oldest);
            }
        }
        // Real codes are 32 characters and start with a digit.
        let code = format!("0{}", &random_id()[..31]);
        let expires_at_ms = now_ms + LIFETIME_MS;
        let issued = Issued { name: name.to_owned(), expires_at_ms, used: false };
        self.codes.insert(code.clone(), issued);
        self.order.push_back(code.clone());
        code
    }

    /// The name behind `code`, which is used up by this.
    pub(super) fn take(&mut self, code: &str, now_ms: i64) -> Result<String, Error> {
        let issued = self
            .codes
            .get_mut(code)
            .filter(|issued| now_ms < issued.expires_at_ms)
            .ok_or_else(|| invalid_code(code))?;
        if issued.used {
            return Err(Error::new(
                code::CODE_USED,
                "code been used: ask wx.login for a new one. / code 已被使用，请重新调用 wx.login。",
            ));
        }
        issued.used = true;
        Ok(issued.name.clone())
    }
}
