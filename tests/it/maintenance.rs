//! Maintenance as a client meets it: 503 in its own language, with the end that was planned.

use crate::rig::client;
use crate::rig::gateway::{Gateway, Setup};

/// The admin listener's answer to who shows the token.
fn told(gateway: &Gateway, method: &str, path: &str) -> client::Reply {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t0ken\r\n\r\n"
    );
    client::ask(gateway.admin(), &request)
}

#[test]
fn a_route_is_switched_off_and_on_while_it_runs_and_a_reload_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "t0ken").unwrap();
    let setup = || {
        Setup::new()
            .admin(&format!("token = {{ file = \"{}\" }}", token.display()))
            .route("name = \"app.a\"\nmatch = \"/a\"\nrespond = { status = 204 }")
            .route("name = \"health\"\nmatch = \"/h\"\nrespond = { status = 204 }")
    };
    let gateway = setup().start();
    let status = |path: &str| client::get(gateway.plain(), path).status();
    assert_eq!(told(&gateway, "PUT", "/v1/maintenance/nothing").status(), 404);
    assert_eq!(told(&gateway, "PUT", "/v1/maintenance/app.*?until=soon").status(), 400);
    assert_eq!((status("/a"), status("/h")), (204, 204));

    let on = told(&gateway, "PUT", "/v1/maintenance/app.*?until=2099-12-01T04:00:00Z");
    assert_eq!(on.status(), 200);
    assert_eq!(on.json()[0]["until"], "2099-12-01T04:00:00Z");
    assert_eq!((status("/a"), status("/h")), (503, 204));
    gateway.reload(&setup());
    assert_eq!(status("/a"), 503);
    assert_eq!(told(&gateway, "GET", "/v1/maintenance").json()[0]["routes"], "app.*");

    assert_eq!(told(&gateway, "DELETE", "/v1/maintenance/app.*").status(), 200);
    assert_eq!(told(&gateway, "DELETE", "/v1/maintenance/app.*").status(), 404);
    assert_eq!(status("/a"), 204);
}

#[test]
fn a_window_tells_what_and_until_when_and_serves_whom_it_lets_in() {
    let window = "[[maintenance]]\nroutes = [\"app.*\"]\nuntil = 2099-12-01T04:00:00+01:00\n\
                  allow = [\"192.0.2.7\"]\n\
                  text = { fr = \"Retour à {until}.\", en = \"Back at {until}.\" }";
    let gateway = Setup::new()
        .server("trusted_proxies = [\"127.0.0.1\"]")
        .with(window)
        .route("name = \"app.all\"\nmatch = \"/a\"\nrespond = { status = 204 }")
        .route("name = \"health\"\nmatch = \"/health\"\nrespond = { status = 204 }")
        .start();
    let get = |path: &str, fields: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
        client::ask(gateway.plain(), &request)
    };

    for (language, text) in [("fr", "Retour à"), ("en-GB", "Back at")] {
        let refused = get("/a", &format!("Accept-Language: {language}\r\n"));
        refused.is_problem(503, "ServiceUnavailable");
        let told = refused.json()["message"].as_str().unwrap().to_owned();
        assert_eq!(told, format!("{text} 2099-12-01 04:00 (UTC+01:00)."));
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(wait > 86_400 * 365 * 70, "{wait}");
        assert_eq!(gateway.log_line(&refused.request_id())["cause"], "maintenance");
    }
    assert_eq!(get("/a", "X-Forwarded-For: 192.0.2.7\r\n").status(), 204);
    assert_eq!(get("/health", "").status(), 204);
    let page = client::ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("guichet_maintenance_active{scope=\"app.*\"} 1\n"), "{page}");
}
