//! The server's side of a worker's network: accepts what the worker's programs connect to, asks the
//! policy, and joins them with the place they meant.
//!
//! A connection is accepted before its far end is known, as everywhere behind such a gate: what may
//! not be reached, or does not answer, is reset. Node asks before it connects (`runtime/gate.js`),
//! so that its errors are the usual ones: the far end is dialled for the question and kept a while.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{getsockopt, sockopt};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Interest, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::names::{self, Listed};
use super::network::{Policy, Rule};
use crate::logs::Author;
use crate::settings::LogLevel;

/// Connections of one worker that may be open at once.
const CONNECTIONS_MAX: usize = 512;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a far end that was asked for waits for the connection.
const KEPT: Duration = Duration::from_secs(3);
/// Where Node asks: an address of nobody's (a range for examples). `runtime/gate.js` has it, too.
const QUESTIONS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 1);
const QUESTION_BYTES_MAX: u64 = 128;
/// Different places of which a worker's log says that they are closed.
const REPORTS_MAX: usize = 32;
/// The outcome of a question whose far end is there.
const FINE: &str = "OK";
/// One for streams, one for questions to name servers.
const SOCKETS: usize = 2;

/// Open as long as it is kept.
#[derive(Debug)]
pub(crate) struct Gate {
    pub policy: Arc<Policy>,
    task: JoinHandle<()>,
}

/// What all connections of a worker share.
#[derive(Debug)]
struct Way {
    policy: Arc<Policy>,
    listed: Listed,
    servers: Vec<IpAddr>,
    author: Arc<Author>,
    reported: Mutex<HashSet<SocketAddr>>,
    rooms: Arc<Semaphore>,
    /// Far ends that Node asked for and has not taken yet.
    kept: Mutex<HashMap<SocketAddr, Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    /// That of the question.
    number: u64,
    far: TcpStream,
    room: Room,
    /// Who waits for its end sees that it was taken.
    _untaken: oneshot::Sender<()>,
}

/// The right to be one of the worker's connections, and one of all workers'.
#[derive(Debug)]
struct Room {
    _own: OwnedSemaphorePermit,
    _all: SemaphorePermit<'static>,
}

/// Connections of all workers take at most half of the descriptors that this process may have.
fn everybody() -> &'static Semaphore {
    static ROOMS: OnceLock<Semaphore> = OnceLock::new();
    const DESCRIPTORS: usize = 2;
    ROOMS.get_or_init(|| Semaphore::new(descriptors_max() / 2 / DESCRIPTORS))
}

fn descriptors_max() -> usize {
    const ENOUGH: u64 = 1 << 20;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    let wanted = hard.min(ENOUGH).max(soft);
    let raised = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
    usize::try_from(if raised { wanted } else { soft }).unwrap_or(1024)
}

impl Gate {
    /// Takes the sockets of a worker about to start over its line, and serves them.
    ///
    /// # Errors
    /// When the worker ended before it sent them.
    pub(crate) async fn open(
        line: &UnixStream,
        open_loopback: bool,
        author: Arc<Author>,
    ) -> io::Result<Self> {
        let (streams, names) = sockets(line).await?;
        let policy = Arc::new(Policy::new(open_loopback));
        let way = Way {
            policy: Arc::clone(&policy),
            listed: Listed::default(),
            servers: names::name_servers(),
            author,
            reported: Mutex::default(),
            rooms: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            kept: Mutex::default(),
        };
        let task = tokio::spawn(serve(streams, names, Arc::new(way)));
        Ok(Self { policy, task })
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn sockets(line: &UnixStream) -> io::Result<(TcpListener, UdpSocket)> {
    let sockets = line.async_io(Interest::READABLE, || receive(line)).await?;
    let [streams, names] = <[OwnedFd; SOCKETS]>::try_from(sockets)
        .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let (streams, names) = (std::net::TcpListener::from(streams), std::net::UdpSocket::from(names));
    streams.set_nonblocking(true)?;
    names.set_nonblocking(true)?;
    Ok((TcpListener::from_std(streams)?, UdpSocket::from_std(names)?))
}

fn receive(line: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8];
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    recvmsg(line, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            sockets.extend(received);
        }
    }
    Ok(sockets)
}

async fn serve(streams: TcpListener, names: UdpSocket, way: Arc<Way>) {
    let mut open = JoinSet::new();
    let answering = names::carry(names, &way.servers, Arc::clone(&way.policy));
    tokio::pin!(answering);
    loop {
        let accepted = tokio::select! {
            accepted = streams.accept() => accepted,
            never = &mut answering => never,
            Some(_) = open.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                open.spawn(Arc::clone(&way).take(stream));
            }
            // Out of descriptors, for one: those that are open will end.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Way {
    async fn take(self: Arc<Self>, near: TcpStream) {
        match meant(&near) {
            Some(QUESTIONS) => {
                let _ = near.set_nodelay(true);
                self.answer(near).await;
            }
            Some(to) => self.join(near, to).await,
            None => reset(&near),
        }
    }

    async fn join(&self, mut near: TcpStream, to: SocketAddr) {
        let (far, _room) = match self.take_kept(to) {
            Some(Kept { far, room, .. }) => (Ok(far), room),
            None => match self.room() {
                Some(room) => (self.dial(to).await, room),
                None => return reset(&near),
            },
        };
        let Ok(mut far) = far else { return reset(&near) };
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        if copy_bidirectional(&mut near, &mut far).await.is_err() {
            reset(&near);
            reset(&far);
        }
    }

    fn room(&self) -> Option<Room> {
        let own = Arc::clone(&self.rooms).try_acquire_owned().ok()?;
        Some(Room { _own: own, _all: everybody().try_acquire().ok()? })
    }

    async fn dial(&self, to: SocketAddr) -> io::Result<TcpStream> {
        // Long answers of name servers come over TCP.
        let asks_names = to.port() == 53 && self.servers.contains(&to.ip());
        if !asks_names {
            self.listed.refresh(&self.policy).await;
            if let Err(rule) = self.policy.judge(to) {
                self.report(to, &rule);
                return Err(io::ErrorKind::PermissionDenied.into());
            }
        }
        let dialled = tokio::time::timeout(CONNECT_TIME_MAX, TcpStream::connect(to)).await;
        dialled.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Says in the function's log what is closed, once for each place.
    fn report(&self, to: SocketAddr, rule: &Rule) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() >= REPORTS_MAX || !reported.insert(to) {
            return;
        }
        let request = self.author.ledger.latest();
        self.author.reports(request.as_deref(), LogLevel::Warn, rule.refusal(to));
    }

    /// `number address port` on a line is answered by `number outcome`, in any order.
    async fn answer(self: Arc<Self>, near: TcpStream) {
        let (read, mut write) = near.into_split();
        let (answers, mut written) = tokio::sync::mpsc::channel::<String>(CONNECTIONS_MAX);
        let mut asked = JoinSet::new();
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        loop {
            let mut bounded = tokio::io::AsyncReadExt::take(&mut read, QUESTION_BYTES_MAX);
            tokio::select! {
                got = bounded.read_until(b'\n', &mut line) => {
                    let question = if line.ends_with(b"\n") { understand(&line) } else { None };
                    let (Ok(1..), Some((number, to))) = (got, question) else { return };
                    line.clear();
                    let is_full = asked.len() >= CONNECTIONS_MAX;
                    let (way, answers) = (Arc::clone(&self), answers.clone());
                    asked.spawn(async move {
                        let asked = if is_full { Err("EMFILE") } else { way.ask(number, to).await };
                        let outcome = asked.as_ref().err().unwrap_or(&FINE);
                        let _ = answers.send(format!("{number} {outcome}\n")).await;
                        if let Ok(taken) = asked {
                            way.keep_a_moment(number, to, taken).await;
                        }
                    });
                }
                Some(text) = written.recv() => {
                    if write.write_all(text.as_bytes()).await.is_err() {
                        return;
                    }
                }
                Some(_) = asked.join_next() => {}
            }
        }
    }

    /// Dials, and keeps the far end; the outcome goes by the name that Node has for it.
    async fn ask(
        &self,
        number: u64,
        to: SocketAddr,
    ) -> Result<oneshot::Receiver<()>, &'static str> {
        let room = self.room().ok_or("EMFILE")?;
        let far = self.dial(to).await.map_err(|error| outcome(&error))?;
        let (untaken, taken) = oneshot::channel();
        let kept = Kept { number, far, room, _untaken: untaken };
        self.kept().entry(to).or_default().push(kept);
        Ok(taken)
    }

    async fn keep_a_moment(&self, number: u64, to: SocketAddr, taken: oneshot::Receiver<()>) {
        // Nothing is ever sent: its other end goes when the far end is taken.
        if tokio::time::timeout(KEPT, taken).await.is_ok() {
            return;
        }
        let mut kept = self.kept();
        if let Some(there) = kept.get_mut(&to) {
            there.retain(|it| it.number != number);
            if there.is_empty() {
                kept.remove(&to);
            }
        }
    }

    fn take_kept(&self, to: SocketAddr) -> Option<Kept> {
        let mut kept = self.kept();
        let there = kept.get_mut(&to)?;
        let taken = there.pop();
        if there.is_empty() {
            kept.remove(&to);
        }
        taken
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<SocketAddr, Vec<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn understand(line: &[u8]) -> Option<(u64, SocketAddr)> {
    let mut words = str::from_utf8(line).ok()?.split_whitespace();
    let number = words.next()?.parse().ok()?;
    let address: IpAddr = words.next()?.parse().ok()?;
    // As the kernel does with the address of nobody.
    let address = match address.to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Some((number, (address, words.next()?.parse().ok()?).into()))
}

fn outcome(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::TimedOut => "ETIMEDOUT",
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH",
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH",
        io::ErrorKind::ConnectionReset => "ECONNRESET",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        _ => "ECONNREFUSED",
    }
}

/// Where a connection was to go before the kernel sent it here.
fn meant(near: &TcpStream) -> Option<SocketAddr> {
    if near.local_addr().ok()?.ip().to_canonical().is_ipv4() {
        let found = getsockopt(near, sockopt::OriginalDst).ok()?;
        let address = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
        Some((address, u16::from_be(found.sin_port)).into())
    } else {
        let found = getsockopt(near, sockopt::Ip6tOriginalDst).ok()?;
        let address = IpAddr::from(found.sin6_addr.s6_addr);
        Some((address, u16::from_be(found.sin6_port)).into())
    }
}

/// Ends a connection so that its other end sees an error, not an end.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
