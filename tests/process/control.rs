//! A process that serves, spoken to through its admin socket, by commands and by hand.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};

use serde_json::Value;

use crate::daemon::Daemon;
use crate::measure::turn;
use crate::rig::client::{self, Client, Reply};
use crate::rig::eventually;

fn says(word: &str, admin: &str) -> String {
    format!(
        "version = 1\n[server]\nworkers = 1\n\
         [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
         [admin]\nbind = \"127.0.0.1:0\"\n{admin}\n[observe]\naccess_log = false\n\
         [[route]]\nname = \"word\"\nmatch = \"GET /word\"\n\
         respond = {{ status = 200, json = \"{word}\" }}\n"
    )
}

const SOCKET: &str = "socket = \"admin.sock\"";

/// Runs a command beside the process.
pub fn guichet(daemon: &Daemon, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_guichet"))
        .arg("-c")
        .arg(daemon.file())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Asks by hand; status and body.
pub fn ask(daemon: &Daemon, line: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(daemon.folder().join("admin.sock")).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head["HTTP/1.1 ".len()..][..3].parse().unwrap(), body.to_owned())
}

#[test]
fn a_reload_is_waited_for_and_its_verdict_is_an_exit_code() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one", SOCKET), &[]);
    let plain = daemon.address("plain");
    let mode = daemon.folder().join("admin.sock").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    daemon.write(&says("two", SOCKET));
    let (code, out, err) = guichet(&daemon, &["reload"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("applied: generation 2, "), "{out}");
    assert_eq!(client::get(plain, "/word").text(), "\"two\"");

    daemon.write(&says("three", SOCKET).replace("workers", "wokers"));
    let (code, out, err) = guichet(&daemon, &["reload"]);
    assert_eq!((code, out.as_str()), (7, ""), "{err}");
    assert!(err.contains("did you mean `workers`?"), "{err}");
    assert!(err.contains("\nguichet: refused: generation 2, "), "{err}");
    assert_eq!(client::get(plain, "/word").text(), "\"two\"");

    // A file that is refused does not keep anybody from asking.
    let (code, out, _) = guichet(&daemon, &["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("ready") && out.contains("1 applied, 1 refused"), "{out}");
    assert!(out.contains("did you mean `workers`?"), "{out}");

    let (code, out, _) = guichet(&daemon, &["reload", "--json"]);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &verdict["result"]), (7, &"refused".into()));
    assert_eq!(verdict["diagnostics"][0]["id"], "G0101");
    assert_eq!(verdict["diagnostics"][0]["line"], 3);

    // Fit, but not possible: an address that is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = std::net::TcpListener::bind(taken).unwrap();
    daemon.write(&says("four", SOCKET).replace("127.0.0.1:0\"]", &format!("{taken}\"]")));
    let (code, _, err) = guichet(&daemon, &["reload"]);
    assert_eq!(code, 7);
    assert!(err.contains("cannot bind [listen.plain]") && err.contains("help: "), "{err}");
    drop(holder);
}

#[test]
fn drain_ends_the_process_and_nobody_answers_after_it() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one", SOCKET), &[]);
    let mut client = Client::plain(daemon.address("plain"));
    assert_eq!(client.get("/word").status(), 200);

    let (code, out, _) = guichet(&daemon, &["drain"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("draining: "), "{out}");
    client.is_closed();
    daemon.hears("guichet: draining: ");

    let socket = daemon.folder().join("admin.sock");
    eventually("the socket's end", || (!socket.exists()).then_some(()));
    let (code, _, err) = guichet(&daemon, &["status"]);
    assert_eq!(code, 5);
    assert!(err.contains("nobody answers on ") && err.contains("admin.sock"), "{err}");
    assert_eq!(daemon.exit(), 0);
}

#[test]
fn the_socket_tells_how_the_process_stands() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one", SOCKET), &[]);
    let json = |path: &str| -> Value {
        let (status, body) = ask(&daemon, &format!("GET {path}"));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    let status = json("/v1/status");
    assert_eq!((&status["stage"], &status["generation"]), (&"ready".into(), &1.into()));
    assert_eq!(status["pid"], daemon.id());
    assert_eq!(status["listeners"][0]["address"], daemon.address("plain").to_string());
    assert_eq!(json("/v1/config")["server"]["workers"], 1);
    let route = json("/v1/routes")[0].clone();
    assert_eq!((&route["name"], &route["match"]), (&"word".into(), &"GET /word".into()));
    assert_eq!(json("/v1/certs"), serde_json::json!([]));

    daemon.write(&says("two", SOCKET).replace("status = 200", "status = 99"));
    let (status, body) = ask(&daemon, "POST /v1/config/check");
    let checked: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &checked["accepted"]), (200, &false.into()), "{body}");
    assert_eq!(json("/v1/status")["reloads"]["refused"], 0, "nothing was touched");

    for (line, code) in
        [("GET /v1/reload", 405), ("DELETE /v1/drain", 405), ("GET /v1/nothing", 404)]
    {
        let (status, body) = ask(&daemon, line);
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, code, "{line}");
        assert!(error["code"].as_str().unwrap().starts_with("fr.ammy"), "{body}");
    }
}

/// Sends a body; status and answer.
fn send(daemon: &Daemon, line: &str, body: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(daemon.folder().join("admin.sock")).unwrap();
    let length = body.len();
    write!(stream, "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head["HTTP/1.1 ".len()..][..3].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_configuration_that_is_sent_is_checked_and_nothing_more() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "t0ken").unwrap();
    let admin = "socket = \"admin.sock\"\ntoken = { file = \"token\" }";
    let daemon = Daemon::start_in(folder, &says("one", admin), &[]);
    let check = "POST /v1/config/check";
    let (status, checked) = send(&daemon, check, &says("two", SOCKET));
    assert_eq!((status, &checked["accepted"]), (200, &true.into()), "{checked}");
    let (status, checked) = send(&daemon, check, &says("two", SOCKET).replace("workers", "wokers"));
    assert_eq!((status, &checked["accepted"]), (200, &false.into()));
    let first = &checked["diagnostics"][0];
    assert_eq!((&first["id"], &first["file"]), (&"G0101".into(), &"what was sent".into()));
    // As if it stood beside the file.
    std::fs::write(daemon.folder().join("more.toml"), "[observe]\nacces_log = false\n").unwrap();
    let with = format!("include = [\"more.toml\"]\n{}", says("two", SOCKET));
    let (_, checked) = send(&daemon, check, &with);
    assert!(checked["text"].as_str().unwrap().contains("more.toml"), "{checked}");
    assert_eq!(client::get(daemon.address("plain"), "/word").text(), "\"one\"");

    let (status, error) = send(&daemon, check, &"#".repeat((1 << 20) + 1));
    assert_eq!((status, &error["code"]), (413, &"fr.ammyPayloadTooLarge".into()));
    let over_tcp = format!(
        "{check} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t0ken\r\n\
         Content-Length: 11\r\n\r\nversion = 1"
    );
    client::ask(daemon.address("admin"), &over_tcp).is_problem(403, "Forbidden");
}

#[test]
fn a_refused_reload_is_an_error_with_its_verdict() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one", SOCKET), &[]);
    daemon.write(&says("two", SOCKET).replace("workers", "wokers"));
    let (status, body) = ask(&daemon, "POST /v1/reload");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["code"]), (422, &"fr.ammyUnprocessableContent".into()), "{body}");
    assert_eq!((&error["status"], &error["result"]), (&422.into(), &"refused".into()));
    assert_eq!(
        (&error["diagnostics"][0]["id"], &error["generation"]),
        (&"G0101".into(), &1.into())
    );
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    daemon.write(&says("two", SOCKET).replace("127.0.0.1:0\"]", &format!("{taken}\"]")));
    let (status, body) = ask(&daemon, "POST /v1/reload");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["code"]), (409, &"fr.ammyConflict".into()), "{body}");
    assert!(error["remarks"][0].as_str().unwrap().contains("cannot bind"), "{body}");
}

#[test]
fn over_tcp_a_token_is_wanted_for_more_than_reading() {
    let _turn = turn();
    let closed = Daemon::start(&says("one", ""), &[]);
    let tcp = |daemon: &Daemon, line: &str, more: &str| -> Reply {
        let asked = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n");
        client::ask(daemon.address("admin"), &asked)
    };
    assert_eq!(tcp(&closed, "GET /v1/status", "").status(), 200);
    tcp(&closed, "POST /v1/reload", "").is_problem(405, "MethodNotAllowed");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "t0ken\n").unwrap();
    let token = "token = { file = \"token\" }";
    let open = Daemon::start_in(folder, &says("one", token), &[]);
    for wrong in ["", "Authorization: Bearer t0ke\r\n", "Authorization: Basic t0ken\r\n"] {
        for line in ["GET /v1/status", "POST /v1/reload"] {
            let reply = tcp(&open, line, wrong);
            reply.is_problem(401, "Unauthorized");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(tcp(&open, "GET /livez", "").status(), 200);
    assert_eq!(tcp(&open, "POST /v1/reload", "Authorization: bearer t0ken\r\n").status(), 200);

    // The token is a secret like others: another one counts once it is there.
    std::fs::write(open.folder().join("token"), "an0ther").unwrap();
    eventually("the new token", || {
        let reply = tcp(&open, "GET /v1/status", "Authorization: Bearer an0ther\r\n");
        (reply.status() == 200).then_some(())
    });
    tcp(&open, "GET /v1/status", "Authorization: Bearer t0ken\r\n").is_problem(401, "Unauthorized");
}

#[test]
fn a_second_process_does_not_take_the_socket() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one", SOCKET), &[]);
    let (code, _, err) = guichet(&daemon, &["run"]);
    assert_eq!(code, 8);
    assert!(err.contains("cannot bind [admin] socket") && err.contains("another guichet"), "{err}");
    assert_eq!(guichet(&daemon, &["status"]).0, 0);
}
