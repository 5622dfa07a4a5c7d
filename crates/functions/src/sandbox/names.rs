//! Questions to name servers, carried for a worker: asked of the machine's own, and what is
//! answered tells the policy which addresses a name leads to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::network::Policy;

/// Questions of one worker that may be on their way at once.
const QUESTIONS_MAX: usize = 64;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a name server has before the next one is asked; the last one has what is left. Who
/// asks gives up, or asks again, after 5 s, whatever server it believes to have asked.
const TURN: Duration = Duration::from_millis(1500);
/// A resolver uses no more of them (resolv.conf(5)).
const SERVERS_MAX: usize = 3;
const NAMES_PORT: u16 = 53;
const DATAGRAM_BYTES_MAX: usize = 4096;
/// Asked when the machine names none.
const USUAL_NAME_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How long it is believed where the names of a function's lists lead.
const BELIEVED: Duration = Duration::from_secs(30);

/// When the names of the lists were last looked up.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    looked_up: Mutex<Option<Instant>>,
}

impl Listed {
    /// Looks the names up that the lists have, as this machine finds them (`/etc/hosts` included),
    /// so that a rule holds for who found the address elsewhere, too.
    pub(crate) async fn refresh(&self, policy: &Policy) {
        let names = policy.listed_names();
        if names.is_empty() {
            return;
        }
        let mut looked_up = self.looked_up.lock().await;
        if looked_up.is_some_and(|when| when.elapsed() < BELIEVED) {
            return;
        }
        let mut asked = JoinSet::new();
        for name in names {
            asked.spawn(async move {
                let found = tokio::net::lookup_host((name.clone(), 0));
                let addresses: Vec<IpAddr> =
                    match tokio::time::timeout(ANSWER_TIME_MAX, found).await {
                        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                        _ => Vec::new(),
                    };
                (name, addresses)
            });
        }
        while let Some(found) = asked.join_next().await {
            if let Ok((name, addresses)) = found {
                policy.learn(&name, addresses);
            }
        }
        *looked_up = Some(Instant::now());
    }
}

/// The name servers of the machine; never none.
pub(crate) fn name_servers() -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let mut servers = named_in(&text);
    if servers.is_empty() {
        servers.push(USUAL_NAME_SERVER);
    }
    servers
}

fn named_in(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| line.trim().strip_prefix("nameserver")?.trim().parse().ok();
    text.lines().filter_map(server).collect()
}

/// Carries questions to the name servers and answers back, until it is dropped.
pub(crate) async fn carry(names: UdpSocket, servers: &[IpAddr], policy: Arc<Policy>) -> ! {
    let names = Arc::new(names);
    let servers = servers.iter().take(SERVERS_MAX).map(|ip| SocketAddr::new(*ip, NAMES_PORT));
    let servers: Arc<[SocketAddr]> = servers.collect();
    let rooms = Arc::new(Semaphore::new(QUESTIONS_MAX));
    let mut buffer = [0_u8; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((length, from)) = names.recv_from(&mut buffer).await else {
            // What the kernel has to say about an earlier answer.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Unanswered questions are asked again.
        let Ok(room) = Arc::clone(&rooms).try_acquire_owned() else { continue };
        let question = buffer[..length].to_vec();
        let (names, policy) = (Arc::clone(&names), Arc::clone(&policy));
        let servers = Arc::clone(&servers);
        tokio::spawn(async move {
            let asked = ask_in_turn(&servers, &question, TURN);
            if let Ok(Some(reply)) = tokio::time::timeout(ANSWER_TIME_MAX, asked).await {
                if let Some((name, addresses)) = read_reply(&reply) {
                    policy.learn(&name, addresses);
                }
                let _ = names.send_to(&reply, from).await;
            }
            drop(room);
        });
    }
}

/// The first answer of a server that can say something; else what was said at all.
async fn ask_in_turn(servers: &[SocketAddr], question: &[u8], turn: Duration) -> Option<Vec<u8>> {
    let (last, others) = servers.split_last()?;
    let mut excuse = None;
    for server in others {
        match tokio::time::timeout(turn, ask(*server, question)).await {
            Ok(Ok(reply)) if cannot_say(&reply) => excuse = Some(reply),
            Ok(Ok(reply)) => return Some(reply),
            _ => {}
        }
    }
    ask(*last, question).await.ok().or(excuse)
}

/// Whether a server failed or refuses (RFC 1035 §4.1.1, RCODE 2 and 5): another one may know.
fn cannot_say(reply: &[u8]) -> bool {
    reply.get(3).is_none_or(|flags| matches!(flags & 0x0f, 2 | 5))
}

async fn ask(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut reply = vec![0; DATAGRAM_BYTES_MAX];
    let length = socket.recv(&mut reply).await?;
    reply.truncate(length);
    Ok(reply)
}

/// The name that was asked for and the addresses that were answered.
fn read_reply(reply: &[u8]) -> Option<(String, Vec<IpAddr>)> {
    let word = |at: usize| Some(u16::from_be_bytes(reply.get(at..at + 2)?.try_into().ok()?));
    let (questions, answers) = (word(4)?, word(6)?);
    if questions != 1 {
        return None;
    }
    let (name, mut at) = read_name(reply, 12)?;
    at += 4;
    let mut addresses = Vec::new();
    for _ in 0..answers {
        at = read_name(reply, at)?.1;
        let (kind, length) = (word(at)?, usize::from(word(at + 8)?));
        let value = reply.get(at + 10..at + 10 + length)?;
        match kind {
            1 => addresses.push(IpAddr::from(<[u8; 4]>::try_from(value).ok()?)),
            28 => addresses.push(IpAddr::from(<[u8; 16]>::try_from(value).ok()?)),
            _ => {}
        }
        at += 10 + length;
    }
    Some((name, addresses))
}

/// A name in lower case, and where what follows it begins. A pointer ends it.
fn read_name(reply: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut parts = Vec::new();
    loop {
        let length = usize::from(*reply.get(at)?);
        match length {
            0 => return Some((parts.join("."), at + 1)),
            1..=63 => {
                let part = reply.get(at + 1..at + 1 + length)?;
                // One part that looks like several must not pass for them.
                let part = str::from_utf8(part).ok().filter(|part| !part.contains('.'))?;
                parts.push(part.to_ascii_lowercase());
                at += 1 + length;
            }
            _ => return Some((parts.join("."), at + 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reply for `name` with one alias and one address.
    fn reply(parts: &[&str], address: [u8; 4]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
        for part in parts {
            bytes.push(u8::try_from(part.len()).unwrap());
            bytes.extend(part.as_bytes());
        }
        bytes.extend([0, 0, 1, 0, 1]);
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'e', 0xc0, 12]);
        bytes.extend([1, b'e', 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4]);
        bytes.extend(address);
        bytes
    }

    #[test]
    fn a_reply_tells_the_name_and_where_it_leads() {
        let whole = reply(&["api", "Example", "com"], [203, 0, 113, 1]);
        let addresses = vec![IpAddr::from([203, 0, 113, 1])];
        assert_eq!(read_reply(&whole), Some(("api.example.com".to_owned(), addresses)));
        for length in 0..whole.len() {
            assert_eq!(read_reply(&whole[..length]), None, "{length}");
        }
        assert_eq!(read_reply(&reply(&["evil", "api.example.com"], [203, 0, 113, 1])), None);
    }

    /// A name server that answers every question with these bytes.
    async fn answering(reply: &'static [u8]) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut question = [0; 64];
            while let Ok((_, from)) = socket.recv_from(&mut question).await {
                socket.send_to(reply, from).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn the_next_server_is_asked_where_one_has_nothing_to_say() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let silent = (silent.local_addr().unwrap(), silent);
        let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let failing = answering(&[0, 1, 0x81, 0x82]).await;
        let knowing = answering(&[0, 1, 0x81, 0x80]).await;
        let turn = Duration::from_millis(20);
        for unable in [silent.0, closed, failing] {
            let reply = ask_in_turn(&[unable, knowing], b"question", turn).await;
            assert_eq!(reply.as_deref(), Some(&[0, 1, 0x81, 0x80][..]), "{unable}");
        }
        let reply = ask_in_turn(&[closed, failing], b"question", turn).await;
        assert_eq!(reply.as_deref(), Some(&[0, 1, 0x81, 0x82][..]), "what the last one says");
        let reply = ask_in_turn(&[failing, closed], b"question", turn).await;
        assert_eq!(reply.as_deref(), Some(&[0, 1, 0x81, 0x82][..]), "what was said at all");
    }

    #[test]
    fn name_servers_are_those_of_the_machine() {
        let text = "# none\nsearch example.com\nnameserver 10.0.0.2\nnameserver ::1\noptions edns0";
        assert_eq!(named_in(text), [IpAddr::from([10, 0, 0, 2]), "::1".parse().unwrap()]);
    }
}
