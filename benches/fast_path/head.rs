//! Reading a head, and what is made of it for the upstream.

use std::hint::black_box;

use bytes::Bytes;
use guichet::base::{RequestId, TraceContext};
use guichet::server::stage::Guard;

use crate::Part;
use crate::scene::{BROWSER, FIXED, SMALL, Scene, load, quiet, request};

pub(crate) const PARTS: &[Part] = &[
    Part::new("head/guard/small", || judged(SMALL)),
    Part::new("head/guard/browser", || judged(BROWSER)),
    Part::new("head/request/small", || made(SMALL)),
    Part::new("head/request/browser", || made(BROWSER)),
    Part::new("head/request_id", || {
        Box::new(|| drop(black_box(RequestId::generate_at(black_box(1_764_115_200_000)))))
    }),
    Part::new("head/trace/begun", || {
        Box::new(|| {
            black_box(TraceContext::begin().text());
        })
    }),
    Part::new("head/trace/continued", || {
        Box::new(|| {
            let parsed = TraceContext::parse(black_box(TRACEPARENT));
            black_box(parsed.map(|trace| trace.child().text()));
        })
    }),
    Part::new("head/opened/small", || opened(SMALL)),
    Part::new("head/edited/small", || edited(SMALL)),
    Part::new("head/opened/browser", || opened(BROWSER)),
    Part::new("head/edited/browser", || edited(BROWSER)),
];

/// Is the head clean?
fn judged(head: &'static str) -> Box<dyn FnMut()> {
    let mut guard = Guard::new(&load(&quiet(FIXED)));
    Box::new(move || assert!(guard.passes(black_box(head.as_bytes()))))
}

/// And the request that it is.
fn made(head: &'static str) -> Box<dyn FnMut()> {
    let mut guard = Guard::new(&load(&quiet(FIXED)));
    let head = Bytes::from_static(head.as_bytes());
    Box::new(move || assert!(black_box(guard.request(black_box(&head))).is_some()))
}

/// An exchange that is opened and ends.
fn opened(head: &'static str) -> Box<dyn FnMut()> {
    let scene = Scene::new(&quiet(FIXED));
    let head = request(&load(&quiet(FIXED)), head);
    let connection = scene.connection();
    Box::new(move || scene.stage.gateway().open(&connection, black_box(&head)))
}

/// The same with its head edited for an upstream. A second time there is nothing of this hop left
/// to take out, so a browser's head is a new one each time.
fn edited(head: &'static str) -> Box<dyn FnMut()> {
    let scene = Scene::new(&quiet(FIXED));
    let mut head = request(&load(&quiet(FIXED)), head);
    let connection = scene.connection();
    Box::new(move || scene.stage.gateway().edit(&connection, black_box(&mut head)))
}

const TRACEPARENT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
