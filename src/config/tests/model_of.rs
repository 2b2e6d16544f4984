//! Every key, set to what is no default, and the model that comes of it.

use super::*;

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
        limits = { depth = 9, tokens = 8, aliases = 7, root_fields = 6, introspection = false, batch = true }
        timeout = "8s"
        root_errors = "fatal"
        mutation_errors = ["userErrors", "errors"]
        warnings = []
        inspect = "2KiB"
        codes = { SOLD_OUT = "OutOfStock" }
        outcome_header = true
        [[route]]
        match = "/b"
        upstream = "b"
        normalise = false
        grpc = { message = "1MiB" }
        [[route]]
        match = "/c"
        respond = { status = 201, json = { ok = true, n = [1, 2.5] } }
        [[route]]
        match = "/e"
        upstream = "b"
        [route.grpc]
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
