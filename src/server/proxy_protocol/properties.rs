//! The PROXY header as a fuzz target: where it ends does not depend on what follows or on how it
//! comes, and version 1 has no reading that a plain one would not have.

use super::{ProxyError, Step, V1_MAX, V2_FIXED, V2_PROXY, V2_SIGNATURE, V2_TCP4, V2_TCP6, parse};
use crate::server::corpus::Target;
use std::net::{IpAddr, SocketAddr};

#[test]
fn fuzz_proxy_protocol() {
    let target = Target {
        name: "proxy_protocol",
        words: &[
            b"PROXY ",
            b"TCP4 ",
            b"TCP6 ",
            b"UNKNOWN",
            b"\r\n",
            b"\r",
            b"\n",
            b" ",
            b"1.2.3.4",
            b"::1",
            b"65535",
            b"65536",
            b"0",
            V2_SIGNATURE,
            b"\x21\x11",
            b"\x20\x00",
            b"\x21\x21",
            b"\x21\x31",
            b"\x00\x0c",
            b"\x00\x24",
            b"\x00\xd8",
        ],
        longest: 2600,
        inputs: 10_000,
    };
    target.run(|input| {
        let step = parse(input);
        let shortest = (0..=input.len()).find(|cut| !matches!(parse(&input[..*cut]), Step::More));
        match (&step, shortest) {
            (Step::Done { addresses, length }, Some(cut)) => {
                assert_eq!(*length, cut, "it is taken as soon as it is whole");
                assert!(*length <= V1_MAX.max(V2_FIXED + 216 + 2048));
                if let Some(addresses) = addresses {
                    let written = written(*addresses);
                    let Step::Done { addresses: Some(again), length } = parse(&written) else {
                        panic!("{addresses:?} cannot be said again");
                    };
                    assert_eq!((again, length), (*addresses, written.len()));
                }
                if let Some(line) = input[..*length].strip_prefix(b"PROXY ") {
                    assert_eq!(*addresses, plain(line));
                }
                addresses.map_or("none", |(source, _)| if source.is_ipv4() { "4" } else { "6" })
            }
            (Step::Refused(error), Some(cut)) => {
                let early = parse(&input[..cut]);
                assert!(matches!(early, Step::Refused(_)), "a refusal is never taken back");
                match error {
                    ProxyError::Io(_) => panic!("nothing was read here"),
                    ProxyError::Missing => "missing",
                    ProxyError::Malformed => "malformed",
                }
            }
            (Step::More, None) => "more",
            (step, cut) => panic!("{step:?} of all, but not of {cut:?} bytes"),
        }
    });
}

fn written((source, destination): (SocketAddr, SocketAddr)) -> Vec<u8> {
    let bytes = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let content = [
        bytes(source.ip()),
        bytes(destination.ip()),
        source.port().to_be_bytes().to_vec(),
        destination.port().to_be_bytes().to_vec(),
    ]
    .concat();
    let family = if source.is_ipv4() { V2_TCP4 } else { V2_TCP6 };
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [V2_SIGNATURE, &[V2_PROXY, family], &length, &content].concat()
}

/// The addresses of a line of version 1 that was taken, by its words.
fn plain(line: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let line = std::str::from_utf8(line).unwrap().strip_suffix("\r\n").unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let [protocol, source, destination, from, to] = words[..] else {
        assert_eq!(words[0], "UNKNOWN");
        return None;
    };
    if protocol == "UNKNOWN" {
        return None;
    }
    let address = |host: &str, port: &str| {
        assert_eq!(port.parse::<u16>().unwrap().to_string(), port, "digits have one form");
        let host: IpAddr = host.parse().unwrap();
        assert_eq!(host.is_ipv4(), protocol == "TCP4");
        SocketAddr::new(host, port.parse().unwrap())
    };
    Some((address(source, from), address(destination, to)))
}
