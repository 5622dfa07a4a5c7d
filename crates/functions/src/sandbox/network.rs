//! Where a function may connect to: decided by address and port, and by the names that led there.
//! `runtime/reach.js` says the same inside Node, where it can be said in an error.
//!
//! Addresses that clouds answer for a machine's own secrets are closed always; those of this
//! machine unless it is a developer's. Then the function's own lists speak. It asks nobody and
//! dials nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::settings::Network;

/// How many addresses are remembered with their names, and names with one address.
const ADDRESSES_MAX: usize = 4096;
const NAMES_MAX: usize = 64;

/// What a worker may reach.
#[derive(Debug)]
pub(crate) struct Policy {
    open_loopback: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing may be reached before there is a function.
    is_assigned: bool,
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    /// Names that were found to lead to an address.
    names: HashMap<IpAddr, Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    place: Place,
    port: Option<u16>,
    /// As it was written.
    entry: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In lower case; `*.` at its beginning means every name below.
    Name(String),
    /// The first bits of an address.
    Block(IpAddr, u8),
}

/// The rule that closes an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It leads to secrets of this machine.
    Metadata,
    /// It means this machine.
    ThisMachine,
    /// It means many machines, or none.
    Nowhere,
    /// An entry of `deny`.
    Denied(String),
    /// There is an `allow`, and nothing in it fits.
    NotAllowed,
}

impl Rule {
    /// What a log says: why there is no connection to this place, in both languages.
    pub(crate) fn refusal(&self, to: SocketAddr) -> String {
        let (english, chinese) = match self {
            Self::Metadata => (
                "link-local and metadata addresses are closed".to_owned(),
                "链路本地与元数据地址不可访问".to_owned(),
            ),
            Self::ThisMachine => (
                "addresses of this machine are closed; make it one of the services in yunkai.json"
                    .to_owned(),
                "本机地址不可访问,请在 yunkai.json 的 services 中配置".to_owned(),
            ),
            Self::Nowhere => {
                ("it is no address of a machine".to_owned(), "不是主机地址".to_owned())
            }
            Self::Denied(entry) => (
                format!("network.deny of the function has \"{entry}\""),
                format!("云函数的 network.deny 中有“{entry}”"),
            ),
            Self::NotAllowed => (
                "network.allow of the function does not have it".to_owned(),
                "不在云函数的 network.allow 中".to_owned(),
            ),
        };
        format!("A connection to {to} was refused: {english}. / 已拒绝连接 {to}:{chinese}。")
    }
}

impl Network {
    /// Checks the lists.
    ///
    /// # Errors
    /// A bilingual sentence about the first entry that cannot be understood.
    pub fn check(&self) -> Result<(), String> {
        for entry in self.allow.iter().chain(&self.deny) {
            if parse(entry).is_none() {
                return Err(format!(
                    "network: \"{entry}\" is neither a host name (*.example.com), an address nor a \
                     block like 10.0.0.0/8, with or without :port. / network 中的“{entry}”不是主机名\
                     (*.example.com)、地址或网段(10.0.0.0/8),可加 :端口。"
                ));
            }
        }
        Ok(())
    }
}

fn parse(written: &str) -> Option<Pattern> {
    let entry = written.trim().to_ascii_lowercase();
    // More than one colon is an address of the new kind; with a port it stands in brackets.
    let (place, port) = match entry.rsplit_once(':') {
        Some((place, port)) if !place.contains(':') || place.ends_with(']') => {
            (place, Some(port.parse().ok()?))
        }
        _ => (entry.as_str(), None),
    };
    let place = place.trim_start_matches('[').trim_end_matches(']');
    let (address, bits) = match place.split_once('/') {
        Some((address, bits)) => (address.parse::<IpAddr>().ok(), Some(bits.parse::<u8>().ok()?)),
        None => (place.parse::<IpAddr>().ok(), None),
    };
    let place = match (address, bits) {
        (Some(address), bits) => {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(most);
            (bits <= most).then_some(Place::Block(address, bits))?
        }
        (None, None) if is_name(place) => Place::Name(place.to_owned()),
        (None, _) => return None,
    };
    Some(Pattern { place, port, entry: written.trim().to_owned() })
}

/// A host name; `*.` at its beginning means every name below.
fn is_name(text: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.strip_prefix("*.").unwrap_or(text).split('.').all(fits)
}

impl Policy {
    /// Nothing is known of the function yet.
    pub(crate) fn new(open_loopback: bool) -> Self {
        Self { open_loopback, state: Mutex::default() }
    }

    /// The worker is this function's now.
    pub(crate) fn set(&self, network: &Network) {
        let parsed = |list: &[String]| list.iter().filter_map(|entry| parse(entry)).collect();
        let mut state = self.lock();
        state.is_assigned = true;
        state.allow = parsed(&network.allow);
        state.deny = parsed(&network.deny);
    }

    /// Whether the worker may connect, or which rule forbids it.
    pub(crate) fn judge(&self, to: SocketAddr) -> Result<(), Rule> {
        let (address, port) = (plain(to.ip()), to.port());
        if is_metadata(address) {
            return Err(Rule::Metadata);
        }
        if is_nowhere(address) {
            return Err(Rule::Nowhere);
        }
        if !self.open_loopback && address.is_loopback() {
            return Err(Rule::ThisMachine);
        }
        let state = self.lock();
        let fits = |pattern: &&Pattern| state.fits(pattern, address, port);
        if let Some(pattern) = state.deny.iter().find(fits) {
            return Err(Rule::Denied(pattern.entry.clone()));
        }
        let mut allowing = state.allow.iter().filter(fits);
        if !self.open_loopback && is_of_this_machine(address) {
            // A block does not mean it; who writes the address itself does.
            return if allowing.any(Pattern::is_one) { Ok(()) } else { Err(Rule::ThisMachine) };
        }
        let is_open = state.is_assigned && state.allow.is_empty();
        if is_open || allowing.next().is_some() { Ok(()) } else { Err(Rule::NotAllowed) }
    }

    /// The whole names that the lists have.
    pub(crate) fn listed_names(&self) -> Vec<String> {
        let state = self.lock();
        let names = state.allow.iter().chain(&state.deny).filter_map(|it| match &it.place {
            Place::Name(name) if !name.starts_with('*') => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }

    /// Remembers that a name leads to these addresses.
    pub(crate) fn learn(&self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let mut state = self.lock();
        for address in addresses.into_iter().map(plain) {
            if state.names.len() >= ADDRESSES_MAX && !state.names.contains_key(&address) {
                // A function that asks for so many names asks again.
                state.names.clear();
            }
            let names = state.names.entry(address).or_default();
            if names.len() < NAMES_MAX && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pattern {
    /// Whether it means one machine.
    fn is_one(&self) -> bool {
        match &self.place {
            Place::Name(name) => !name.starts_with('*'),
            Place::Block(address, bits) => *bits == if address.is_ipv4() { 32 } else { 128 },
        }
    }
}

impl State {
    fn fits(&self, pattern: &Pattern, address: IpAddr, port: u16) -> bool {
        if pattern.port.is_some_and(|wanted| wanted != port) {
            return false;
        }
        match &pattern.place {
            Place::Block(block, bits) => is_within(address, *block, *bits),
            Place::Name(wanted) => {
                let names = self.names.get(&address);
                names.is_some_and(|names| names.iter().any(|name| is_named(name, wanted)))
            }
        }
    }
}

fn is_named(name: &str, wanted: &str) -> bool {
    match wanted.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == wanted,
    }
}

fn is_within(address: IpAddr, block: IpAddr, bits: u8) -> bool {
    let (a, b, width) = match (address, block) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let rest = width - u32::from(bits);
    a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
}

/// An IPv4 address in its own form, however it is wrapped: mapped, or for a translator (NAT64).
fn plain(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) if six.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = six.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        address => address,
    }
}

/// Where clouds keep keys for the asking: link-local addresses, and two vendors' own.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_link_local() || address == Ipv4Addr::new(100, 100, 100, 200)
        }
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

/// Addresses that mean "this machine" or many machines.
fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.octets()[0] == 0 || address.is_multicast() || address.is_broadcast()
        }
        IpAddr::V6(address) => address.is_unspecified() || address.is_multicast(),
    }
}

/// Only an address of its own can be bound.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str], deny: &[&str]) -> Policy {
        let list = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
        let policy = Policy::new(false);
        policy.set(&Network { allow: list(allow), deny: list(deny), direct: false });
        policy
    }

    fn at(address: &str, port: u16) -> SocketAddr {
        (address.parse::<IpAddr>().unwrap(), port).into()
    }

    #[test]
    fn metadata_and_loopback_are_closed_whatever_the_lists_say() {
        let open = policy(&["169.254.169.254", "127.0.0.1", "100.100.100.200", "203.0.113.9"], &[]);
        for (closed, rule) in [
            ("169.254.169.254", Rule::Metadata),
            ("::ffff:169.254.169.254", Rule::Metadata),
            ("64:ff9b::169.254.169.254", Rule::Metadata),
            ("100.100.100.200", Rule::Metadata),
            ("fe80::1", Rule::Metadata),
            ("fd00:ec2::254", Rule::Metadata),
            ("127.0.0.1", Rule::ThisMachine),
            ("127.9.9.9", Rule::ThisMachine),
            ("::ffff:127.0.0.1", Rule::ThisMachine),
            ("::1", Rule::ThisMachine),
            ("0.0.0.0", Rule::Nowhere),
            ("::", Rule::Nowhere),
            ("224.0.0.1", Rule::Nowhere),
        ] {
            assert_eq!(open.judge(at(closed, 80)), Err(rule), "{closed}");
        }
        assert_eq!(open.judge(at("203.0.113.9", 80)), Ok(()));
        let dev = Policy::new(true);
        dev.set(&Network::default());
        assert_eq!(dev.judge(at("127.0.0.1", 3306)), Ok(()));
        assert_eq!(dev.judge(at("169.254.169.254", 80)), Err(Rule::Metadata));
    }

    #[test]
    fn nothing_is_open_before_there_is_a_function() {
        let waiting = Policy::new(true);
        assert_eq!(waiting.judge(at("203.0.113.9", 80)), Err(Rule::NotAllowed));
    }

    #[test]
    fn lists_speak_of_addresses_blocks_and_ports() {
        let only = policy(&["203.0.113.0/24:443", "198.51.100.7"], &["203.0.113.8"]);
        let denied = || Err(Rule::Denied("203.0.113.8".to_owned()));
        for (address, port, may) in [
            ("203.0.113.9", 443, Ok(())),
            ("203.0.113.9", 80, Err(Rule::NotAllowed)),
            ("203.0.113.8", 443, denied()),
            ("::ffff:203.0.113.8", 443, denied()),
            ("198.51.100.7", 25, Ok(())),
            ("198.51.100.8", 25, Err(Rule::NotAllowed)),
        ] {
            assert_eq!(only.judge(at(address, port)), may, "{address}:{port}");
        }
        let all_but = policy(&[], &["0.0.0.0/0:25"]);
        assert!(all_but.judge(at("203.0.113.9", 25)).is_err());
        assert_eq!(all_but.judge(at("203.0.113.9", 26)), Ok(()));
    }

    #[test]
    fn names_are_known_by_what_they_lead_to() {
        let only = policy(&["API.example.com:443", "*.example.org"], &[]);
        assert!(only.judge(at("203.0.113.1", 443)).is_err());
        for (name, last) in [("api.example.com", 1), ("a.b.example.org", 2), ("example.net", 3)] {
            only.learn(name, [IpAddr::from([203, 0, 113, last])]);
        }
        for (address, port, may) in [
            ("203.0.113.1", 443, true),
            ("203.0.113.1", 80, false),
            ("203.0.113.2", 80, true),
            ("203.0.113.3", 443, false),
        ] {
            assert_eq!(only.judge(at(address, port)).is_ok(), may, "{address}:{port}");
        }
        let without = policy(&[], &["example.com"]);
        without.learn("example.com", [IpAddr::from([203, 0, 113, 1])]);
        assert!(without.judge(at("203.0.113.1", 443)).is_err());
        assert_eq!(only.listed_names(), ["api.example.com"]);
    }

    #[test]
    fn a_name_that_leads_to_a_closed_address_opens_nothing() {
        let only = policy(&["rebound.example.com"], &[]);
        for closed in ["169.254.169.254", "127.0.0.1", "::1", "64:ff9b::127.0.0.1"] {
            only.learn("rebound.example.com", [closed.parse().unwrap()]);
            assert!(only.judge(at(closed, 80)).is_err(), "{closed}");
        }
    }

    #[test]
    fn entries_that_mean_nothing_are_named() {
        let network = |entries: &[&str]| Network {
            allow: entries.iter().map(|entry| (*entry).to_owned()).collect(),
            ..Network::default()
        };
        for entry in ["", "a b", "10.0.0.0/33", "host:port", "http://example.com", "*", "host/8"] {
            assert!(network(&[entry]).check().is_err(), "{entry}");
        }
        let fine =
            ["[2001:db8::1]:443", "2001:db8::/32", "mysql", "10.0.0.0/8:3306", "*.example.com:80"];
        assert_eq!(network(&fine).check(), Ok(()));
    }
}
