//! Looking a route up: what the number of routes makes of it.

use std::fmt::Write as _;
use std::hint::black_box;

use http::Method;

use crate::Part;
use crate::scene::{load, quiet};

pub(crate) const PARTS: &[Part] = &[
    Part::new("routing/1_route", || lookup(1, "/things/0/42/parts/7")),
    Part::new("routing/1000_routes", || lookup(1000, "/things/777/42/parts/7")),
    Part::new("routing/1000_routes/none", || lookup(1000, "/things/777/42/other/7")),
];

fn lookup(routes: usize, path: &'static str) -> Box<dyn FnMut()> {
    let mut text = String::new();
    for number in 0..routes {
        let pattern = format!("GET /things/{number}/{{id}}/parts/{{part}}");
        writeln!(text, "[[route]]\nmatch = \"{pattern}\"\nrespond = {{ text = \"ok\" }}").unwrap();
    }
    let config = load(&quiet(&text));
    Box::new(move || {
        let found = config.table.lookup("api.example.com", black_box(path), &Method::GET);
        black_box(found);
    })
}
