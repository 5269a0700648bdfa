//! Who is at the other end: the peer of the connection or, behind proxies that the operator trusts, whom they name.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;
use serde::Deserialize;

/// A range of addresses, such as `10.0.0.0/8`; a single address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is no address and no range such as 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let first: IpAddr = address.parse().map_err(|_| fault())?;
        let whole = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(whole), str::parse).map_err(|_| fault())?;
        if prefix > whole { Err(fault()) } else { Ok(Self { first, prefix }) }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Network {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let same_start = |differ: u128, bits: u32| differ.checked_shr(bits - self.prefix).unwrap_or(0) == 0;
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(other)) => same_start((first.to_bits() ^ other.to_bits()).into(), 32),
            (IpAddr::V6(first), IpAddr::V6(other)) => same_start(first.to_bits() ^ other.to_bits(), 128),
            _ => false,
        }
    }
}

/// The address that a request comes from. Each proxy appends to `X-Forwarded-For` whom it has the request from, so the
/// list is read from its end for as long as the one who wrote an entry is trusted; what stands before that is hearsay.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !trusted.iter().any(|network| network.contains(client)) {
            return client;
        }
        match entry.trim().parse::<IpAddr>() {
            Ok(named) => client = named.to_canonical(),
            Err(_) => return client,
        }
    }
    client
}

/// Whom to count requests for. Whoever has one IPv6 address has the 2^64 of its network.
pub(crate) fn counted_as(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], trusted: &[&str], client: &str) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        assert_eq!(client_address(peer.parse().unwrap(), &headers, &trusted), client.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("1.2.3.4", &["9.9.9.9"], &[], "1.2.3.4");
        check("1.2.3.4", &["9.9.9.9"], &["10.0.0.0/8"], "1.2.3.4");
        check("10.0.0.1", &["9.9.9.9"], &["10.0.0.0/8"], "9.9.9.9");
        check("10.0.0.1", &["6.6.6.6, 9.9.9.9"], &["10.0.0.0/8"], "9.9.9.9");
        check("10.0.0.1", &["6.6.6.6, 9.9.9.9, 10.0.0.2"], &["10.0.0.0/8"], "9.9.9.9");
        check("10.0.0.1", &["6.6.6.6", "9.9.9.9, 10.0.0.2"], &["10.0.0.0/8"], "9.9.9.9");
        check("10.0.0.1", &["garbage"], &["10.0.0.0/8"], "10.0.0.1");
        check("10.0.0.1", &[], &["10.0.0.0/8"], "10.0.0.1");
        check("::ffff:10.0.0.1", &["2001:db9::1"], &["10.0.0.1"], "2001:db9::1");
        check("fd00::1", &["9.9.9.9"], &["fd00::/8"], "9.9.9.9");
        check("fe00::1", &["9.9.9.9"], &["fd00::/8"], "fe00::1");
        check("7.7.7.7", &["9.9.9.9"], &["0.0.0.0/0"], "9.9.9.9");
    }

    #[test]
    fn bad_ranges_are_refused() {
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "proxy.example", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_of_ipv6_addresses_counts_as_one() {
        let counted = |address: &str| counted_as(address.parse().unwrap());
        assert_eq!(counted("2001:db9:1:2:3:4:5:6"), counted("2001:db9:1:2::1"));
        assert_ne!(counted("2001:db9:1:2::1"), counted("2001:db9:1:3::1"));
        assert_eq!(counted("9.9.9.9"), "9.9.9.9");
    }
}
