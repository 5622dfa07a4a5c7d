//! The server: connections of clients and of workers, all answered by one router.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use platform::{Platform, WorkerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::metrics::HttpMetrics;
use crate::origin::Peer;
use crate::routes;
use crate::upload::ReadOut;

/// How long requests in progress may take to finish when the server stops.
const FINISH_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// How the wire presents the server.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// `https://host` under which clients reach the server, when it differs from their Host header.
    pub public_url: Option<String>,
    /// `http://127.0.0.1:PORT`, for clients that name no usable Host.
    pub local_url: String,
    /// Whether the console shares this listener. Only in `dev`, where the hosted pages are the
    /// developer's own: elsewhere they must not share its origin.
    pub has_console: bool,
    /// Name and nickname of the users offered for signing in without WeChat.
    pub dev_users: Vec<(String, String)>,
}

/// What every handler gets: the platform and how it is presented.
pub struct Gateway {
    platform: Arc<Platform>,
    options: GatewayOptions,
    /// Ends what would never end by itself, once the server stops.
    stopping: CancellationToken,
    metrics: HttpMetrics,
    started: std::time::Instant,
}

impl Gateway {
    /// A gateway over a platform.
    pub fn new(platform: Arc<Platform>, options: GatewayOptions) -> Arc<Self> {
        Arc::new(Self {
            platform,
            options,
            stopping: CancellationToken::new(),
            metrics: HttpMetrics::default(),
            started: std::time::Instant::now(),
        })
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }

    pub(crate) fn metrics(&self) -> &HttpMetrics {
        &self.metrics
    }

    /// When this server began.
    pub(crate) fn started(&self) -> std::time::Instant {
        self.started
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    pub(crate) fn options(&self) -> &GatewayOptions {
        &self.options
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.platform.default_environment().now_ms()
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gateway").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Serves the listener and the workers' sockets until `stop` is cancelled, then lets requests in
/// progress finish.
pub async fn serve(gateway: Arc<Gateway>, listener: TcpListener, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let router = routes::router(Arc::clone(&gateway));
    if let Some(mut connections) = gateway.platform.take_worker_connections() {
        let router = routes::worker_router(Arc::clone(&gateway), router.clone());
        let (tracker, stop) = (tracker.clone(), stop.clone());
        tokio::spawn(async move {
            while let Some(connection) = connections.recv().await {
                serve_worker(&tracker, router.clone(), connection, stop.clone());
            }
        });
    }
    accept(&listener, &router, &tracker, &stop).await;
    gateway.stopping.cancel();
    tracker.close();
    let _ = tokio::time::timeout(FINISH_WITHIN, tracker.wait()).await;
}

/// Serves the console and the administrator's API on a listener of their own, so that hosted pages
/// and uploads never share their origin; until `stop` is cancelled.
pub async fn serve_console(gateway: Arc<Gateway>, listener: TcpListener, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let router = routes::console_router(gateway);
    accept(&listener, &router, &tracker, &stop).await;
    tracker.close();
    let _ = tokio::time::timeout(FINISH_WITHIN, tracker.wait()).await;
}

/// Takes connections until `stop` is cancelled.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                // Answers are small and must not wait for one another.
                let _ = stream.set_nodelay(true);
                let peer = Peer::Client(address);
                tracker.spawn(serve_stream(stream, peer, router.clone(), stop.clone()));
            }
            Err(error) => {
                // Too many open files, most likely: connections in progress go on.
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

fn serve_worker(
    tracker: &TaskTracker,
    router: Router,
    connection: WorkerConnection,
    stop: CancellationToken,
) {
    let (stream, owner) = connection.into_parts();
    let peer = Peer::Worker(Arc::new(owner));
    tracker.spawn(serve_stream(stream, peer, router, stop));
}

async fn serve_stream<S>(stream: S, peer: Peer, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (head, body) = request.into_parts();
        let body = ReadOut::new(body, &head.headers);
        Request::from_parts(head, Body::new(body))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        // A client that goes away is no fault of ours.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// The address a listener is bound to, as clients on this machine write it.
pub fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    format!("http://{ip}:{}", address.port())
}
