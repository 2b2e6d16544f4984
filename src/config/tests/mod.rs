//! The rooms together: what a text becomes, and what is said of it.

mod laws;
mod model_of;

use std::collections::BTreeMap;

use super::keys::{Default, ROOT, walk};
use super::*;

fn no_environment(_: &str) -> Option<String> {
    None
}

fn loaded(text: &str) -> Loaded {
    load_text("t.toml", text, &no_environment)
        .unwrap_or_else(|refused| panic!("{text}\n{}", refused.human(Colour::Never)))
}

/// The codes of the errors.
fn ids(text: &str) -> Vec<&'static str> {
    let Err(refused) = load_text("t.toml", text, &no_environment) else { return Vec::new() };
    let errors = refused.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.id.code()).collect()
}

/// A file that is right, with a place for more in each table.
fn with(path: &str, line: &str) -> String {
    let mut extra: BTreeMap<&str, String> = BTreeMap::new();
    extra.insert(path, line.to_owned());
    let at = |path: &str| extra.get(path).cloned().unwrap_or_default();
    format!(
        "version = 1\n{}\n[server]\n{}\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n{}\n[errors]\n{}\n\
         [observe]\n{}\n[upstream.b]\nendpoints = [\"http://127.0.0.1:9\"]\n{}\n\
         [limit.c]\nkey = \"ip\"\nrate = \"9/s\"\n{}\n\
         [store.d]\nurl = \"redis://127.0.0.1:1\"\n{}\n[overload.queue]\n{}\n[[route]]\n\
         match = \"/x/{{id}}\"\nupstream = \"b\"\n{}\n[[route]]\nmatch = \"/f\"\nflow = \"e\"\n\
         [flow.e]\nstep = [{{ call = \"GET b:/\" }}]\n{}\n",
        at(""),
        at("server"),
        at("listen"),
        at("errors"),
        at("observe"),
        at("upstream"),
        at("limit"),
        at("store"),
        at("overload"),
        at("route"),
        at("flow"),
    )
}

/// Each default, written out at its own place: nothing may change.
#[test]
fn written_defaults_are_the_defaults() {
    let places: &[(&str, &str, &str)] = &[
        ("include", "", ""),
        ("server", "server", ""),
        ("listen.NAME.tls", "listen", "self_signed = [\"x\"], "),
        ("listen.NAME", "listen", ""),
        ("observe", "observe", ""),
        ("errors", "errors", ""),
        ("limit.NAME", "limit", ""),
        ("auth.NAME.clients", "", "-"),
        ("auth.NAME", "", "-"),
        ("route.auth", "", "-"),
        ("store.NAME", "store", ""),
        ("overload.reserve", "", "-"),
        ("maintenance", "", "-"),
        ("openapi", "", "-"),
        ("overload.queue", "overload", ""),
        ("upstream.NAME.endpoints", "", "-"),
        ("upstream.NAME.errors", "", "-"),
        ("upstream.NAME.retry", "upstream", "retry"),
        ("upstream.NAME.eject", "upstream", "eject"),
        ("upstream.NAME.health", "upstream", "health"),
        ("upstream.NAME.breaker", "upstream", "breaker"),
        ("upstream.NAME", "upstream", ""),
        ("flow.NAME.input", "", "-"),
        ("flow.NAME.returns", "", "-"),
        ("flow.NAME", "flow", ""),
        ("object", "", "-"),
        ("route.errors", "route", ""),
        ("route.respond", "", "-"),
        ("route.params.NAME", "route", ""),
        ("route.body.fields.NAME", "", "-"),
        ("route.body", "route", ""),
        ("route.cors", "route", ""),
        ("route.compress", "route", "compress"),
        ("route.graphql", "route", "graphql"),
        // Its upstream needs a protocol of its own, too; `every_value_reaches_the_model` has its default.
        ("route.grpc", "", "-"),
        ("route", "route", ""),
    ];
    let mut tried = 0;
    walk(&ROOT, "", &mut |path, key| {
        let Default::Value(default) = key.default else { return };
        let (prefix, place, with_it) = places
            .iter()
            .find(|(prefix, _, _)| path.starts_with(prefix))
            .unwrap_or_else(|| panic!("{path}: say where this default can be tried"));
        if *with_it == "-" {
            return;
        }
        let inner = path.strip_prefix(prefix).unwrap_or_default().trim_start_matches('.');
        let (plain, written) = if *prefix == "listen.NAME.tls" {
            (
                with(place, &format!("tls = {{ {} }}", with_it.trim_end_matches(", "))),
                with(place, &format!("tls = {{ {with_it}{inner} = {default} }}")),
            )
        } else if !with_it.is_empty() {
            // A table that switches something on by standing there.
            (
                with(place, &format!("{with_it} = {{}}")),
                with(place, &format!("{with_it}.{inner} = {default}")),
            )
        } else if *prefix == "route.params.NAME" {
            (with(place, ""), with(place, &format!("params.id.{inner} = {default}")))
        } else if *prefix == "route.cors" {
            let form = "cors.origins = [\"*\"]";
            (with(place, form), with(place, &format!("{form}\ncors.{inner} = {default}")))
        } else if *prefix == "route.body" {
            let form = "body.fields.a = {}";
            (with(place, form), with(place, &format!("{form}\nbody.{inner} = {default}")))
        } else {
            let key = if inner.is_empty() { path.rsplit('.').next().unwrap() } else { inner };
            (with(place, ""), with(place, &format!("{key} = {default}")))
        };
        assert_eq!(
            format!("{:#?}", loaded(&plain).config),
            format!("{:#?}", loaded(&written).config),
            "{path} = {default}"
        );
        tried += 1;
    });
    assert!(tried > 30, "{tried}");
}

#[test]
fn defaults_in_lists_are_the_defaults_too() {
    let endpoint = |text: &str| {
        format!(
            "{:?}",
            loaded(&with("upstream", "").replace("\"http://127.0.0.1:9\"", text)).config
        )
    };
    let plain = endpoint("{ url = \"http://127.0.0.1:9\" }");
    assert_eq!(plain, endpoint("{ url = \"http://127.0.0.1:9\", weight = 1 }"));
    assert_eq!(plain, endpoint("\"http://127.0.0.1:9\""));
    let respond = |text: &str| {
        let text = with("", "").replace("upstream = \"b\"", text);
        format!("{:?}", loaded(&text).config)
    };
    assert_eq!(
        respond("respond = { text = \"x\" }"),
        respond("respond = { status = 200, text = \"x\" }")
    );
}

#[test]
fn later_features_are_refused_by_name() {
    for (path, line) in [("", "fault = []"), ("observe", "traces = {}")] {
        let found = ids(&with(path, line));
        assert!(matches!(found.as_slice(), ["G0501" | "G0502"]), "{line}: {found:?}");
    }
}

#[test]
fn warnings_do_not_refuse() {
    let unused = with("", "upstream.x.endpoints = [\"http://127.0.0.1:9\"]");
    for (text, id) in [
        (unused, "G0901"),
        (with("", "include = [\"no-such-folder/*.toml\"]"), "G0902"),
        (with("upstream", "tls.ca = \"Cargo.toml\""), "G0903"),
        (with("upstream", "timeout = { connect = \"2m\" }"), "G0906"),
        (with("upstream", "health = { timeout = \"6s\" }"), "G0906"),
        (with("upstream", "retry.attempts = 1"), "G0903"),
        (with("upstream", "eject = {}"), "G0903"),
        (with("", "admin.bind = \"0.0.0.0:0\""), "G0904"),
        (with("", "admin = { socket = \"/run/x\", token = { env = \"K\" } }"), "G0903"),
        (with("listen", "plain = \"redirect\""), "G0905"),
        (with("listen", "tls = { cert = \"no-such-file\", key = { env = \"K\" } }"), "G0401"),
        (with("listen", "tls = { cert = \"Cargo.toml\", key = { env = \"K\" } }"), "G0402"),
    ] {
        let loaded = loaded(&text);
        let found: Vec<_> = loaded.warnings.iter().map(|warning| warning.id.code()).collect();
        assert!(found.contains(&id), "{id}: {found:?}\n{text}");
    }
}

#[test]
fn a_file_that_is_no_configuration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let found = |path: &Path| load(path, &no_environment).unwrap_err().diagnostics[0].id;
    assert_eq!(found(&folder.path().join("none.toml")), Id::Unreadable);
    assert_eq!(found(folder.path()), Id::Unreadable);
    let big = folder.path().join("big.toml");
    std::fs::write(&big, " ".repeat((4 << 20) + 1)).unwrap();
    assert_eq!(found(&big), Id::TooLarge);
}

#[test]
fn paths_start_from_the_folder_of_their_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("conf.d")).unwrap();
    let main = folder.path().join("g.toml");
    std::fs::write(&main, with("", "include = [\"conf.d/*.toml\"]")).unwrap();
    let part = "[listen.tls]\nbind = [\"127.0.0.1:0\"]\n\
                tls = { cert = \"a.pem\", key = { file = \"a.key\" } }\n";
    std::fs::write(folder.path().join("conf.d/tls.toml"), part).unwrap();
    let loaded = load(&main, &no_environment).unwrap();
    let model::Security::Tls(tls) = &loaded.config.listeners[1].security else { panic!() };
    let model::CertificateSource::Files { cert, key } = &tls.certificates[0] else { panic!() };
    assert_eq!(*cert, folder.path().join("conf.d/a.pem"));
    assert!(*key == Secret::File(folder.path().join("conf.d/a.key")));
}

#[test]
fn a_slip_is_told_once() {
    for (path, line, id) in [
        ("listen", "plain = \"alow\"", "G0202"),
        ("server", "languages = \"fr\"", "G0102"),
        ("upstream", "protocol = \"h3\"", "G0202"),
        ("upstream", "tls = \"ca.pem\"", "G0102"),
        ("route", "rewrite = 5", "G0102"),
        ("route", "params = 5", "G0102"),
        ("errors", "prefix = \"a b\"", "G0201"),
        ("errors", "docs = \"x\"", "G0201"),
        ("errors", "catalogue.x = {}", "G0201"),
        ("listen", "tls = \"a.pem\"", "G0102"),
    ] {
        assert_eq!(ids(&with(path, line)), [id], "{line}");
    }
    for (from, to, id) in [
        ("upstream = \"b\"", "upstream = 5", "G0102"),
        ("upstream = \"b\"", "respond = 5", "G0102"),
        ("upstream = \"b\"", "upstrem = \"b\"", "G0101"),
        ("match = \"/x/{id}\"", "match = 5", "G0102"),
        ("match = \"/x/{id}\"", "path = \"/x\"", "G0101"),
        ("[\"127.0.0.1:0\"]", "[\"127.0.0.1\"]", "G0201"),
        ("[\"http://127.0.0.1:9\"]", "[\"127.0.0.1\"]", "G0201"),
        ("version = 1", "version = 2", "G0107"),
    ] {
        let text = with("", "");
        assert!(text.contains(from));
        assert_eq!(ids(&text.replace(from, to)), [id], "{to}");
    }
}
