//! From a worker's buffer to the target, and what happens when the target is slow or broken.

use std::fs;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::observe::Outcome;

/// A target that takes nothing until it is told to.
struct Gate {
    open: Receiver<()>,
    sink: Sink,
}

impl Gate {
    fn new() -> (Self, Sender<()>, Sink) {
        let (key, open) = channel();
        let sink = Sink::default();
        (Self { open, sink: sink.clone() }, key, sink)
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Waits until the key is dropped, and never again.
        let _ = self.open.recv();
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A target that takes `room` bytes and then fails, once.
struct Broken {
    room: usize,
    sink: Sink,
}

impl Write for Broken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            self.room = usize::MAX;
            return Err(io::Error::other("no space left"));
        }
        let count = bytes.len().min(self.room);
        self.room -= count;
        self.sink.write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn exchange(witness: &Rc<Witness>) {
    let mut record = Record::new(Rc::clone(witness), peer(), RequestId::generate(), &get("/"));
    (record.status, record.outcome) = (200, Outcome::Success);
}

fn dropped(witness: &Witness) -> u64 {
    witness.registers().lines_dropped.value()
}

fn writing(writer: &LogWriter) -> Rc<Witness> {
    witness(Some(Lines::new(&everything(), &names(), writer.handle())))
}

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn lines_go_out_when_the_buffer_is_full_without_waiting_for_a_tick() {
    let rig = Rig::new(&everything());
    for _ in 0..500 {
        exchange(&rig.witness);
    }
    rig.writer.finish(LIMIT).unwrap();
    let written = String::from_utf8(rig.sink.0.lock().unwrap().clone()).unwrap();
    assert!(written.ends_with('\n') && written.len() > 100 << 10);
    assert_eq!(dropped(&rig.witness), 0);
}

#[test]
fn a_target_that_lags_costs_lines_and_never_time() {
    let (gate, key, sink) = Gate::new();
    let writer = LogWriter::start_with(Box::new(gate)).unwrap();
    let witness = writing(&writer);
    let mut said = 0;
    while dropped(&witness) == 0 {
        exchange(&witness);
        said += 1;
        assert!(said < 100_000, "the queue has no bound");
    }
    drop(key);
    witness.flush();
    writer.finish(LIMIT).unwrap();
    let written = sink.0.lock().unwrap().iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(written + dropped(&witness), said);
}

#[test]
fn lines_after_the_end_are_dropped_and_counted() {
    let writer = LogWriter::start_with(Box::new(Sink::default())).unwrap();
    let witness = writing(&writer);
    writer.finish(LIMIT).unwrap();
    exchange(&witness);
    witness.flush();
    assert_eq!(dropped(&witness), 1);
}

#[test]
fn lines_wait_for_a_lull_and_no_longer_than_five_ticks() {
    let writer = LogWriter::start_with(Box::new(Sink::default())).unwrap();
    let witness = writing(&writer);
    // Whatever is handed over from here on is counted as dropped.
    writer.finish(LIMIT).unwrap();
    let tick = |lines: u32| {
        (0..lines).for_each(|_| exchange(&witness));
        witness.tick();
        dropped(&witness)
    };
    assert_eq!((tick(1), tick(0)), (0, 1), "a lull");
    assert_eq!((tick(1), tick(1), tick(1), tick(1), tick(1)), (1, 1, 1, 1, 6), "no lull");
    assert_eq!((tick(1), tick(0)), (6, 7), "and from the beginning");
}

#[test]
fn an_end_that_the_target_blocks_has_a_limit() {
    let (gate, key, _sink) = Gate::new();
    let writer = LogWriter::start_with(Box::new(gate)).unwrap();
    let witness = writing(&writer);
    exchange(&witness);
    witness.flush();
    let refused = writer.finish(Duration::from_millis(1)).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
    drop(key);
}

#[test]
fn a_write_that_fails_is_counted_and_the_next_line_begins_anew() {
    let sink = Sink::default();
    let broken = Broken { room: 10, sink: sink.clone() };
    let writer = LogWriter::start_with(Box::new(broken)).unwrap();
    let (witness, lost) = (writing(&writer), writer.lost());
    for _ in 0..3 {
        exchange(&witness);
        witness.flush();
    }
    writer.finish(LIMIT).unwrap();
    let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = written.lines().collect();
    assert_eq!((lost.lines(), lines.len()), (1, 3));
    assert_eq!(lines[0], "{\"ts\":\"202");
    assert!(lines[1..].iter().all(|it| serde_json::from_str::<serde_json::Value>(it).is_ok()));
}

#[test]
fn a_file_is_appended_to_and_reopened_after_a_rename() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    fs::write(&path, "before\n").unwrap();
    let writer = LogWriter::start(&LogTarget::File(path.clone())).unwrap();
    let witness = writing(&writer);
    exchange(&witness);
    witness.flush();
    // The order is looked at after a batch, so the line above is in the old file in any case.
    fs::rename(&path, &old).unwrap();
    writer.reopen();
    while !path.exists() {
        std::thread::yield_now();
    }
    exchange(&witness);
    witness.flush();
    writer.finish(LIMIT).unwrap();
    let lines = |path| fs::read_to_string(path).unwrap().lines().count();
    assert_eq!((lines(&old), lines(&path)), (2, 1));
}

#[test]
fn a_file_that_cannot_be_opened_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    assert!(LogWriter::start(&LogTarget::File(folder.path().join("no/such.log"))).is_err());
}

#[test]
fn lines_can_be_made_on_one_thread_and_used_on_another() {
    fn crosses_threads<T: Send>() {}
    crosses_threads::<Lines>();
    crosses_threads::<LogWriter>();
}

#[test]
fn a_witness_hears_panics_in_words_and_without() {
    let witness = witness(None);
    let id = RequestId::generate();
    let payloads: [&(dyn std::any::Any + Send); 3] = [&"words", &String::from("words"), &7];
    // More than it says in a second: what is left unsaid must not fail either.
    for payload in payloads.iter().cycle().take(30) {
        witness.panicked(&id, *payload);
    }
}
