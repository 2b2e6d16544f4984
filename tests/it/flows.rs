//! Endpoints made of calls, on real sockets.

mod steps;

use serde_json::{Value, json};

use crate::rig::client::{self, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, answer, nobody};

/// The model case: look a company up, have a sub-flow create a person, answer what it created.
const MODEL: &str = r#"
[object.person]
id = "uuid"
name = "string"
siret = { type = "siret", optional = true }

[flow.create_person]
timeout = "8s"
input = { siret = { type = "siret" } }
returns = "object:person"
[[flow.create_person.step]]
name = "lookup"
call = "GET directory:/companies/${input.siret}"
on_error = "service_nok"
[[flow.create_person.step]]
name = "register"
call = "flow:register"
send = { name = "${lookup.body.name}", siret = "${input.siret}" }
on_error = "smartflow_nok"
[[flow.create_person.result]]
name = "ok"
status = 201
data = "${register.body}"
[[flow.create_person.result]]
name = "service_nok"
status = "${lookup.status}"
error = "${lookup.error}"
[[flow.create_person.result]]
name = "smartflow_nok"
status = "${register.status}"
error = "${register.error}"

[flow.register]
input = { name = "string", siret = "siret" }
returns = "object:person"
[[flow.register.step]]
name = "insert"
call = "POST people:/people"
send = { name = "${input.name}", siret = "${input.siret}" }
"#;

const SIRET: &str = "73282932000074";
const PERSON: &str = r#"{"id":"01939c5e-7b00-7000-8000-000000000001","name":"ACME","siret":"73282932000074","rowid":7}"#;

fn always(step: Step) -> Origin {
    Origin::scripted([Step::Read, step, Step::Again])
}

fn upstream(name: &str, url: &str) -> String {
    format!("[upstream.{name}]\nendpoints = [\"{url}\"]\n")
}

fn model(directory: &str, people: &str) -> Gateway {
    Setup::new()
        .with(&upstream("directory", directory))
        .with(&upstream("people", people))
        .with(MODEL)
        .route("name = \"people.create\"\nmatch = \"POST /people\"\nflow = \"create_person\"")
        .start()
}

fn create(gateway: &Gateway, fields: &str) -> Reply {
    let body = json!({ "siret": SIRET }).to_string();
    let length = body.len();
    client::ask(
        gateway.plain(),
        &format!(
            "POST /people HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
             {fields}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

#[test]
fn the_model_case_answers_what_was_created() {
    let directory = always(answer(200, "application/json", r#"{"name":"ACME"}"#));
    let people = always(answer(200, "application/json", PERSON));
    let gateway = model(&directory.url(), &people.url());
    let reply = create(&gateway, "");
    assert_eq!(reply.status(), 201, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    // What the object does not declare stays inside.
    let expected =
        json!({ "id": "01939c5e-7b00-7000-8000-000000000001", "name": "ACME", "siret": SIRET });
    assert_eq!(reply.json(), expected);
    let asked = directory.last();
    assert_eq!(asked.head.line, format!("GET /companies/{SIRET} HTTP/1.1"));
    assert_eq!(asked.header("x-request-id"), Some(&*reply.request_id()));
    assert!(asked.header("traceparent").is_some() && asked.header("via").is_some());
    let sent: Value = serde_json::from_slice(&people.last().body).unwrap();
    assert_eq!(sent, json!({ "name": "ACME", "siret": SIRET }));
    assert_eq!(people.last().header("content-type"), Some("application/json"));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["route"], &line["attempts"]), (&json!("people.create"), &json!(2)), "{line}");
    let step = gateway.log_line_where(|line| line["step"] == "insert");
    assert_eq!((&step["kind"], &step["flow"]), (&json!("step"), &json!("register")), "{step}");
    assert_eq!((&step["upstream"], &step["status"]), (&json!("people"), &json!(200)), "{step}");
    assert_eq!(step["request_id"], reply.request_id());
    let runs = |flow: &str, result: &str| {
        let series = format!("guichet_flow_runs_total{{flow=\"{flow}\",result=\"{result}\"}}");
        gateway.metric(&series)
    };
    assert_eq!(runs("create_person", "ok"), Some(1.0));
    assert_eq!(runs("register", "last-reply"), Some(1.0));
    let step = "guichet_flow_step_seconds_count{flow=\"create_person\",step=\"lookup\"}";
    assert_eq!(gateway.metric(step), Some(1.0));
}

/// Each failure, in both languages, as JSON and as problem+json.
fn fails(gateway: &Gateway, status: u16, code: &str, step: &str) {
    let said = ["fr", "en"].map(|language| {
        let accept = format!("Accept-Language: {language}\r\n");
        let reply = create(gateway, &accept);
        let body = reply.is_problem(status, code);
        assert_eq!(body["step"], step, "{body}");
        assert_eq!(reply.header("content-language"), Some(language));
        let formal = create(gateway, &format!("{accept}Accept: application/problem+json\r\n"));
        assert_eq!(formal.header("content-type"), Some("application/problem+json"));
        let formal = formal.json();
        assert_eq!(
            (&formal["status"], &formal["step"]),
            (&json!(status), &json!(step)),
            "{formal}"
        );
        assert_eq!(formal["detail"], body["message"]);
        let shown = reply.text();
        assert!(!shown.contains("127.0.0.1") && !shown.contains("secret"), "{shown}");
        body["message"].as_str().unwrap().to_owned()
    });
    assert_ne!(said[0], said[1]);
}

#[test]
fn a_service_that_fails_gives_its_code_and_its_error() {
    let people = always(answer(200, "application/json", PERSON));
    for (status, body, code) in [
        (404, "<h1>secret</h1>", "InvalidResource"),
        (400, "secret", "BadRequest"),
        (503, "secret", "ServiceUnavailable"),
        (500, r#"{"error":"secret"}"#, "ServerError"),
    ] {
        let directory = always(answer(status, "text/html", body));
        fails(&model(&directory.url(), &people.url()), status, code, "lookup");
    }
    // A service that cannot be reached has a status and a code, too.
    fails(&model(&nobody(), &people.url()), 502, "BadGateway", "lookup");
    assert!(people.requests().is_empty());
}

#[test]
fn a_sub_flow_that_fails_gives_its_code_and_its_error() {
    let directory = always(answer(200, "application/json", r#"{"name":"ACME"}"#));
    let people = always(answer(409, "text/plain", "secret"));
    let gateway = model(&directory.url(), &people.url());
    fails(&gateway, 409, "Conflict", "register");
    let reply = create(&gateway, "");
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(
        (&line["code"], &line["cause"]),
        (&json!("fr.ammyConflict"), &json!("upstream_status"))
    );
    // A reply that is not what the sub-flow returns does not get out of it.
    let people = always(answer(200, "application/json", r#"{"id":"secret","name":"ACME"}"#));
    let gateway = model(&directory.url(), &people.url());
    fails(&gateway, 500, "ServerError", "register");
    let line = gateway.log_line(&create(&gateway, "").request_id());
    assert_eq!(line["cause"], "flow_result", "{line}");
    let detail = line["detail"].as_str().unwrap();
    assert!(detail.contains("register returns /id is not uuid"), "{detail}");
}

#[test]
fn what_is_given_is_judged_before_anything_is_called() {
    let origin = always(answer(200, "application/json", "{}"));
    let gateway = model(&origin.url(), &origin.url());
    let ask = |body: &str| {
        let length = body.len();
        client::ask(
            gateway.plain(),
            &format!(
                "POST /people HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: en\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            ),
        )
    };
    let missing = ask("{}").is_problem(400, "MissingParameter");
    assert_eq!(missing["parameters"][0]["name"], "siret", "{missing}");
    assert_eq!(missing["parameters"][0]["in"], "body");
    let wrong = ask(r#"{"siret":"1"}"#).is_problem(400, "InvalidParameter");
    let message = wrong["message"].as_str().unwrap();
    assert!(message.contains("siret") && message.contains("14 digits"), "{message}");
    ask("{").is_problem(400, "BadRequest");
    ask(r#"{"siret":"1","siret":"2"}"#).is_problem(400, "BadRequest");
    assert!(origin.requests().is_empty());
}
