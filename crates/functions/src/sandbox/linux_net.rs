//! The network of a worker: a namespace in which every address is here, and one listener behind
//! all of them. Whatever the worker's programs connect to arrives at that listener, which is handed
//! to the server before Node starts; the server's gate then knows where they wanted to go, and
//! decides. Questions to name servers arrive at a second socket. It changes nothing of the network
//! of the machine, and starts no program.
//!
//! The kernel is spoken to in its own messages (rtnetlink, nfnetlink), few and the same for years.

use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, sendmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::{Entry, FRAMES_DESCRIPTOR};

/// The index of `lo` in every namespace.
const LOOPBACK_INDEX: u32 = 1;
/// Addresses of the worker itself, from the ranges for examples: a resolver asks for addresses of a
/// family only where an address of that family is other than loopback.
const OWN_ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)),
];

/// Flags of a message: a request, to be acknowledged; for something new; at the end of a list.
const REQUEST: u16 = 0x1 | 0x4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
/// The answer to a request: an error number, 0 for none.
const ANSWER: u16 = 2;

/// Makes the namespace, brings it to life and hands its sockets to the server, unless this is a
/// trial.
pub(super) fn furnish(entry: &Entry) -> Result<(), String> {
    let has_ipv6 = reaches_ipv6();
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("unshare: {error}"))?;
    let routes = Kernel::open(SockProtocol::NetlinkRoute)?;
    let lo = |error: nix::Error| format!("lo: {error}");
    routes.ask(&[loopback_up()]).map_err(lo)?;
    let families = if has_ipv6 { &OWN_ADDRESSES[..] } else { &OWN_ADDRESSES[..1] };
    for own in families {
        routes.ask(&[address(*own), everything_is_here(*own)]).map_err(lo)?;
    }
    let show = |error: std::io::Error| format!("sockets: {error}");
    let (streams, names) = sockets().map_err(show)?;
    let stream_port = streams.local_addr().map_err(show)?.port();
    let name_port = names.local_addr().map_err(show)?.port();
    let filter = Kernel::open(SockProtocol::NetlinkNetFilter)?;
    filter
        .ask(&redirections(stream_port, name_port))
        .map_err(|error| format!("redirection by the kernel (nf_tables): {error}"))?;
    if entry.probe { Ok(()) } else { hand_over(&[streams.into(), names.into()]) }
}

/// Whether this machine has an address that IPv6 leads out of it by.
fn reaches_ipv6() -> bool {
    const GLOBAL: &str = "00";
    let text = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    text.lines().any(|line| line.split_whitespace().nth(3) == Some(GLOBAL))
}

/// For both families where the kernel has both.
fn sockets() -> std::io::Result<(TcpListener, UdpSocket)> {
    let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let one = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let places = [both, one];
    Ok((TcpListener::bind(&places[..])?, UdpSocket::bind(&places[..])?))
}

/// They go over the line of frames, before the first of these.
fn hand_over(sockets: &[OwnedFd; 2]) -> Result<(), String> {
    let descriptors = sockets.each_ref().map(AsRawFd::as_raw_fd);
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let byte = [IoSlice::new(b"n")];
    sendmsg::<()>(FRAMES_DESCRIPTOR, &byte, &rights, MsgFlags::empty(), None)
        .map(|_| ())
        .map_err(|error| format!("the gate: {error}"))
}

/// A line to a part of the kernel.
struct Kernel(OwnedFd);

impl Kernel {
    fn open(protocol: SockProtocol) -> Result<Self, String> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let line = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol);
        let line = line.map_err(|error| format!("netlink: {error}"))?;
        // It answers at once; a kernel that does not must not hold up a start.
        setsockopt(&line, sockopt::ReceiveTimeout, &TimeVal::seconds(2))
            .map_err(|error| error.to_string())?;
        Ok(Self(line))
    }

    /// Sends the messages together and waits until each is acknowledged.
    fn ask(&self, messages: &[Message]) -> Result<(), nix::Error> {
        let mut bytes = Vec::new();
        let mut owed = 0;
        for message in messages {
            owed += u32::from(message.flags & REQUEST == REQUEST);
            message.write(&mut bytes);
        }
        send(self.0.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut buffer = [0_u8; 8192];
        while owed > 0 {
            let length = recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            let mut rest = &buffer[..length];
            while let Some((kind, number, after)) = answer(rest) {
                if kind == ANSWER && number != 0 {
                    return Err(nix::Error::from_raw(-number));
                }
                owed = owed.saturating_sub(u32::from(kind == ANSWER));
                rest = after;
            }
        }
        Ok(())
    }
}

/// Kind and error number of the first message, and the messages after it.
fn answer(bytes: &[u8]) -> Option<(u16, i32, &[u8])> {
    let length = u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let number = i32::from_ne_bytes(bytes.get(16..20)?.try_into().ok()?);
    Some((kind, number, bytes.get(length.next_multiple_of(4).max(16)..).unwrap_or_default()))
}

struct Message {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

impl Message {
    fn write(&self, into: &mut Vec<u8>) {
        let length = u32::try_from(16 + self.body.len()).expect("messages are short");
        into.extend(length.to_ne_bytes());
        into.extend(self.kind.to_ne_bytes());
        into.extend(self.flags.to_ne_bytes());
        into.extend([0; 8]);
        into.extend(&self.body);
        into.resize(into.len().next_multiple_of(4), 0);
    }
}

/// One attribute: length, kind, value, filled up to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("attributes are short");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn nested(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind | 0x8000, &parts.concat())
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), b"\0"].concat())
}

/// `ip link set lo up`
fn loopback_up() -> Message {
    let (index, up) = (LOOPBACK_INDEX.to_ne_bytes(), 1_u32.to_ne_bytes());
    let body = [[0; 4], index, up, up].concat();
    Message { kind: 16, flags: REQUEST, body }
}

const IPV4: u8 = 2;
const IPV6: u8 = 10;
const SCOPE_HOST: u8 = 254;

fn family(own: IpAddr) -> (u8, u8, Vec<u8>) {
    match own {
        IpAddr::V4(own) => (IPV4, 32, own.octets().to_vec()),
        IpAddr::V6(own) => (IPV6, 128, own.octets().to_vec()),
    }
}

/// `ip addr add OWN dev lo`; an IPv6 address is used at once, nobody else could have it.
fn address(own: IpAddr) -> Message {
    const USE_AT_ONCE: u8 = 0x02;
    let (family, bits, octets) = family(own);
    let flags = if family == IPV6 { USE_AT_ONCE } else { 0 };
    let head = [vec![family, bits, flags, 0], LOOPBACK_INDEX.to_ne_bytes().to_vec()].concat();
    let body = [head, attribute(2, &octets), attribute(1, &octets)].concat();
    Message { kind: 20, flags: REQUEST | CREATE, body }
}

/// `ip route add local 0.0.0.0/0 dev lo src LOOPBACK`
fn everything_is_here(own: IpAddr) -> Message {
    const TABLE_LOCAL: u8 = 255;
    const BY_ADMINISTRATOR: u8 = 4;
    const TYPE_LOCAL: u8 = 2;
    let (family, loopback) = match own {
        IpAddr::V4(_) => (IPV4, Ipv4Addr::LOCALHOST.octets().to_vec()),
        IpAddr::V6(_) => (IPV6, Ipv6Addr::LOCALHOST.octets().to_vec()),
    };
    let head = [family, 0, 0, 0, TABLE_LOCAL, BY_ADMINISTRATOR, SCOPE_HOST, TYPE_LOCAL, 0, 0, 0, 0];
    let out = attribute(4, &LOOPBACK_INDEX.to_ne_bytes());
    let source = attribute(7, &loopback);
    Message { kind: 24, flags: REQUEST | CREATE, body: [&head[..], &out, &source].concat() }
}

/// IPv4 and IPv6 in one table.
const BOTH_FAMILIES: u8 = 1;
const NF_TABLES: u16 = 10;
const TABLE: &str = "yunkai";
const CHAIN: &str = "out";

/// A table with one chain: all TCP goes to one port, questions to name servers to another.
fn redirections(stream_port: u16, name_port: u16) -> Vec<Message> {
    let chain = [
        text(1, TABLE),
        text(3, CHAIN),
        // The way out of local programs, where destinations are rewritten.
        nested(4, &[number(1, 3), number(2, (-100_i32).cast_unsigned())]),
        text(7, "nat"),
    ];
    let asked = [target_port(), equals(&53_u16.to_be_bytes())].concat();
    let names = [protocol(17), asked, port(name_port), redirect()];
    let streams = [protocol(6), port(stream_port), redirect()];
    vec![
        batch(0x10),
        filter_message(0, CREATE, &[text(1, TABLE)]),
        filter_message(3, CREATE, &chain),
        rule(&names),
        rule(&streams),
        batch(0x11),
    ]
}

fn batch(kind: u16) -> Message {
    let [high, low] = NF_TABLES.to_be_bytes();
    Message { kind, flags: 0x1, body: vec![0, 0, high, low] }
}

fn filter_message(kind: u16, flags: u16, attributes: &[Vec<u8>]) -> Message {
    let body = [vec![BOTH_FAMILIES, 0, 0, 0], attributes.concat()].concat();
    Message { kind: NF_TABLES << 8 | kind, flags: REQUEST | flags, body }
}

fn rule(expressions: &[Vec<u8>]) -> Message {
    let parts = [text(1, TABLE), text(2, CHAIN), nested(4, expressions)];
    filter_message(6, CREATE | APPEND, &parts)
}

fn expression(name: &str, data: &[Vec<u8>]) -> Vec<u8> {
    nested(1, &[text(1, name), nested(2, data)])
}

/// Register 1 := the protocol above IP; it must be this one.
fn protocol(wanted: u8) -> Vec<u8> {
    [expression("meta", &[number(1, 1), number(2, 16)]), equals(&[wanted])].concat()
}

/// Register 1 := where UDP or TCP goes to.
fn target_port() -> Vec<u8> {
    const TRANSPORT: u32 = 2;
    let data = [number(1, 1), number(2, TRANSPORT), number(3, 2), number(4, 2)];
    expression("payload", &data)
}

fn equals(value: &[u8]) -> Vec<u8> {
    expression("cmp", &[number(1, 1), number(2, 0), nested(3, &[attribute(1, value)])])
}

/// Register 1 := a port.
fn port(port: u16) -> Vec<u8> {
    let value = attribute(1, &port.to_be_bytes());
    expression("immediate", &[number(1, 1), nested(2, &[value])])
}

fn redirect() -> Vec<u8> {
    expression("redir", &[number(1, 1)])
}
