use super::*;
use crate::config::{Colour, load_text};

const FILE: &str = r#"
version = 1
[listen.a]
bind = ["127.0.0.1:0"]
plain = "allow"
[upstream.app]
endpoints = ["http://127.0.0.1:9"]
[auth.keyed]
type = "api_key"
keys = { env = "KEYS" }
[auth.staff]
type = "jwt"
issuer = "https://id.test"
audience = ["a"]
jwks = { env = "JWKS" }
[limit.per-ip]
key = "ip"
rate = "5/s"
[[route]]
name = "orders.add"
match = "POST /orders/{id}"
upstream = "app"
limits = ["per-ip"]
auth = { any = ["keyed", "staff"], scopes = ["orders"] }
cors = { origins = ["https://app.test", "https://*.b.test"] }
compress = true
strict = true
[route.params]
id = { type = "integer", min = 1 }
page = { in = "query", type = "integer", default = 0 }
tag = { in = "query", one_of = ["a", "b"], repeated = true, optional = true }
[route.body.fields]
count = { type = "integer" }
[[route]]
name = "bare"
match = "/bare"
upstream = "app"
"#;

fn asked(request: &str, headers: &[&str], body: Option<&str>) -> Answer {
    let config = match load_text("t.toml", FILE, &|_| None) {
        Ok(loaded) => loaded.config,
        Err(refused) => panic!("{}", refused.human(Colour::Never)),
    };
    let question = Question {
        request: request.to_owned(),
        headers: headers.iter().map(|line| (*line).to_owned()).collect(),
        body: body.map(|text| Data { length: text.len() as u64, bytes: text.into() }),
        cause: None,
    };
    answer(&config, &question).unwrap()
}

const FORM: &str = "content-type: application/x-www-form-urlencoded";

#[test]
fn what_stands_at_the_door_is_told_in_its_order() {
    let found = asked("POST https://h/orders/7", &[FORM], Some("count=1"));
    let told = "\
  route     orders.add  (POST /orders/{id})
  captured  7
  target    upstream app
  cors      pages of https://app.test, https://*.b.test
  compress  replies of 1024 bytes and more
  limits    per-ip
  auth      keyed (a key in x-api-key) or staff (a token of https://id.test), who may orders
  params    id in the path: a whole number of at least 1
            page in the query: a whole number; page=0 where it is absent
            tag in the query: a or b, each time; may be absent
            no other in the query
  body      a form; at most 262144 bytes
            count: a whole number
            no other field
  other routes
";
    assert!(found.text.contains(told), "{}", found.text);
    let route = &found.json["route"];
    assert_eq!(route["auth"]["need"], "any");
    assert_eq!(route["auth"]["policies"][1]["name"], "staff");
    assert_eq!(route["params"][0]["expects"], "a whole number of at least 1");
    assert_eq!(route["body"]["fields"][0]["name"], "count");
    assert_eq!(found.json.get("reply"), None);
}

#[test]
fn a_bare_route_has_nothing_to_tell() {
    let found = asked("https://h/bare", &[], None);
    let told = "  route     bare  (/bare)\n  target    upstream app\n  other routes\n";
    assert!(found.text.contains(told), "{}", found.text);
    assert_eq!(found.json["route"].as_object().unwrap().len(), 4);
}

#[test]
fn the_body_is_judged_as_a_gateway_judges_it() {
    let because = "the body is not as the route declares it (once it is known who calls)";
    for (headers, body, status) in [
        (&[][..], None, 400),
        (&[FORM], Some("count=x"), 400),
        (&["content-type: text/csv"], Some("count=1"), 415),
        (&[FORM], Some("count=1"), 0),
    ] {
        let found = asked("POST https://h/orders/7", headers, body);
        assert_eq!(found.json["reply"]["status"].as_u64().unwrap_or_default(), status, "{body:?}");
        assert!(status == 0 || found.json["reply"]["because"] == because, "{}", found.text);
    }
    let long = "count=1".repeat(50_000);
    let found = asked("POST https://h/orders/7", &[FORM], Some(&long));
    assert_eq!(found.json["reply"]["status"], 413);
    let wrong = asked("POST https://h/orders/0?x=1", &[FORM], Some("count=1"));
    assert_eq!(wrong.json["reply"]["status"], 400);
    assert!(wrong.text.contains("(once it is known who calls)"), "{}", wrong.text);
}

#[test]
fn a_preflight_is_answered_by_the_route_of_its_method() {
    let page = |origin: &str| {
        let origin = format!("origin: {origin}");
        let headers = [origin.as_str(), "access-control-request-method: POST"];
        asked("OPTIONS https://h/orders/7", &headers, None)
    };
    let found = page("https://x.b.test");
    assert!(
        found.text.contains("204, to a browser: this page may send its POST"),
        "{}",
        found.text
    );
    assert_eq!(found.json["preflight"]["allowed"], true);
    assert_eq!(page("https://evil.test").json["preflight"]["allowed"], false);
}
