//! The witness as the other floors see it: facts go in; lines and counters come out.

mod lines;
mod pages;
mod writing;

use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;

use super::{
    BreakerState, EndpointState, Expiries, Exposition, Lines, LogWriter, Names, Record, Registers,
    UpstreamNames, UpstreamStates, Witness,
};
use crate::base::peer::TlsFacts;
use crate::base::{EndpointId, ListenerId, Peer, RequestId, UpstreamId};
use crate::config::model::{AccessLog, LogTarget};
use crate::problem::Catalogue;

/// One worker, its writer, and what the writer wrote.
struct Rig {
    witness: Rc<Witness>,
    writer: LogWriter,
    sink: Sink,
}

impl Rig {
    fn new(config: &AccessLog) -> Self {
        let sink = Sink::default();
        let writer = LogWriter::start_with(Box::new(sink.clone())).unwrap();
        let lines = Lines::new(config, &names(), writer.handle());
        Self { witness: witness(Some(lines)), writer, sink }
    }

    fn record(&self, request: Request<()>) -> Record {
        Record::new(Rc::clone(&self.witness), peer(), RequestId::generate(), &request)
    }

    /// Everything that was written, when all is said.
    fn finish(self) -> String {
        self.witness.flush();
        self.writer.finish(Duration::from_secs(10)).unwrap();
        String::from_utf8(self.sink.0.lock().unwrap().clone()).unwrap()
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn names() -> Arc<Names> {
    let users = UpstreamNames {
        name: "users".into(),
        endpoints: vec!["http://127.0.0.1:9000".into(), "http://127.0.0.1:9001".into()],
    };
    Arc::new(Names {
        listeners: vec!["public".into(), "plain".into()],
        routes: vec!["users.get".into(), "users.create".into()],
        upstreams: vec![users],
        limits: vec!["per-client".into()],
        auth: vec!["partners".into()],
        flows: Vec::new(),
    })
}

fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::new("fr.ammy", None, &["fr".into(), "en".into()], &[]).unwrap())
}

fn witness(lines: Option<Lines>) -> Rc<Witness> {
    let names = names();
    let registers = Arc::new(Registers::new(&names));
    Rc::new(Witness::new(registers, names, catalogue(), lines))
}

pub(super) fn peer() -> Rc<Peer> {
    Rc::new(Peer {
        address: "192.0.2.7:40000".parse().unwrap(),
        listener: ListenerId(0),
        tls: Some(TlsFacts { version: "TLSv1.3", server_name: None, client: None }),
        trusted: false,
    })
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

fn everything() -> AccessLog {
    AccessLog { to: LogTarget::Stdout, sample: 1.0, always_errors: false, always_slower: None }
}

fn expiries() -> Arc<Expiries> {
    let expiries = Expiries::default();
    expiries.set(vec![("localhost".into(), 1_800_000_000)]);
    Arc::new(expiries)
}

fn page_of(witnesses: &[&Rc<Witness>]) -> String {
    let registers = witnesses.iter().map(|witness| Arc::clone(witness.registers())).collect();
    let exposition = Exposition {
        concurrency: Default::default(),
        maintenance: Default::default(),
        stores: Default::default(),
        registers,
        names: names(),
        catalogue: catalogue(),
        config_hash: "c0ffee".into(),
        states: Arc::new(FirstDown),
        certificates: expiries(),
        reloads: Arc::default(),
        lost: None,
    };
    exposition.render()
}

/// The first endpoint of every upstream is out.
#[derive(Debug)]
struct FirstDown;

impl UpstreamStates for FirstDown {
    fn endpoint(&self, _upstream: UpstreamId, endpoint: EndpointId) -> EndpointState {
        if endpoint.0 > 0 { EndpointState::Up } else { EndpointState::Down }
    }

    fn under_way(&self, _upstream: UpstreamId, _endpoint: EndpointId) -> u64 {
        0
    }

    fn breaker(&self, _upstream: UpstreamId) -> Option<BreakerState> {
        Some(BreakerState::HalfOpen)
    }
}
