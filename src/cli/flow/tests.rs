use super::*;
use crate::config;

const FLOWS: &str = r#"
version = 1
[listen.plain]
bind = ["127.0.0.1:8080"]
plain = "allow"
[upstream.directory]
endpoints = ["http://127.0.0.1:1"]
[[route]]
match = "/people"
flow = "create"
[flow.create]
input = { siret = "siret" }
[[flow.create.step]]
name = "lookup"
call = "GET directory:/companies/${input.siret}"
on_error = "nok"
[[flow.create.step]]
name = "register"
call = "flow:register"
send = { name = "${lookup.body.name}" }
[[flow.create.result]]
name = "ok"
status = 201
data = "${register.body}"
[[flow.create.result]]
name = "nok"
error = "${lookup.error}"
[flow.register]
input = { name = "string" }
[[flow.register.step]]
name = "insert"
call = "POST directory:/people"
send = { name = "${input.name}" }
"#;

fn asked(name: &str, data: Option<&str>, mocks: &[&str], graph: bool) -> Report {
    let loaded = config::load_text("test.toml", FLOWS, &|_| None)
        .unwrap_or_else(|refused| panic!("{}", refused.human(config::Colour::Never)));
    let mocks: Vec<String> = mocks.iter().map(|mock| (*mock).to_owned()).collect();
    let question = Question { name, data, mocks: &mocks, graph };
    flow(&loaded.config, &question, &|_| None, Form::Text)
}

const SIRET: &str = r#"{"siret":"73282932000074"}"#;

#[test]
fn a_run_tells_each_request_each_reply_and_each_way_out() {
    let mocks = [r#"lookup={"name":"ACME"}"#, r#"register.insert={"status":201,"body":{"id":1}}"#];
    let report = asked("create", Some(SIRET), &mocks, false);
    assert_eq!((report.exit, report.err.as_str()), (Exit::Fine, ""));
    let lines: Vec<&str> = report.out.lines().filter(|line| !line.contains(" ms")).collect();
    let expected = [
        "create.lookup",
        "  > GET directory:/companies/73282932000074  (played)",
        "  > accept: application/json, */*;q=0.5",
        "  < {\"name\":\"ACME\"}",
        "  success → register",
        "register.insert",
        "  > POST directory:/people  (played)",
        "  > accept: application/json, */*;q=0.5",
        "  > content-type: application/json",
        "  > {\"name\":\"ACME\"}",
        "  < {\"id\":1}",
        "  success → the end",
        "create.register",
        "  < {\"id\":1}",
        "  success → ok",
        "create: the result `ok`",
        "  201",
        "  {\"id\":1}",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_failure_is_told_with_its_cause_and_its_way_out() {
    let report = asked("create", Some(SIRET), &["lookup=404"], false);
    assert!(report.out.contains("  < 404 fr.ammyInvalidResource"), "{}", report.out);
    assert!(report.out.contains("  error → nok\n"), "{}", report.out);
    // Nobody listens on port 1: the steps that are not played are called.
    let report = asked("create", Some(SIRET), &[], false);
    assert!(report.out.contains("  < 502 fr.ammyBadGateway"), "{}", report.out);
    assert!(report.out.contains("create: the result `nok`"), "{}", report.out);
    let report = asked("create", Some("{}"), &[], false);
    assert!(report.out.contains("fr.ammyMissingParameter"), "{}", report.out);
}

#[test]
fn what_cannot_be_asked_is_said() {
    for (name, data, mock, words) in [
        ("crate", None, "", "did you mean `create`?"),
        ("create", None, "lookup", "no STEP=REPLY"),
        ("create", None, "look=1", "has no step `look`"),
        ("create", None, "register=1", "such as register.insert="),
        ("create", None, "lookup={", "not JSON"),
        ("create", Some("{"), "", "the input is not JSON"),
    ] {
        let mocks: Vec<&str> = [mock].into_iter().filter(|mock| !mock.is_empty()).collect();
        let report = asked(name, data, &mocks, false);
        assert_eq!(report.exit, Exit::Usage, "{name} {mock}");
        assert!(report.err.contains(words), "{}", report.err);
    }
}

#[test]
fn a_flow_is_drawn() {
    let expected = "\
flowchart TD
  start([\"create\"])
  s_lookup[\"<b>lookup</b><br/>GET directory:/companies/${input.siret}\"]
  s_register[[\"<b>register</b><br/>flow:register\"]]
  r_ok([\"ok: 201\"])
  r_nok([\"nok: its own status\"])
  failed([\"the failing step's error\"])
  start --> s_lookup
  s_lookup --> s_register
  s_lookup -. error .-> r_nok
  s_register --> r_ok
  s_register -. error .-> failed
";
    assert_eq!(asked("create", None, &[], true).out, expected);
}
