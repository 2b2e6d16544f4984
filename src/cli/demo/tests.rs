//! The script and the configuration of the demonstration agree with each other. That the answers
//! are what the script promises is tested from outside, in `tests/docs.rs`, with its own lines.

use super::script::{Client, Door, SCENES, printed};
use super::*;
use crate::problem::BuiltIn;

const PORTS: Ports = Ports { tls_port: 8443, plain_port: 8080, admin_port: 9180 };

#[test]
fn the_configuration_is_taken_without_a_warning() {
    let text = configuration(PORTS).unwrap();
    let environment = |_: &str| None;

    let loaded = config::load_text("demo.toml", &text, &environment)
        .unwrap_or_else(|refused| panic!("{}", refused.human(config::Colour::Never)));

    assert_eq!(loaded.warnings.len(), 0);
    assert_eq!(loaded.config.routes.len(), BACKENDS.len());
}

#[test]
fn every_backend_has_its_scene() {
    for backend in BACKENDS {
        let path = backend.route.rsplit(' ').next().unwrap();
        let shown =
            SCENES.iter().any(|scene| scene.ask.door == Door::Tls && scene.ask.path == path);
        assert!(shown, "{}", backend.name);
    }
}

#[test]
fn promised_codes_exist_with_their_status() {
    for scene in SCENES {
        if let Client::Problem(status, name) = scene.client
            && name != "OutOfStock"
        {
            assert_eq!(BuiltIn::by_name(name).unwrap().row().status, status, "{}", scene.title);
        }
    }
}

#[test]
fn lines_can_be_pasted_and_read() {
    let text = printed(PORTS);

    for line in text.lines().map(str::trim).filter(|line| line.starts_with("curl ")) {
        assert_eq!(line.matches('\'').count() % 2, 0, "{line}");
        assert!(line.contains("://localhost:"), "{line}");
    }
    // A line to paste may wrap; what is read may not.
    let read = text.lines().filter(|line| !line.trim().starts_with("curl "));
    let longest = read.map(|line| line.chars().count()).max();
    assert!(longest <= Some(100), "{longest:?}");
    assert_eq!(text.matches("curl -s").count(), SCENES.len());
}
