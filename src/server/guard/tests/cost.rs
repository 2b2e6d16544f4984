//! What the guard costs a request that nothing is wrong with: no allocation, which every test run
//! proves, and a time that a release run measures (docs/performance.md).

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::{HeadLimits, HeadScanner};

#[test]
fn a_clean_head_costs_no_allocation() {
    for head in [SMALL, BROWSER] {
        let mut scanner = HeadScanner::new(false, LIMITS);
        // The first head of a connection makes the room that the later ones use.
        pass(&mut scanner, head);
        let counted = allocation_counter::measure(|| pass(&mut scanner, head));
        assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    }
    let counted = allocation_counter::measure(|| drop(black_box(vec![1])));
    assert_eq!(counted.count_total, 1, "the counter counts");
}

#[test]
#[ignore = "a measurement, for a release build: see docs/performance.md"]
fn guard_cost() {
    for (name, head) in [("small", SMALL), ("browser", BROWSER)] {
        let mut scanner = HeadScanner::new(false, LIMITS);
        let scanned = fastest(|| pass(&mut scanner, black_box(head)));
        let bytes = Bytes::from_static(head);
        let whole = fastest(|| {
            black_box(scanner.scan(black_box(&bytes)).is_ok());
            black_box(scanner.request(&bytes).is_ok());
            scanner.reset();
        });
        println!(
            "{name}: {} bytes, {} fields: scan {scanned:.0} ns, with the request made {whole:.0} ns",
            head.len(),
            head.split(|byte| *byte == b'\n').count() - 3,
        );
        if !cfg!(debug_assertions) && name == "small" {
            assert!(scanned < MOST_NANOSECONDS, "{scanned} ns for a small clean head");
        }
    }
}

fn pass(scanner: &mut HeadScanner, head: &[u8]) {
    assert!(matches!(black_box(scanner.scan(head)), Ok(Some(_))));
    scanner.reset();
}

/// Nanoseconds of one call, in the round in which the machine disturbed least.
#[allow(clippy::disallowed_methods, reason = "this clock is never paused")]
fn fastest(mut call: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        best = best.min(begun.elapsed());
    }
    best.as_secs_f64() * 1e9 / f64::from(CALLS)
}

const SMALL: &[u8] = b"GET /v1/users/42 HTTP/1.1\r\nHost: api.example.com\r\n\
    User-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";
const BROWSER: &[u8] = b"GET /shop/cart?item=42&lang=fr HTTP/1.1\r\nHost: www.example.com\r\n\
    Connection: keep-alive\r\nCache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/120.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n\
    Sec-Fetch-Dest: document\r\nReferer: https://www.example.com/shop\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: fr-CH,fr;q=0.9,en;q=0.8\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\n\r\n";
const LIMITS: HeadLimits = HeadLimits { uri: 8192, header: 32_768, headers: 100 };
const ROUNDS: u32 = 60;
const CALLS: u32 = 20_000;
/// The promise for a small clean request.
const MOST_NANOSECONDS: f64 = 500.0;
