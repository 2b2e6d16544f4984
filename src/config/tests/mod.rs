//! The rooms together: what a text becomes, and what is said of it.

mod laws;

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
         match = \"/x/{{id}}\"\nupstream = \"b\"\n{}\n",
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
    )
}

/// The model, without the texts of the catalogue and the inside of the route table.
fn shown(config: &model::Config) -> String {
    let model::Config {
        server,
        listeners,
        admin,
        observe,
        errors,
        upstreams,
        maintenance,
        overload,
        stores,
        limits,
        routes,
        auth,
        ..
    } = config;
    format!(
        "{server:#?}\n{listeners:#?}\n{admin:#?}\n{observe:#?}\n{:?} {} {:?} {:?}\n{upstreams:#?}\n\
         {maintenance:#?}\n{overload:#?}\n{stores:#?}\n{auth:#?}\n{limits:#?}\n{routes:#?}\n",
        errors.format, errors.inspect, errors.retry_after, errors.keep_headers
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
        ("overload.queue", "overload", ""),
        ("upstream.NAME.endpoints", "", "-"),
        ("upstream.NAME.errors", "", "-"),
        ("upstream.NAME.retry", "upstream", "retry"),
        ("upstream.NAME.eject", "upstream", "eject"),
        ("upstream.NAME.health", "upstream", "health"),
        ("upstream.NAME.breaker", "upstream", "breaker"),
        ("upstream.NAME", "upstream", ""),
        ("route.errors", "route", ""),
        ("route.respond", "", "-"),
        ("route.params.NAME", "route", ""),
        ("route.body.fields.NAME", "", "-"),
        ("route.body", "route", ""),
        ("route.cors", "route", ""),
        ("route.compress", "route", "compress"),
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
fn every_value_reaches_the_model() {
    let text = r#"
        version = 1
        [server]
        workers = 3
        languages = ["en", "fr"]
        trusted_proxies = ["10.0.0.0/8", "::1"]
        limits = { header = "8KiB", headers = 7, uri = "1KiB", body = "1MiB", header_time = "1s", body_idle = "2s", idle = "3s", connections = 9, handshakes = 8, memory = "1GiB" }
        shutdown = { delay = "4s", drain = "5s" }
        [listen.tls]
        bind = ["127.0.0.1:0", "[::1]:0"]
        protocols = ["http/1.1"]
        proxy_protocol = true
        tls = [{ self_signed = ["a.fr"], profile = "modern", min = "1.3", hsts = "365d", client_auth = "optional", client_ca = "Cargo.toml" }, { cert = "Cargo.toml", key = { env = "KEY" } }]
        [listen.plain]
        bind = ["127.0.0.1:0"]
        protocols = ["h2", "http/1.1"]
        plain = "redirect"
        [admin]
        bind = "127.0.0.1:0"
        socket = "run/admin.sock"
        token = { env = "KEY" }
        [observe]
        access_log = { to = "log/access.json", sample = 0.5, always = ["slow:2s", "slow:1500ms"] }
        [errors]
        prefix = "fr.exemple"
        format = "problem+json"
        docs = "https://exemple.fr/"
        inspect = "1KiB"
        retry_after = "9s"
        keep_headers = ["X-Trace"]
        [errors.catalogue]
        OutOfStock = { status = 409, fr = "Épuisé.", en = "Out of stock." }
        [upstream.a]
        endpoints = ["https://[::1]:9", { url = "unix:/run/a.sock", weight = 3 }, "http://a.internal"]
        balance = "hash:header:X-User"
        slow_start = "3s"
        deadline = "X-Request-Timeout"
        timeout = { connect = "1s", first_byte = "2s", idle = "3s", total = "4s" }
        pool = { idle = 1, idle_time = "1s" }
        tls = { ca = "Cargo.toml", server_name = "a.internal", cert = "Cargo.toml", key = { file = "Cargo.toml" } }
        host = "endpoint"
        breaker = { failures = "75%", over = "1m", at_least = 7, open = "3s" }
        health = { path = "/up?full", every = "2s", timeout = "500ms", down_after = 4, up_after = 1 }
        eject = { failures = 3, over = "1s", for = "2s" }
        errors = [{ when = { status = [402, "5xx"], json = { "/a" = 1, "/b" = { c = true } } }, raise = "OutOfStock", take = { parameter = "/p", message = "/m", retry_after = "/r" } }]
        [upstream.b]
        endpoints = ["https://b.internal"]
        protocol = "h2"
        in_flight = "adaptive"
        host = "b.exemple.fr"
        retry = { attempts = 3, on = ["connect", "reset", "timeout", "502", "5xx"], budget = "5%" }
        [overload]
        in_flight = 900
        queue = { depth = 9, wait = "90ms" }
        reserve = { routes = ["one", "route-*"], share = "9%" }
        [[maintenance]]
        routes = ["one"]
        from = 2026-12-01T02:00:00+01:00
        until = 2026-12-01T04:00:00Z
        allow = ["127.0.0.1"]
        text = { en = "Back at {until}.", fr = "Retour à {until}." }
        [auth.partners]
        type = "api_key"
        realm = "Partners of ours"
        pass = true
        query = "key"
        keys = { env = "KEYS" }
        [limit.per-key]
        key = "api_key"
        rate = "5/s"
        [store.fleet]
        url = { env = "KEY" }
        timeout = "9ms"
        on_down = "refuse"
        [store.here]
        url = "unix:///run/valkey.sock"
        [limit.per-tenant]
        key = "header:X-Tenant"
        rate = "30/m"
        burst = 90
        status = 503
        keys = 1000
        store = "fleet"
        [limit.all]
        key = "gateway"
        rate = "9/s"
        store = "here"
        [[route]]
        name = "one"
        match = "GET,POST /a/{id}/{*rest}"
        hosts = ["A.fr", "*.b.fr"]
        upstream = "a"
        rewrite = "/x/{rest}/{id}"
        timeout = "7s"
        normalise = "observe"
        errors = [{ raise = "fr.exempleGone" }]
        in_flight = 3
        limits = ["per-key", "all", "per-tenant"]
        auth = { any = ["partners"], scopes = ["users:read"] }
        strict = true
        compress = { min_size = "2KiB", types = ["Text/*", "*+json"] }
        cors = { origins = ["https://app.fr", "https://*.app.fr:8443", "null"], methods = ["GET"], headers = ["X-A"], expose = ["ETag"], credentials = true, max_age = "5m" }
        [route.params]
        id = { in = "path", type = "integer", min = 1, max = 9, identifier = true }
        q = { in = "query", pattern = "^a", min_length = 2, max_length = 3, one_of = ["ab"], repeated = true, default = "ab" }
        n = { in = "query", type = "number", min = 0.5, optional = true }
        x-a = { in = "header", default = "b" }
        c = { in = "cookie", type = "boolean", default = true }
        [route.graphql]
        [[route]]
        match = "/b"
        upstream = "b"
        normalise = false
        [[route]]
        match = "/c"
        respond = { status = 201, json = { ok = true, n = [1, 2.5] } }
        [[route]]
        match = "/d"
        respond = { code = "Gone" }
    "#;
    let keys = format!("[[key]]\nname = \"acme\"\nsha256 = \"{}\"\n", "0".repeat(64));
    let environment = |name: &str| match name {
        "KEY" => Some("secret".to_owned()),
        "KEYS" => Some(keys.clone()),
        _ => None,
    };
    let loaded = load_text("t.toml", text, &environment).unwrap_or_else(|refused| {
        panic!("{}", refused.human(Colour::Never));
    });
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let shown = shown(&loaded.config);
    let golden = Path::new("tests/golden/config/model.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(golden, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(golden).unwrap_or_default());
    assert_eq!(loaded.config.routes[0].name, "one");
    assert_eq!(loaded.config.routes[1].name, "route-2");
    assert!(!shown.contains("secret"));
}

#[test]
fn later_features_are_refused_by_name() {
    for (path, line) in [
        ("", "flow = {}"),
        ("", "object = {}"),
        ("", "fault = []"),
        ("observe", "traces = {}"),
        ("route", "graphql = { timeout = \"1s\" }"),
    ] {
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
