//! Figures of the wire: how many requests each surface answered, how, and how fast. A request costs
//! two atomic additions and a look at the clock; what a path names is never a label.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use platform::metrics::{Exposition, Histogram};

use crate::server::Gateway;

/// The parts of the wire that are told apart, by the beginning of the path.
const SURFACES: [(&str, &str); 8] = [
    ("/admin", "admin"),
    ("/web", "web"),
    ("/auth/", "auth"),
    ("/v1/", "v1"),
    ("/_files/", "files"),
    ("/_api/", "api"),
    ("/_", "other"),
    // Routes of functions and the hosted site.
    ("/", "site"),
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What one listener or all of them answered.
#[derive(Debug, Default)]
pub struct HttpMetrics {
    surfaces: [Surface; SURFACES.len()],
    under_way: AtomicU64,
}

#[derive(Debug, Default)]
struct Surface {
    classes: [AtomicU64; CLASSES.len()],
    duration: Histogram,
}

/// Counts a request and how long it took until its answer began.
pub async fn measure(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let path = request.uri().path();
    let at = SURFACES.iter().position(|(prefix, _)| path.starts_with(prefix));
    let metrics = gateway.metrics();
    let under_way = UnderWay::begin(&metrics.under_way);
    let started = Instant::now();
    let response = next.run(request).await;
    drop(under_way);
    let surface = &metrics.surfaces[at.unwrap_or(SURFACES.len() - 1)];
    surface.note(response.status(), started, gateway.now_ms());
    response
}

impl Surface {
    fn note(&self, status: StatusCode, started: Instant, now_ms: i64) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.duration.note(duration_us, now_ms);
    }
}

/// Counts down however the request ends, also when its client goes away.
struct UnderWay<'a>(&'a AtomicU64);

impl<'a> UnderWay<'a> {
    fn begin(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpMetrics {
    /// Writes the figures down.
    pub fn expose(&self, text: &mut Exposition) {
        let requests = "yunkai_http_requests_total";
        text.metric(requests, "counter", "Answered requests, by surface and class of status.");
        for ((_, name), surface) in SURFACES.iter().zip(&self.surfaces) {
            for (class, count) in CLASSES.iter().zip(&surface.classes) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = format!("surface=\"{name}\",status=\"{class}\"");
                    text.value(requests, &labels, count);
                }
            }
        }
        let seconds = "yunkai_http_request_seconds";
        text.metric(seconds, "histogram", "From a request to the beginning of its answer, in s.");
        for ((_, name), surface) in SURFACES.iter().zip(&self.surfaces) {
            if surface.duration.count_and_sum().0 > 0 {
                text.histogram(seconds, &format!("surface=\"{name}\""), &surface.duration);
            }
        }
        let under_way = "yunkai_http_requests_under_way";
        text.metric(under_way, "gauge", "Requests whose answer has not begun.");
        text.value(under_way, "", self.under_way.load(Ordering::Relaxed));
    }
}
