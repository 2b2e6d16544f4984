//! What the documentation shows is true: every TOML block is taken, every `guichet` line of a shell
//! block runs, and the demonstration's `curl` lines get what the demonstration promises.
//!
//! - A block marked `toml` is a whole file. `toml,fragment` is completed by the smallest frame that
//!   it needs: a listener, upstreams, a route.
//! - In `sh` blocks, lines that begin with `guichet` run in a folder with a starter file and have to
//!   end with 0, or with 5 where they speak to a process that runs. `guichet run` and `guichet demo` never end by themselves: for `run` its file is
//!   checked instead, and `demo` is what the last test here is about. `cargo` lines are the two of
//!   the README and what CI runs. A `curl` line must be one that the demonstration prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "a test binary; it borrows the rig of the integration tests"
)]

#[path = "it/rig/mod.rs"]
mod rig;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use guichet::config::{self, Colour};

use rig::client::{Client, Ending, Expects, Reply};

const GUICHET: &str = env!("CARGO_BIN_EXE_guichet");

#[test]
fn every_toml_block_is_taken() {
    let blocks: Vec<Block> = blocks("toml").chain(blocks("toml,fragment")).collect();
    assert!(blocks.len() > 5, "the documentation is where this test looks for it");
    let folder = tempfile::tempdir().unwrap();
    let schemas = folder.path().join("schemas");
    fs::create_dir(&schemas).unwrap();
    fs::copy(root().join("docs/guide/schemas/user.json"), schemas.join("user.json")).unwrap();
    fs::copy(root().join("tests/corpora/openapi/petstore-3.1.yaml"), schemas.join("petstore.yaml"))
        .unwrap();
    let refused: Vec<String> = blocks
        .iter()
        .filter_map(|block| {
            let text = if block.kind == "toml" { block.text.clone() } else { framed(&block.text) };
            let environment = |_: &str| None;
            // Beside the files that it names.
            let file = folder.path().join(format!("{}.toml", block.place.replace('/', "-")));
            fs::write(&file, text).unwrap();
            let refused = config::load(&file, &environment).err()?;
            Some(format!("{}\n{}", block.place, refused.human(Colour::Never)))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn every_guichet_line_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("guichet.toml"), framed("")).unwrap();
    let flows = blocks("toml").find(|block| block.place.contains("guide/flows.md")).unwrap();
    fs::write(folder.path().join("flows.toml"), flows.text).unwrap();
    let mut ran = 0;
    for block in blocks("sh") {
        for line in block.text.lines().filter_map(|line| line.strip_prefix("guichet ")) {
            let mut words = words(line);
            let mut expected = 0;
            match words[0].as_str() {
                "demo" => continue,
                // These speak to a process that runs, and none does.
                "status" | "reload" | "drain" | "maintenance" | "upstream" => expected = 5,
                "run" => {
                    words.retain(|word| word != "--watch");
                    "check".clone_into(&mut words[0]);
                }
                _ => {}
            }
            let output = Command::new(GUICHET).args(&words).current_dir(&folder).output().unwrap();
            assert_eq!(
                output.status.code(),
                Some(expected),
                "{}: guichet {line}\n{}",
                block.place,
                String::from_utf8_lossy(&output.stderr)
            );
            ran += 1;
        }
    }
    assert!(ran > 10, "{ran}");
}

/// `docs/security.md` and `docs/limits.md` name the test behind each promise; a name that is gone
/// would be a promise without a proof.
#[test]
fn every_named_proof_is_a_test() {
    let page = ["docs/security.md", "docs/limits.md"]
        .map(|page| fs::read_to_string(root().join(page)).unwrap())
        .concat();
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        gather(&root().join(folder), &mut sources);
    }
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let named = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let proofs: Vec<&str> = named
        .filter(|word| word.contains('_') && !word.contains(['.', '/', ' ']))
        .map(|word| word.rsplit("::").next().unwrap())
        .filter(|name| !NO_TESTS.contains(name))
        .collect();
    assert!(proofs.len() > 60, "the page is where this test looks for it: {}", proofs.len());
    let gone: Vec<&&str> =
        proofs.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

/// Words of the configuration that stand on those pages too.
const NO_TESTS: &[&str] = &[
    "api_key",
    "verifier_busy",
    "at_least",
    "body_idle",
    "down_after",
    "guichet_limit_keys_forgotten_total",
    "on_down",
    "store_down",
    "up_after",
];

fn gather(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_readme_has_its_two_commands_and_no_dead_link() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["cargo run --release -- demo", "cargo test"] {
        assert!(blocks("sh").any(|block| block.text.trim() == command), "{command}");
    }
    assert!(readme.contains("docs/codes.md"));
    for (file, text) in pages() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let target = link.split('#').next().unwrap();
            assert!(file.parent().unwrap().join(target).exists(), "{}: {link}", file.display());
        }
    }
}

#[test]
fn the_demonstration_keeps_its_promises() {
    let demo = Demo::start();
    let shown: Vec<&Scene> = demo.scenes.iter().collect();
    assert!(shown.len() >= 15, "{}", shown.len());

    rig::each(
        &shown,
        |scene| format!("{}\n  {}", scene.title, scene.curl),
        |scene| {
            let reply = demo.ask(&scene.curl);
            let promised: Vec<&str> = scene.client.split(' ').collect();
            if scene.client.contains("cut") {
                assert_eq!((reply.status(), reply.ending), (200, Ending::Cut));
                return;
            }
            let status: u16 = promised[0].trim_end_matches(',').parse().unwrap();
            assert_eq!(reply.status(), status, "{}", reply.text());
            let code = promised[1].starts_with("fr.ammy").then(|| promised[1]);
            assert_eq!(reply.header("error-code"), code, "{}", reply.text());
            assert!(reply.header("x-request-id").is_some());
            for secret in
                ["java", "internal", "lb-2", "db-prod", "SKU", "stacktrace", "node_modules"]
            {
                assert!(!reply.text().contains(secret), "{secret}: {}", reply.text());
            }
        },
    );
    for block in blocks("sh") {
        for line in block.text.lines().filter(|line| line.starts_with("curl ")) {
            let known = demo.scenes.iter().any(|scene| demo.usual(&scene.curl) == line);
            assert!(known, "{}: the demonstration does not print {line}", block.place);
        }
    }
}

/// One fenced block of a page.
struct Block {
    kind: String,
    text: String,
    /// File and line, for whoever has to mend it.
    place: String,
}

fn blocks(kind: &'static str) -> impl Iterator<Item = Block> {
    pages().into_iter().flat_map(move |(file, text)| {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let mut found = Vec::new();
        let mut open: Option<Block> = None;
        for (line, content) in (1..).zip(text.lines()) {
            match (&mut open, content.strip_prefix("```")) {
                (None, Some(kind)) => {
                    let (kind, place) = (kind.to_owned(), format!("{name}:{line}"));
                    open = Some(Block { kind, text: String::new(), place });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (Some(block), None) => {
                    block.text.push_str(content);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        found.into_iter().filter(move |block| block.kind == kind)
    })
}

fn pages() -> Vec<(PathBuf, String)> {
    let folders = ["docs", "docs/guide"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let mut files: Vec<PathBuf> =
        folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "md"));
    files.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read_to_string(&file).unwrap())).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Completes a fragment to a whole file.
fn framed(fragment: &str) -> String {
    let mut text = format!("version = 1\n{fragment}\n");
    let frame = [
        (
            "[listen.",
            "[listen.frame]\nbind = [\"127.0.0.1:8443\"]\ntls = { self_signed = [\"localhost\"] }\n",
        ),
        ("[upstream.", "[upstream.app]\nendpoints = [\"http://127.0.0.1:9000\"]\n"),
        ("[[route]]", ""),
    ];
    for (sign, table) in frame {
        if !fragment.contains(sign) {
            text.push_str(table);
        }
    }
    if !fragment.contains("[[route]]") {
        // Every upstream that stands there is used by one route.
        let names: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("[upstream.")?.strip_suffix(']'))
            .map(str::to_owned)
            .collect();
        for name in names {
            text.push_str(&format!(
                "[[route]]\nname = \"{name}\"\nmatch = \"/v1/{name}/{{*rest}}\"\nupstream = \"{name}\"\n"
            ));
        }
    }
    text
}

/// Words of a shell line: blanks part them, single quotes hold them together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `guichet demo` on ports that were free a moment ago, and what it printed.
struct Demo {
    child: Child,
    ports: [u16; 3],
    scenes: Vec<Scene>,
}

struct Scene {
    title: String,
    client: String,
    curl: String,
}

impl Demo {
    fn start() -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = [0, 1, 2].map(|at: usize| held[at].local_addr().unwrap().port());
        drop(held);
        let mut child = Command::new(GUICHET)
            .arg("demo")
            .args(["--tls-port", &ports[0].to_string()])
            .args(["--plain-port", &ports[1].to_string()])
            .args(["--admin-port", &ports[2].to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut scenes = Vec::new();
        let mut title = String::new();
        let mut client = String::new();
        for line in lines.by_ref() {
            let line = line.trim().to_owned();
            if let Some(said) = line.strip_prefix("client ") {
                said.trim().clone_into(&mut client);
            } else if line.starts_with("curl ") {
                scenes.push(Scene { title: title.clone(), client: client.clone(), curl: line });
            } else if line.starts_with("Ctrl-C") {
                break;
            } else if line.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok()) {
                title = line;
            }
        }
        // The access log goes on; somebody has to read it.
        std::thread::spawn(move || lines.for_each(drop));
        let tls = SocketAddr::from(([127, 0, 0, 1], ports[0]));
        rig::eventually("the demonstration", || std::net::TcpStream::connect(tls).ok());
        Self { child, ports, scenes }
    }

    /// The line with the ports that the demonstration has by itself.
    fn usual(&self, line: &str) -> String {
        [8443, 8080, 9180].iter().zip(self.ports).fold(line.to_owned(), |line, (usual, port)| {
            line.replace(&format!(":{port}"), &format!(":{usual}"))
        })
    }

    /// Does what `curl` would do with this line, as far as the demonstration's lines go.
    fn ask(&self, line: &str) -> Reply {
        let (mut method, mut data, mut fields, mut url) = ("GET".to_owned(), None, vec![], None);
        let mut words = words(line).into_iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-ski" | "-si" => {}
                "-X" => method = words.next().unwrap(),
                "-H" => fields.push(words.next().unwrap()),
                "-d" => data = words.next(),
                _ => url = Some(word),
            }
        }
        let url = url.expect("a URL");
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let port: u16 = authority.rsplit(':').next().unwrap().parse().unwrap();
        if let Some(data) = &data {
            if method == "GET" {
                "POST".clone_into(&mut method);
            }
            fields.push(format!("Content-Length: {}", data.len()));
            if !fields.iter().any(|field| field.starts_with("Content-Type")) {
                fields.push("Content-Type: application/x-www-form-urlencoded".to_owned());
            }
        }
        if !fields.iter().any(|field| field.starts_with("Accept:")) {
            fields.push("Accept: */*".to_owned());
        }
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut client =
            if scheme == "https" { Client::tls(address) } else { Client::plain(address) };
        client.send(format!(
            "{method} /{path} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n\r\n{}",
            fields.join("\r\n"),
            data.unwrap_or_default()
        ));
        client.try_reply(Expects::Body).expect("an answer")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
