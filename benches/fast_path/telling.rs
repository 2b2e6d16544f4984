//! What is told of an exchange: its counters, and its line in the access log.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use guichet::base::{RequestId, RouteId, TraceContext};
use guichet::config::model::LogTarget;
use guichet::observe::{Lines, LogWriter, Names, Outcome, Record, Registers, Witness};

use crate::Part;
use crate::scene::{FIXED, SMALL, Scene, load, logging, quiet, request};

pub(crate) const PARTS: &[Part] = &[
    Part::new("telling/counted", || told(false)),
    Part::new("telling/counted_and_logged", || told(true)),
];

fn told(logs: bool) -> Box<dyn FnMut()> {
    let config = load(&logging(FIXED));
    let connection = Scene::new(&quiet(FIXED)).connection();
    let names = Arc::new(Names::new(&config));
    let registers = Arc::new(Registers::new(&names));
    let writer = LogWriter::start(&LogTarget::File("/dev/null".into())).unwrap();
    let settings = config.observe.access_log.as_ref().filter(|_| logs);
    let lines = settings.map(|settings| Lines::new(settings, &names, writer.handle()));
    let catalogue = Arc::clone(&config.errors.catalogue);
    let witness = Rc::new(Witness::new(registers, names, catalogue, lines));
    let head = request(&config, SMALL);
    let (request_id, trace) = (RequestId::generate(), TraceContext::begin().trace);
    Box::new(move || {
        // The writer has to live for as long as lines are handed to it.
        black_box(&writer);
        let (witness, peer) = (Rc::clone(&witness), Rc::clone(&connection.peer));
        let mut record = Record::new(witness, peer, request_id.clone(), &head);
        record.routed(RouteId(0));
        record.trace = Some(trace);
        record.began = 1_764_115_200_000;
        record.status = 200;
        record.bytes_out = 90;
        record.complete = true;
        record.outcome = Outcome::Success;
        drop(black_box(record));
    })
}
