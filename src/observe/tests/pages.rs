//! The counters, as the metrics page shows them.

use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::base::{ListenerId, RouteId, UpstreamId};
use crate::observe::{
    Conformance, ConnectionFailure, Family, FamilyKind, Kind, Mismatch, Outcome, Protocol, Retried,
};
use crate::problem::{BuiltIn, Cause, Problem};

/// The value of one series, if it is there.
fn value(page: &str, series: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

fn record(witness: &Rc<Witness>) -> Record {
    Record::new(Rc::clone(witness), peer(), RequestId::generate(), &get("/"))
}

#[test]
fn two_workers_add_up() {
    let workers = [witness(None), witness(None)];
    for (worker, exchanges) in workers.iter().zip([3, 4]) {
        for _ in 0..exchanges {
            let mut record = record(worker);
            record.routed(RouteId(0));
            (record.status, record.outcome) = (200, Outcome::Success);
            record.upstream_time = Some(Duration::from_secs(3_600));
        }
        record(worker).blame(&Problem::new(Cause::NoRoute), 404);
        worker.upstream_answered(UpstreamId(0), Some(200), Duration::from_millis(3));
        worker.upstream_answered(UpstreamId(0), None, Duration::from_millis(3));
        worker.upstream_retried(UpstreamId(0), Retried::After(Cause::Reset));
        worker.upstream_retried(UpstreamId(0), Retried::OverBudget);
        worker.connection_failed(ListenerId(1), ConnectionFailure::TlsHandshake);
    }
    let page = page_of(&[&workers[0], &workers[1]]);
    let code = catalogue().full_code(BuiltIn::InvalidResource.into()).to_str().unwrap().to_owned();
    #[rustfmt::skip]
    let expected = [
        (r#"guichet_requests_total{listener="public",route="users.get",method="GET",status="200"}"#, 7.0),
        (r#"guichet_requests_total{listener="public",route="",method="GET",status="404"}"#, 2.0),
        (&format!("guichet_errors_total{{route=\"\",code=\"{code}\",origin=\"client\"}}"), 2.0),
        (r#"guichet_outcomes_total{route="users.get",outcome="success"}"#, 7.0),
        (r#"guichet_outcomes_total{route="",outcome="refused"}"#, 2.0),
        (r#"guichet_request_duration_seconds_count{route="users.get"}"#, 7.0),
        (r#"guichet_overhead_seconds_bucket{route="users.get",le="0.00005"}"#, 7.0),
        (r#"guichet_upstream_requests_total{upstream="users",status="200"}"#, 2.0),
        (r#"guichet_upstream_requests_total{upstream="users",status="none"}"#, 2.0),
        (r#"guichet_upstream_duration_seconds_bucket{upstream="users",le="0.0025"}"#, 0.0),
        (r#"guichet_upstream_duration_seconds_bucket{upstream="users",le="0.005"}"#, 4.0),
        (r#"guichet_upstream_retries_total{upstream="users",reason="reset"}"#, 2.0),
        (r#"guichet_upstream_retries_total{upstream="users",reason="budget_spent"}"#, 2.0),
        (r#"guichet_connection_failures_total{listener="plain",reason="client_tls_handshake"}"#, 2.0),
        (r#"guichet_upstream_endpoint_up{upstream="users",endpoint="http://127.0.0.1:9000"}"#, 0.0),
        (r#"guichet_upstream_endpoint_up{upstream="users",endpoint="http://127.0.0.1:9001"}"#, 1.0),
        (r#"guichet_upstream_breaker_state{upstream="users"}"#, 1.0),
        (r#"guichet_tls_certificate_expiry_timestamp_seconds{name="localhost"}"#, 1_800_000_000.0),
        (r#"guichet_config_info{hash="c0ffee"}"#, 1.0),
        ("guichet_log_lines_dropped_total", 0.0),
        ("guichet_series_left_out_total", 0.0),
    ];
    for (series, expected) in expected {
        assert_eq!(value(&page, series), Some(expected), "{series}\n{page}");
    }
    assert!(value(&page, "process_resident_memory_bytes").unwrap() > 0.0);
}

#[test]
fn a_request_is_in_flight_from_its_route_to_its_end() {
    let worker = witness(None);
    let in_flight = |route| {
        let series = format!("guichet_requests_in_flight{{route=\"{route}\"}}");
        value(&page_of(&[&worker]), &series).unwrap()
    };
    let (mut first, mut second) = (record(&worker), record(&worker));
    assert_eq!(in_flight("users.get"), 0.0);
    first.routed(RouteId(0));
    second.routed(RouteId(0));
    assert_eq!(in_flight("users.get"), 2.0);
    second.routed(RouteId(1));
    assert_eq!((in_flight("users.get"), in_flight("users.create")), (1.0, 1.0));
    drop((first, second));
    assert_eq!((in_flight("users.get"), in_flight("users.create")), (0.0, 0.0));
}

#[test]
fn connections_count_while_their_guards_live() {
    let worker = witness(None);
    let count = |series| value(&page_of(&[&worker]), series).unwrap();
    let unknown = r#"guichet_connections{listener="public",protocol="unknown"}"#;
    let http2 = r#"guichet_connections{listener="public",protocol="h2"}"#;
    let active = r#"guichet_upstream_connections{upstream="users",state="active"}"#;
    let idle = r#"guichet_upstream_connections{upstream="users",state="idle"}"#;

    let mut client = worker.connection_opened(ListenerId(0));
    worker.upstream_connections(UpstreamId(0), 3, 2);
    assert_eq!(count(unknown), 1.0);
    assert_eq!((count(active), count(idle)), (2.0, 3.0));
    client.speaks(Protocol::Http2);
    worker.upstream_connections(UpstreamId(0), 4, 0);
    assert_eq!((count(unknown), count(http2)), (0.0, 1.0));
    assert_eq!((count(active), count(idle)), (0.0, 4.0));
    drop(client);
    assert_eq!(count(http2), 0.0);
}

#[test]
fn a_failed_connection_counts_its_reason_and_its_answer_if_it_got_one() {
    let worker = witness(None);
    for status in [408, 0] {
        let mut record = Record::connection(Rc::clone(&worker), peer(), RequestId::generate());
        assert_eq!(record.kind, Kind::Connection);
        record.blame(&Problem::new(Cause::HeaderTimeout), status);
    }
    let page = page_of(&[&worker]);
    let failures =
        r#"guichet_connection_failures_total{listener="public",reason="header_timeout"}"#;
    let answers =
        r#"guichet_requests_total{listener="public",route="",method="other",status="408"}"#;
    assert_eq!((value(&page, failures), value(&page, answers)), (Some(2.0), Some(1.0)));
    assert!(!page.contains("status=\"none\""));
    assert!(!page.contains("guichet_request_duration_seconds_count"));
}

#[test]
fn what_normalise_would_have_changed_is_counted() {
    let worker = witness(None);
    let mut record = record(&worker);
    record.routed(RouteId(0));
    record.would_change = Some(BuiltIn::Conflict.into());
    drop(record);
    let page = page_of(&[&worker]);
    assert!(page.contains("guichet_normalise_would_change_total{route=\"users.get\",code=\""));
    assert!(!page.contains("guichet_errors_total{"));
}

#[test]
fn answers_that_were_compared_with_a_document_are_counted_by_what_is_wrong() {
    let worker = witness(None);
    for found in [None, Some(Mismatch::Schema), Some(Mismatch::Schema)] {
        let mut record = record(&worker);
        record.routed(RouteId(0));
        let mut told = Conformance::default();
        found.into_iter().for_each(|what| told.add(what, "/a"));
        record.conformance = Some(Box::new(told));
    }
    drop(record(&worker));
    let page = page_of(&[&worker]);
    let count = |result: &str| {
        let series = format!("{{route=\"users.get\",result=\"{result}\"}}");
        value(&page, &format!("guichet_openapi_responses_total{series}"))
    };
    assert_eq!((count("conforms"), count("schema"), count("unread")), (Some(1.0), Some(2.0), None));
    assert_eq!(page.matches("guichet_openapi_responses_total{").count(), 2);
}

#[test]
fn the_page_shows_each_family_of_the_table_once_and_in_its_order() {
    let page = page_of(&[&witness(None)]);
    let heads: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let expected: Vec<_> =
        Family::ALL.iter().map(|it| format!("{} {}", it.name, it.kind.as_str())).collect();
    assert_eq!(heads, expected);
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (series, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let known = |family: &&Family| match family.kind {
            FamilyKind::Counter | FamilyKind::Gauge => name == family.name,
            FamilyKind::Histogram => name.starts_with(family.name),
        };
        assert!(Family::ALL.iter().any(|family| known(&family)), "{line}");
    }
}

#[test]
fn the_names_are_those_of_the_golden_file() {
    let page = page_of(&[&witness(None)]);
    let mut heads = String::new();
    for line in page.lines().filter(|line| line.starts_with('#')) {
        heads.push_str(line);
        heads.push('\n');
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/metrics.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(golden, &heads).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(heads, expected, "BLESS=1 rewrites {golden}");
}
