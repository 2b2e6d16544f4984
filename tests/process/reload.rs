//! The configuration of a process that serves, changed as people change it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::measure::turn;
use crate::rig::client;
use crate::rig::eventually;
use crate::rig::origin::{Origin, Step, ok};
use crate::rig::tls::{Authority, Validity};

const APPLIED: &str = "guichet_config_reloads_total{result=\"applied\"}";
const REFUSED: &str = "guichet_config_reloads_total{result=\"refused\"}";

/// `/word` is answered with this word.
fn says(word: &str) -> String {
    format!(
        "version = 1\ninclude = [\"conf.d/*.toml\"]\n[server]\nworkers = 1\n\
         [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
         [admin]\nbind = \"127.0.0.1:0\"\n[observe]\naccess_log = false\n\
         [[route]]\nname = \"word\"\nmatch = \"/word\"\n\
         respond = {{ status = 200, json = \"{word}\" }}\n"
    )
}

fn word(daemon: &Daemon) -> String {
    client::get(daemon.address("plain"), "/word").text()
}

#[track_caller]
fn comes_to_say(daemon: &Daemon, expected: &str) {
    eventually(expected, || (word(daemon) == format!("\"{expected}\"")).then_some(()));
}

#[test]
fn hup_reads_the_file_again_and_a_refused_one_changes_nothing() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one"), &[]);
    let info = |daemon: &Daemon| {
        let page = daemon.admin("/metrics").text();
        page.lines().find(|line| line.starts_with("guichet_config_info{")).unwrap().to_owned()
    };
    let first = info(&daemon);

    daemon.write(&says("two"));
    assert_eq!(word(&daemon), "\"one\"", "nobody has asked");
    daemon.signal("HUP");
    daemon.hears("guichet: reload applied: generation 2, ");
    assert_eq!(word(&daemon), "\"two\"");
    let second = info(&daemon);
    assert_ne!(first, second, "the hash of another configuration");

    daemon.write(&says("three").replace("respond =", "respnd ="));
    daemon.signal("HUP");
    daemon.hears("guichet: reload refused: generation 2, ");
    assert!(daemon.words().contains("did you mean `respond`?"), "{}", daemon.words());
    assert_eq!((word(&daemon), info(&daemon)), ("\"two\"".to_owned(), second));
    assert_eq!((daemon.metric(APPLIED), daemon.metric(REFUSED)), (Some(1.0), Some(1.0)));

    daemon.signal("TERM");
    assert_eq!(daemon.exit(), 0);
}

#[test]
fn watched_files_are_taken_over_when_they_change() {
    let _turn = turn();
    let daemon = Daemon::start(&says("one"), &["--watch"]);
    daemon.write(&says("two"));
    comes_to_say(&daemon, "two");
    fs::write(daemon.file(), says("three")).unwrap();
    comes_to_say(&daemon, "three");

    // A folder that was not there, with a file that nobody has named by name.
    fs::create_dir(daemon.folder().join("conf.d")).unwrap();
    let more =
        "[[route]]\nname = \"more\"\nmatch = \"/more\"\nrespond = { status = 200, json = 1 }\n";
    fs::write(daemon.folder().join("conf.d/more.toml"), more).unwrap();
    eventually("the new file", || {
        (client::get(daemon.address("plain"), "/more").status() == 200).then_some(())
    });
    fs::remove_file(daemon.folder().join("conf.d/more.toml")).unwrap();
    eventually("its end", || {
        (client::get(daemon.address("plain"), "/more").status() == 404).then_some(())
    });

    let applied = daemon.metric(APPLIED);
    daemon.write(&format!("# nothing new\n{}", says("three")));
    daemon.write(&says("wrong").replace("status = 200", "status = 2000"));
    daemon.hears("reload refused");
    assert_eq!((word(&daemon).as_str(), daemon.metric(APPLIED)), ("\"three\"", applied));
    daemon.write(&says("four"));
    comes_to_say(&daemon, "four");
}

/// By looks alone a change takes a second at least, because two of them have to find the same. So one
/// that takes less was told of by the system; on a busy machine it may take a few changes to see one.
#[test]
fn what_the_system_tells_of_does_not_wait_for_the_next_look() {
    let _turn = turn();
    let daemon = Daemon::start(&says("word"), &["--watch"]);
    comes_to_say(&daemon, "word");
    let took: Vec<Duration> = (0..10)
        .map(|number| {
            let (word, began) = (format!("word {number}"), Instant::now());
            daemon.write(&says(&word));
            comes_to_say(&daemon, &word);
            began.elapsed()
        })
        .collect();
    assert!(took.iter().any(|took| *took < Duration::from_millis(900)), "{took:?}");
}

/// What is read with the configuration is watched with it: a schema, the file that it refers to, and a
/// document, after somebody has spoilt one of them, too.
#[test]
fn schemas_and_documents_are_watched_as_the_file_that_names_them() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let write = |folder: &Path, name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let document = |name: &str| format!("openapi: 3.1.0\npaths: {{/{name}: {{get: {{}}}}}}\n");
    write(folder.path(), "api.yaml", &document("first"));
    write(folder.path(), "body.json", r#"{ "properties": { "a": { "$ref": "part.json" } } }"#);
    write(folder.path(), "part.json", r#"{ "type": "integer" }"#);
    let text = format!(
        "{}[upstream.nobody]\nendpoints = [\"unix:/nonexistent/guichet-test.sock\"]\n\
         [[openapi]]\nfile = \"api.yaml\"\nupstream = \"nobody\"\n[[route]]\n\
         match = \"POST /body\"\nrespond = {{ status = 204 }}\n\
         [route.body]\nschema = \"body.json\"\n",
        says("one")
    );
    let daemon = Daemon::start_in(folder, &text, &["--watch"]);
    let plain = daemon.address("plain");
    let becomes = |what: &str, status: u16, ask: &dyn Fn() -> u16| {
        eventually(what, || (ask() == status).then_some(()));
    };
    let post = || {
        let request = "POST /body HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n\
                       Content-Length: 7\r\n\r\n{\"a\":1}";
        client::ask(plain, request).status()
    };
    let get = |path: &str| client::get(plain, path).status();
    assert_eq!((post(), get("/first"), get("/second")), (204, 502, 404));

    write(daemon.folder(), "part.json", r#"{ "type": "string" }"#);
    becomes("the part of a schema", 400, &post);
    write(daemon.folder(), "body.json", "{");
    daemon.hears("reload refused");
    write(daemon.folder(), "body.json", "{}");
    becomes("the schema", 204, &post);

    write(daemon.folder(), "api.yaml", &document("second"));
    becomes("the document", 502, &|| get("/second"));
    write(daemon.folder(), "api.yaml", "openapi: 2");
    daemon.hears("reads OpenAPI 3.0 and 3.1");
    write(daemon.folder(), "api.yaml", &document("third"));
    becomes("the document after a slip", 502, &|| get("/third"));
}

#[test]
fn a_link_far_up_that_points_elsewhere_is_a_change() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for (version, word) in [("..one", "one"), ("..two", "two")] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("guichet.toml"), says(word)).unwrap();
    }
    symlink("..one", at("..data")).unwrap();
    symlink("..data/guichet.toml", at("guichet.toml")).unwrap();
    let daemon = Daemon::start_in(folder, "", &["--watch"]);
    comes_to_say(&daemon, "one");

    let at = |path: &str| daemon.folder().join(path);
    symlink("..two", at("..next")).unwrap();
    fs::rename(at("..next"), at("..data")).unwrap();

    comes_to_say(&daemon, "two");
}

#[test]
fn secrets_are_read_again_when_they_change_and_nothing_else_is() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let origin = Origin::tls(
        &authority.sign(&["localhost"], Validity::Now),
        [Step::Read, ok("ok"), Step::Again],
    );
    let (right, wrong) = (authority.file(&folder), other.file(&folder));
    let ca = folder.path().join("ca.pem");
    fs::copy(&wrong, &ca).unwrap();
    let text = |word: &str| {
        format!(
            "{}[upstream.origin]\nendpoints = [\"{}\"]\ntls = {{ ca = \"ca.pem\" }}\n\
             [[route]]\nname = \"all\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\n",
            says(word),
            origin.url()
        )
    };
    let daemon = Daemon::start_in(folder, &text("one"), &[]);
    let plain = daemon.address("plain");
    client::get(plain, "/a").is_problem(502, "BadGateway");

    // Somebody works on the file.
    daemon.write(&text("two"));
    fs::copy(&right, &ca).unwrap();
    eventually("the right authority", || (client::get(plain, "/a").status() == 200).then_some(()));
    assert_eq!(word(&daemon), "\"one\"");

    fs::write(&ca, "garbage").unwrap();
    daemon.hears("reload refused");
    assert_eq!(client::get(plain, "/a").status(), 200);
}

/// A store's password is in its address, and so is the port by which the two are told apart here.
#[test]
fn the_address_of_a_store_is_read_again_when_it_changes() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let url = |store: &TcpListener| format!("redis://:secret@{}", store.local_addr().unwrap());
    let file = folder.path().join("store.url");
    fs::write(&file, url(&before)).unwrap();
    let text = says("one").replace("[[route]]", "[[route]]\nlimits = [\"all\"]");
    let text = format!(
        "{text}[store.fleet]\nurl = {{ file = \"store.url\" }}\n\
         [limit.all]\nkey = \"gateway\"\nrate = \"9/s\"\nstore = \"fleet\"\n"
    );
    let daemon = Daemon::start_in(folder, &text, &[]);
    before.accept().unwrap();

    fs::write(&file, url(&after)).unwrap();

    after.set_nonblocking(true).unwrap();
    eventually("somebody asks the new one", || after.accept().ok());
    assert_eq!(word(&daemon), "\"one\"");
    assert!(!daemon.words().contains("secret@"), "{}", daemon.words());
}
