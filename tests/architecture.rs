//! The floors of the house (docs/architecture.md), held by a test: a module imports only from
//! floors below its own, a file is one idea of at most 400 lines, and no file has a name that
//! could mean anything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test binary")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::Visit;

/// Every top-level module and its floor. A new module is put here on purpose.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("problem", 1),
    ("route", 1),
    ("outcome", 2),
    ("parameter", 2),
    ("expression", 2),
    ("config", 3),
    ("observe", 4),
    ("upstream", 5),
    ("gate", 5),
    ("flow", 6),
    ("proxy", 7),
    ("server", 8),
    ("admin", 9),
    ("reload", 9),
    ("cli", 9),
    ("main", 9),
];

/// On this floor alone neighbours may know each other, because one command line starts them all;
/// circles are refused here like everywhere.
const CONTROL: u8 = 9;

const LONGEST_FILE: usize = 400;

const NAMELESS: &[&str] =
    &["util", "utils", "helper", "helpers", "manager", "common", "misc", "handler", "context"];

#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources() {
        let Some(own) = file.module.first().cloned() else { continue };
        let Some(floor) = floor_of(&own) else {
            wrong.push(format!("{}: module `{own}` stands on no floor", file.shown()));
            continue;
        };
        for (target, line) in file.references() {
            let place = format!("{}:{line}", file.shown());
            let Some(below) = floor_of(&target) else {
                wrong.push(format!("{place}: `crate::{target}` stands on no floor"));
                continue;
            };
            if target == own {
                continue;
            }
            edges.entry(own.clone()).or_default().insert(target.clone());
            if below > floor {
                wrong.push(format!(
                    "{place}: `{own}` (F{floor}) reaches up to `{target}` (F{below})"
                ));
            } else if below == floor && floor != CONTROL {
                wrong.push(format!("{place}: `{own}` and `{target}` are neighbours on F{floor}"));
            }
        }
    }
    wrong.extend(circles(&edges));
    none(&wrong);
}

#[test]
fn files_are_short_and_named_after_one_idea() {
    let mut wrong = Vec::new();
    for file in sources() {
        let lines = file.text.lines().count();
        if lines > LONGEST_FILE && !file.is_test() {
            wrong.push(format!("{}: {lines} lines, {LONGEST_FILE} is the most", file.shown()));
        }
        let parts = file.path.iter().map(|part| part.to_string_lossy().replace(".rs", ""));
        for part in parts.filter(|part| NAMELESS.contains(&part.as_str())) {
            wrong.push(format!("{}: `{part}` says nothing about what is inside", file.shown()));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_is_unsafe_and_lib_only_declares() {
    let mut wrong = Vec::new();
    for file in sources() {
        let mut search = Unsafe::default();
        search.visit_file(&file.tree);
        wrong.extend(search.lines.iter().map(|line| format!("{}:{line}: unsafe", file.shown())));
        if file.path == Path::new("lib.rs") {
            let others =
                file.tree.items.iter().filter(
                    |item| !matches!(item, syn::Item::Mod(module) if module.content.is_none()),
                );
            wrong.extend(others.map(|item| {
                format!("{}:{}: lib.rs only declares", file.shown(), item.span().start().line)
            }));
        }
    }
    none(&wrong);
}

/// A jump of the wall clock moves no deadline and no quota: only these ask it, and for nothing but
/// moments that the wall clock is about (certificates, tokens, planned windows) or that are shown.
const ON_THE_WALL: &[&str] = &[
    "src/admin/maintenance.rs",
    "src/admin/mod.rs",
    "src/admin/v1.rs",
    "src/base/clock.rs",
    "src/base/date.rs",
    "src/base/request_id.rs",
    "src/cli/args.rs",
    "src/gate/maintenance.rs",
    "src/observe/access_log.rs",
    "src/observe/access_log/step.rs",
    "src/observe/log.rs",
    "src/observe/witness.rs",
    // An upstream's `Retry-After` may be a date.
    "src/outcome/translate.rs",
    "src/proxy/exchange.rs",
    "src/reload/verdict.rs",
    "src/server/tls/certificates.rs",
    "src/server/tls/renewal.rs",
    "src/server/tls/self_signed.rs",
];

#[test]
fn deadlines_and_quotas_do_not_know_the_wall_clock() {
    let asks = |text: &str| {
        let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let words = [
            "SystemTime",
            "UNIX_EPOCH",
            "unix_millis()",
            "unix_seconds()",
            "Zoned::now",
            "Timestamp::now",
        ];
        code.any(|line| words.iter().any(|word| line.contains(word)))
    };
    let mut found = BTreeSet::new();
    for file in sources() {
        if asks(&file.text) && !file.is_test() {
            found.insert(file.shown());
        }
    }
    let known: BTreeSet<_> = ON_THE_WALL.iter().map(|path| (*path).to_owned()).collect();
    let fresh: Vec<_> = found.difference(&known).collect();
    assert!(fresh.is_empty(), "these ask the wall clock, and have to say what for: {fresh:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "these do so no longer: {gone:?}");
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Every way from a module back to itself, named once by its first module.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    fn walk(
        way: &mut Vec<String>,
        edges: &BTreeMap<String, BTreeSet<String>>,
        found: &mut Vec<String>,
    ) {
        for next in edges.get(&way[way.len() - 1]).into_iter().flatten() {
            if *next == way[0] {
                found.push(format!("circle: {} → {next}", way.join(" → ")));
            } else if *next > way[0] && !way.contains(next) {
                way.push(next.clone());
                walk(way, edges, found);
                way.pop();
            }
        }
    }
    let mut found = Vec::new();
    edges.keys().for_each(|start| walk(&mut vec![start.clone()], edges, &mut found));
    found
}

struct Source {
    /// Below `src/`.
    path: PathBuf,
    /// `config/check/routes.rs` is `["config", "check", "routes"]`.
    module: Vec<String>,
    text: String,
    tree: syn::File,
}

impl Source {
    fn shown(&self) -> String {
        format!("src/{}", self.path.display())
    }

    fn is_test(&self) -> bool {
        self.path
            .components()
            .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
    }

    /// First segments of all paths that start at the crate's root, with their lines.
    fn references(&self) -> BTreeSet<(String, usize)> {
        let mut paths = Paths { depth: self.module.len(), found: BTreeSet::new() };
        if !self.is_test() {
            paths.visit_file(&self.tree);
        }
        paths.found
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let tree = syn::parse_file(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
                let path = path.strip_prefix(&root).unwrap().to_owned();
                let words = path.with_extension("");
                let words = words.iter().map(|word| word.to_string_lossy().into_owned());
                let module = words.filter(|word| word != "mod" && word != "lib").collect();
                found.push(Source { path, module, text, tree });
            }
        }
    }
    assert!(found.len() > 10, "the sources are where this test looks for them");
    found
}

/// Collects what `crate::…` and far enough `super::super::…` paths name, tests left out.
struct Paths {
    depth: usize,
    found: BTreeSet<(String, usize)>,
}

impl Paths {
    fn note(&mut self, word: &syn::Ident) {
        self.found.insert((word.to_string(), word.span().start().line));
    }

    fn use_tree(&mut self, tree: &syn::UseTree, at_root: bool, climbed: usize) {
        match tree {
            syn::UseTree::Path(path) if path.ident == "crate" => {
                self.use_tree(&path.tree, true, 0);
            }
            syn::UseTree::Path(path) if path.ident == "super" && !at_root => {
                self.use_tree(&path.tree, climbed + 1 == self.depth, climbed + 1);
            }
            syn::UseTree::Path(path) if at_root => self.note(&path.ident),
            syn::UseTree::Name(name) if at_root => self.note(&name.ident),
            syn::UseTree::Rename(name) if at_root => self.note(&name.ident),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.use_tree(tree, at_root, climbed));
            }
            syn::UseTree::Path(_)
            | syn::UseTree::Name(_)
            | syn::UseTree::Rename(_)
            | syn::UseTree::Glob(_) => {}
        }
    }

    fn words<'a>(&mut self, words: impl Iterator<Item = &'a syn::Ident>) {
        let words: Vec<_> = words.collect();
        let climbed = words.iter().take_while(|word| **word == "super").count();
        let root = if words.first().is_some_and(|word| **word == "crate") {
            Some(1)
        } else {
            (climbed > 0 && climbed == self.depth).then_some(climbed)
        };
        if let Some(word) = root.and_then(|at| words.get(at)) {
            self.note(word);
        }
    }

    /// Macro arguments are no syntax tree; `crate :: word` is found among their tokens.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut last: Vec<String> = Vec::new();
        for token in tokens {
            if let proc_macro2::TokenTree::Group(group) = &token {
                self.tokens(group.stream());
            }
            if let proc_macro2::TokenTree::Ident(word) = &token
                && last.ends_with(&["crate".into(), ":".into(), ":".into()])
            {
                self.note(word);
            }
            last.push(token.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
        });
        if !is_test {
            self.depth += 1;
            syn::visit::visit_item_mod(self, module);
            self.depth -= 1;
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, false, 0);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.words(path.segments.iter().map(|segment| &segment.ident));
        syn::visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

#[derive(Default)]
struct Unsafe {
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Unsafe {
    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.lines.push(block.span().start().line);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.lines.extend(signature.unsafety.map(|word| word.span().start().line));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.lines.extend(item.unsafety.map(|word| word.span().start().line));
        syn::visit::visit_item_impl(self, item);
    }
}
