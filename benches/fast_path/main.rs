//! What the parts of an exchange cost, one by one: `cargo bench --bench fast_path`, or with a word to
//! choose some of them. `cargo test` runs each once.
//!
//! One file for each room that a request crosses. A part is something to be done again and again; the
//! same parts are counted in instructions by `benches/features/run`, which calls
//! `--instructions PART TIMES` under callgrind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

mod callers;
mod exchange;
mod gates;
mod head;
mod judging;
mod operations;
mod rendering;
mod routing;
mod scene;
mod telling;

use std::env;

use criterion::Criterion;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something to be done again and again.
pub(crate) struct Part {
    name: &'static str,
    make: fn() -> Box<dyn FnMut()>,
}

impl Part {
    /// `make` prepares everything, so that what it returns does the part alone.
    pub(crate) const fn new(name: &'static str, make: fn() -> Box<dyn FnMut()>) -> Self {
        Self { name, make }
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [order, name, times] if order == "--instructions" => repeat(name, times),
        _ => measure(),
    }
}

fn parts() -> impl Iterator<Item = &'static Part> {
    let rooms: [&[Part]; 9] = [
        head::PARTS,
        routing::PARTS,
        gates::PARTS,
        callers::PARTS,
        judging::PARTS,
        operations::PARTS,
        rendering::PARTS,
        telling::PARTS,
        exchange::PARTS,
    ];
    rooms.into_iter().flatten()
}

fn repeat(name: &str, times: &str) {
    let part = parts().find(|part| part.name == name).expect("a part of this name");
    let mut part = (part.make)();
    for _ in 0..times.parse().expect("how often") {
        part();
    }
}

fn measure() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    for part in parts() {
        let mut made = None;
        criterion.bench_function(part.name, |bencher| {
            bencher.iter(made.get_or_insert_with(|| (part.make)()));
        });
    }
    criterion.final_summary();
}
