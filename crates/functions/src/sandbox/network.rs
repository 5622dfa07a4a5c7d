//! Lists of where a function may connect to: what an entry may say. `runtime/reach.js` keeps them.

use std::net::IpAddr;

use crate::settings::Network;

/// Checks the lists of a function.
///
/// # Errors
/// A bilingual sentence about the first entry that cannot be understood.
pub(crate) fn check_network(network: &Network) -> Result<(), String> {
    for entry in network.allow.iter().chain(&network.deny) {
        if !is_place(entry) {
            return Err(format!(
                "network: \"{entry}\" is neither a host name, an address nor a block like \
                 10.0.0.0/8, with or without :port. / network 中的“{entry}”不是主机名、地址或网段。"
            ));
        }
    }
    Ok(())
}

fn is_place(entry: &str) -> bool {
    let entry = entry.trim();
    // More than one colon is an address of the new kind; with a port it stands in brackets.
    let (place, port) = match entry.rsplit_once(':') {
        Some((place, port)) if !place.contains(':') || place.ends_with(']') => (place, Some(port)),
        _ => (entry, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    let place = place.trim_start_matches('[').trim_end_matches(']');
    match place.split_once('/') {
        None => place.parse::<IpAddr>().is_ok() || is_name(place),
        Some((address, bits)) => match (address.parse::<IpAddr>(), bits.parse::<u8>()) {
            (Ok(address), Ok(bits)) => bits <= if address.is_ipv4() { 32 } else { 128 },
            _ => false,
        },
    }
}

/// A host name; `*.` at its beginning means every name below.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.strip_prefix("*.").unwrap_or(text).split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_mean_nothing_are_named() {
        for entry in ["", "a b", "10.0.0.0/33", "host:port", "http://example.com", "*"] {
            let network = Network { allow: vec![entry.to_owned()], deny: Vec::new() };
            assert!(check_network(&network).is_err(), "{entry}");
        }
        let network = Network {
            allow: vec!["[2001:db8::1]:443".into(), "2001:db8::/32".into(), "mysql".into()],
            deny: vec!["10.0.0.0/8:3306".into(), "*.example.com:80".into()],
        };
        assert_eq!(check_network(&network), Ok(()));
    }
}
