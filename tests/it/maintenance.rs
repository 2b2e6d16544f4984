//! Maintenance as a client meets it: 503 in its own language, with the end that was planned.

use crate::rig::client;
use crate::rig::gateway::Setup;

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
