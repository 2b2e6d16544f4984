//! What a head must pass before anything is done for it.

use std::hint::black_box;

use guichet::gate::{self, Fields};

use crate::Part;
use crate::scene::{BROWSER, FIXED, SMALL, Scene, load, quiet, request};

pub(crate) const PARTS: &[Part] = &[
    Part::new("gates/fields/small", || gathered(SMALL)),
    Part::new("gates/fields/browser", || gathered(BROWSER)),
    Part::new("gates/all/small", || passed(SMALL)),
    Part::new("gates/all/browser", || passed(BROWSER)),
];

/// One walk over the fields.
fn gathered(head: &'static str) -> Box<dyn FnMut()> {
    let head = request(&load(&quiet(FIXED)), head);
    Box::new(move || drop(black_box(Fields::gather(black_box(&head.headers)))))
}

/// Every gate, the route's look-up among them.
fn passed(head: &'static str) -> Box<dyn FnMut()> {
    let scene = Scene::new(&quiet(FIXED));
    let config = load(&quiet(FIXED));
    let head = request(&config, head);
    let fields = Fields::gather(&head.headers);
    let connection = scene.connection();
    Box::new(move || {
        let head = black_box(&head);
        let limits = &config.server.limits;
        gate::entry(&config, &connection.peer, &head.headers).unwrap();
        gate::check_head(&head.method, &head.uri, head.version, &fields, limits).unwrap();
        let asked = gate::ask(&head.uri, &fields).unwrap();
        black_box(gate::find(&config, &asked, &head.method).unwrap());
        gate::check_length(Some(0), limits).unwrap();
    })
}
