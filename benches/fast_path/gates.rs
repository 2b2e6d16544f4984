//! What a head must pass before anything is done for it.

use std::hint::black_box;

use guichet::gate::{self, Fields};
use guichet::route::Lookup;

use crate::Part;
use crate::scene::{BROWSER, FIXED, SMALL, Scene, load, quiet, request};

pub(crate) const PARTS: &[Part] = &[
    Part::new("gates/fields/small", || gathered(SMALL)),
    Part::new("gates/fields/browser", || gathered(BROWSER)),
    Part::new("gates/all/small", || passed(SMALL)),
    Part::new("gates/all/browser", || passed(BROWSER)),
    Part::new("gates/params/six", || declared(SIX, "since=2026-01-31&page=7&state=open")),
    Part::new("gates/body/schema_1k", || judged(10)),
    Part::new("gates/body/schema_64k", || judged(640)),
    Part::new("gates/params/thousand", || declared(&thousand(), "p7=1&p500=2&p999=3")),
    Part::new("gates/params/none_among_thousand_routes", || found_and_judged("/bare", "")),
    Part::new("gates/params/thousand_among_thousand_routes", || {
        found_and_judged("/declared", "p7=1&p500=2&p999=3")
    }),
];

/// One walk over the fields.
fn gathered(head: &'static str) -> Box<dyn FnMut()> {
    let head = request(&load(&quiet(FIXED)), head);
    Box::new(move || drop(black_box(Fields::gather(black_box(&head.headers)))))
}

/// A path, three parameters of a query, a field and a cookie.
const SIX: &str = "id = { type = \"integer\", min = 1 }\n\
    since = { in = \"query\", type = \"date\" }\n\
    page = { in = \"query\", type = \"integer\", default = 0 }\n\
    state = { in = \"query\", one_of = [\"open\", \"paid\"], repeated = true }\n\
    accept = { in = \"header\", pattern = \"^[ -~]+$\" }\n\
    theme = { in = \"cookie\", optional = true }";

/// As many as a route nearly may have; what is looked for are names, not places.
fn thousand() -> String {
    let one = |at| format!("p{at} = {{ in = \"query\", type = \"integer\", optional = true }}\n");
    (0..1000).map(one).collect()
}

/// A request that is as its route declares it.
fn declared(params: &str, query: &'static str) -> Box<dyn FnMut()> {
    let config = load(&quiet(&format!("{FIXED}[route.params]\n{params}\n")));
    let head = request(&config, SMALL);
    let Lookup::Found(found) = config.table.lookup("h", "/v1/users/42", &head.method) else {
        panic!("the route of the scene");
    };
    Box::new(move || {
        let params = config.routes[0].params.as_ref().unwrap();
        let (path, query) = (black_box("/v1/users/42"), Some(black_box(query)));
        let judged = gate::parameters(params, &found.captures, path, query, &head.headers);
        black_box(judged.unwrap());
    })
}

/// A route is found among a thousand, and what it declares is judged: a thousand parameters, or nothing.
fn found_and_judged(path: &'static str, query: &'static str) -> Box<dyn FnMut()> {
    let others: String = (0..998)
        .map(|at| {
            format!(
                "[[route]]\nmatch = \"GET /things/{at}/{{id}}\"\nrespond = {{ status = 204 }}\n\
                 [route.params]\nid = {{ type = \"integer\" }}\n"
            )
        })
        .collect();
    let config = load(&quiet(&format!(
        "[[route]]\nmatch = \"/bare\"\nrespond = {{ status = 204 }}\n{others}\
         [[route]]\nmatch = \"/declared\"\nrespond = {{ status = 204 }}\n[route.params]\n{}",
        thousand()
    )));
    let head = request(&config, SMALL);
    Box::new(move || {
        let Lookup::Found(found) = config.table.lookup("h", black_box(path), &head.method) else {
            panic!("a route of the scene");
        };
        if let Some(params) = &config.route(found.route).params {
            let query = Some(black_box(query));
            let judged = gate::parameters(params, &found.captures, path, query, &head.headers);
            black_box(judged.unwrap());
        }
    })
}

/// A list of so many objects of about a hundred bytes, each judged by a schema of its own.
fn judged(count: usize) -> Box<dyn FnMut()> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.json");
    std::fs::write(&file, ORDERS).unwrap();
    let body = format!("[route.body]\nschema = \"{}\"\n", file.display());
    let config = load(&quiet(&format!("{FIXED}{body}")));
    let order = r#"{"id":"0193e2b4-7b00-7000-8000-000000000001","count":3,"price":12.5,"state":"open","tags":["a"]}"#;
    let body = format!("[{}]", vec![order; count].join(","));
    Box::new(move || {
        let rule = config.routes[0].body.as_ref().unwrap();
        gate::judge_body(rule, &gate::Media::Json, black_box(body.as_bytes())).unwrap();
    })
}

const ORDERS: &str = r#"{ "type": "array", "items": { "type": "object",
    "required": ["id", "count"], "additionalProperties": false, "properties": {
    "id": { "type": "string", "format": "uuid" }, "count": { "type": "integer", "minimum": 0 },
    "price": { "type": "number" }, "state": { "enum": ["open", "paid"] },
    "tags": { "type": "array", "items": { "type": "string", "pattern": "^[a-z]+$" } } } } }"#;

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
