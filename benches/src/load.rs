//! The load generator: closed loop, one keep-alive HTTP/1.1 connection per client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::photos::scramble;
use crate::process;

/// A request to be sent again and again, with one of its bodies each time.
#[derive(Debug, Clone)]
pub struct Shot {
    /// `host:port`.
    pub address: String,
    /// Path and query.
    pub path: String,
    /// Headers besides Host and Content-Type.
    pub headers: Vec<(String, String)>,
    /// JSON bodies.
    pub bodies: Arc<[Bytes]>,
    /// In place of `NUMBER` in a body stands the number of the call.
    pub is_numbered: bool,
    /// What the answer must contain to count.
    pub expected: &'static str,
}

/// What a round of load measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Answers per second.
    pub per_second: f64,
    /// Median latency.
    pub p50: Duration,
    /// 99th percentile of the latency.
    pub p99: Duration,
    /// Processor time that the server spent for one answer, its workers included.
    pub cpu: Duration,
}

/// One client's connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects.
    pub async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context(address.to_owned())?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Whether the other side has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends the shot's first body and answers the body that comes.
    pub async fn send(&mut self, shot: &Shot) -> Result<Bytes> {
        self.send_one(shot, 0).await
    }

    /// Sends one of the shot's bodies and answers the body that comes.
    pub async fn send_one(&mut self, shot: &Shot, number: u64) -> Result<Bytes> {
        let index = number.checked_rem(shot.bodies.len() as u64).unwrap_or_default();
        let sent = shot.bodies.get(usize::try_from(index)?).context("a shot without a body")?;
        let mut request = Request::post(&shot.path)
            .header("host", &shot.address)
            .header("content-type", "application/json");
        for (name, value) in &shot.headers {
            request = request.header(name, value);
        }
        let body = if shot.is_numbered {
            Bytes::from(String::from_utf8_lossy(sent).replace("NUMBER", &number.to_string()))
        } else {
            sent.clone()
        };
        let request = request.body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        ensure!(status.is_success() && text.contains(shot.expected), "{status}: {text}");
        Ok(body)
    }
}

/// Fires from `clients` connections for `lasting`, each as soon as its last answer came.
pub async fn fire(shot: &Shot, clients: usize, lasting: Duration) -> Result<Measured> {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for client_number in 0..clients as u64 {
        let shot = shot.clone();
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(&shot.address).await?;
            let mut latencies = Vec::new();
            // Clients begin apart and go through the bodies in the same unordered way.
            let mut number = scramble(client_number);
            while started.elapsed() < lasting {
                number = scramble(number);
                let sent = Instant::now();
                client.send_one(&shot, number).await?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(measured(latencies, started.elapsed()))
}

/// Sends so many numbered shots, each number once, from `clients` connections.
pub async fn fill(shot: &Shot, first: u64, count: u64, clients: usize) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let senders = (0..clients).map(|_| {
        let (shot, next) = (shot.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            let mut client = Client::connect(&shot.address).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                client.send_one(&shot, first + number).await?;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await??;
    }
    Ok(())
}

/// [`fire`], with the processor time of the process that serves, and of all it started.
pub async fn fire_at(
    server: u32,
    shot: &Shot,
    clients: usize,
    lasting: Duration,
) -> Result<Measured> {
    let (began, before) = (Instant::now(), process::time(server)?);
    let measured = fire(shot, clients, lasting).await?;
    let answers = measured.per_second * began.elapsed().as_secs_f64();
    let cpu = (process::time(server)? - before).div_f64(answers.max(1.0));
    Ok(Measured { cpu, ..measured })
}

/// Rate and percentiles of a set of latencies.
pub fn measured(mut latencies: Vec<Duration>, elapsed: Duration) -> Measured {
    latencies.sort_unstable();
    let at = |part: usize| latencies.get(latencies.len() * part / 100).copied().unwrap_or_default();
    Measured {
        #[expect(clippy::cast_precision_loss, reason = "a count of answers")]
        per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
        p50: at(50),
        p99: at(99),
        cpu: Duration::ZERO,
    }
}

/// The round with the median rate.
pub fn median(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}
