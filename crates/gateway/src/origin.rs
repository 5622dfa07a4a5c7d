//! Where a request came from, and the context that follows from it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, header, request::Parts};
use platform::invocations::InvocationContext;
use platform::{
    Caller, Code, Context, Environment, Error, INVOCATION_HEADER, Result, WorkerPeer,
    new_request_id,
};

use crate::server::Gateway;

/// The host under which workers reach the platform; it exists inside workers only.
pub const WORKER_HOST: &str = "yunkai.internal";

/// The other end of a connection.
#[derive(Debug, Clone)]
pub enum Peer {
    /// A client on the listener.
    Client(SocketAddr),
    /// A worker on its private socket.
    Worker(Arc<WorkerPeer>),
}

impl Peer {
    /// The client's address; none for workers.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Client(address) => Some(address.ip()),
            Peer::Worker(_) => None,
        }
    }
}

/// The peer of a request; the server put it there for every connection.
pub fn peer(parts: &Parts) -> Result<Peer> {
    parts.extensions.get::<Peer>().cloned().ok_or_else(|| {
        Error::new(Code::Internal, "A request without a connection. / 内部错误:请求缺少连接信息。")
    })
}

/// The invocation a worker's request belongs to.
pub fn invocation(
    environment: &Environment,
    worker: &WorkerPeer,
    headers: &HeaderMap,
) -> Result<Arc<InvocationContext>> {
    let named = headers.get(INVOCATION_HEADER).and_then(|value| value.to_str().ok());
    let id = worker.invocation(named).or_else(|| {
        // A server's requests are not the worker's invocations; they lie within one of them.
        let request = environment.invocation(named?)?;
        let within =
            request.within.as_deref().filter(|it| worker.invocation(None).as_deref() == Some(*it));
        within.map(|_| request.request_id.clone())
    });
    id.and_then(|id| environment.invocation(&id)).ok_or_else(|| {
        Error::new(
            Code::InvalidContext,
            "This request belongs to no invocation that is running: call the SDK inside the \
             function's handler and await it. / 该请求不属于任何正在执行的云函数调用:请在函数内\
             调用 SDK 并使用 await 等待完成。",
        )
    })
}

/// `http://host[:port]` as the client reaches this server.
pub fn base_url(gateway: &Gateway, headers: &HeaderMap) -> String {
    if let Some(url) = &gateway.options().public_url {
        return url.clone();
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    // The host is echoed into links; anything that is not a plain host and port is not echoed.
    match host.filter(|host| is_host(host)) {
        Some(host) => format!("http://{host}"),
        None => gateway.options().local_url.clone(),
    }
}

fn is_host(host: &str) -> bool {
    let fits =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(fits)
}

/// True for the names of this very machine, with or without a port.
pub fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The context of a request from a client on the listener.
pub fn client_context(
    gateway: &Gateway,
    environment: Arc<Environment>,
    caller: Caller,
    peer: &Peer,
    headers: &HeaderMap,
) -> Context {
    let base_url = base_url(gateway, headers);
    Context {
        caller,
        upload_url: base_url.clone(),
        base_url,
        client_ip: peer.ip(),
        route_key: route_key(headers),
        request_id: new_request_id(),
        now_ms: environment.now_ms(),
        environment,
    }
}

/// The routing key of the vendors' gray releases (protocol 02 §1).
pub fn route_key(headers: &HeaderMap) -> Option<String> {
    const BYTES_MAX: usize = 256;
    let key = headers.get("x-tcb-route-key")?.to_str().ok()?;
    (!key.is_empty() && key.len() <= BYTES_MAX).then(|| key.to_owned())
}

/// The context of an SDK request that an invocation made.
pub fn function_context(
    environment: Arc<Environment>,
    invocation: Arc<InvocationContext>,
) -> Context {
    Context {
        base_url: invocation.base_url.clone(),
        upload_url: format!("http://{WORKER_HOST}"),
        client_ip: invocation.client_ip,
        route_key: None,
        request_id: new_request_id(),
        now_ms: environment.now_ms(),
        caller: Caller::Function(invocation),
        environment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_few_names() {
        for (host, is_local) in [
            ("127.0.0.1:9527", true),
            ("localhost", true),
            ("[::1]:9527", true),
            ("evil.com:9527", false),
            ("127.0.0.1.evil.com", false),
            ("192.168.1.5:9527", false),
        ] {
            assert_eq!(is_loopback_host(host), is_local, "{host}");
        }
    }

    #[test]
    fn only_plain_hosts_are_echoed_into_links() {
        for (host, fits) in [
            ("127.0.0.1:9527", true),
            ("[::1]:80", true),
            ("album.example.com", true),
            ("", false),
            ("evil.com/x?y=", false),
            ("a b", false),
            ("x\"><script>", false),
        ] {
            assert_eq!(is_host(host), fits, "{host}");
        }
    }
}
