//! Corpora: replayed in every test run, mutated for a moment there and for minutes by
//! `tests/fuzz/run`, and kept. The test binary `fuzz` and the crate's own tests share this file,
//! because some of what is fuzzed is private.
//!
//! There is no coverage to steer by on a stable toolchain. Instead, the property that judges an
//! input says what it came to, and an input that came to something new is mutated further. So
//! verdicts have to be taken from small closed sets.
//!
//! Without variables a run is always the same. `FUZZ_TARGET` and `FUZZ_SECONDS` make one target run
//! that long from a new seed, which `FUZZ_SEED` repeats.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;

/// What is fuzzed.
pub(crate) struct Target<'a> {
    /// Also the name of its folder in `tests/corpora`.
    pub(crate) name: &'a str,
    /// Words of the format, which chance alone would not spell.
    pub(crate) words: &'a [&'a [u8]],
    /// Longest input.
    pub(crate) longest: usize,
    /// Inputs of a run without variables.
    pub(crate) inputs: u64,
}

impl Target<'_> {
    /// Has every file of the corpus judged, and then mutations of them. `judge` panics at what must
    /// not be, and otherwise says what an input came to.
    pub(crate) fn run<V: Hash>(&self, judge: impl Fn(&[u8]) -> V) {
        let length = Length::asked(self.name, self.inputs);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora").join(self.name);
        let mut corpus = Vec::new();
        let mut verdicts = HashSet::new();
        for file in files(&folder) {
            let input = fs::read(&file).unwrap();
            verdicts.insert(self.judged(&input, &judge, &file.display().to_string(), None));
            corpus.push(input);
        }
        assert!(!corpus.is_empty(), "{} holds seeds", folder.display());
        let seeds = corpus.len();
        let seed = length.seed();
        let keep = matches!(length, Length::Until(_)).then_some(folder.as_path());
        if keep.is_some() {
            println!("fuzz {}: seed {seed}, {seeds} files", self.name);
        }
        let mut dice = Rng::with_seed(seed);
        let mut count = 0;
        while !length.is_over(count) {
            count += 1;
            let input = self.mutated(&corpus, &mut dice);
            let origin = format_args!("seed {seed}, input {count}").to_string();
            if verdicts.insert(self.judged(&input, &judge, &origin, keep)) {
                if let Some(folder) = keep {
                    save(folder, "found", &input);
                }
                corpus.push(input);
            }
        }
        if keep.is_some() {
            let new = corpus.len() - seeds;
            println!("fuzz {}: {count} inputs, {new} that came to something new", self.name);
        }
    }

    /// The verdict's hash. An input that must not be is named and, in a long run, kept.
    fn judged<V: Hash>(
        &self,
        input: &[u8],
        judge: &impl Fn(&[u8]) -> V,
        origin: &str,
        keep: Option<&Path>,
    ) -> u64 {
        // Judges hold no state, so there is none that a panic could leave broken.
        let verdict = catch_unwind(AssertUnwindSafe(|| judge(input))).unwrap_or_else(|panic| {
            println!("fuzz {}: {origin} fails: \"{}\"", self.name, input.escape_ascii());
            if let Some(folder) = keep {
                println!("fuzz {}: kept as {}", self.name, save(folder, "crash", input).display());
            }
            resume_unwind(panic)
        });
        hash(&verdict)
    }

    fn mutated(&self, corpus: &[Vec<u8>], dice: &mut Rng) -> Vec<u8> {
        let mut input = corpus[dice.usize(..corpus.len())].clone();
        for _ in 0..dice.usize(1..=5) {
            let other = &corpus[dice.usize(..corpus.len())];
            self.mutate(&mut input, other, dice);
        }
        input.truncate(self.longest);
        input
    }

    fn mutate(&self, input: &mut Vec<u8>, other: &[u8], dice: &mut Rng) {
        let at = dice.usize(..=input.len());
        let end = input.len().min(at + dice.usize(..=8));
        let word = self.words[dice.usize(..self.words.len())];
        match dice.u8(..12) {
            0 => drop(input.splice(at..at, [dice.u8(..)])),
            1 => drop(input.splice(at..input.len().min(at + 1), [dice.u8(..)])),
            2 | 3 => drop(input.splice(at..at, word.iter().copied())),
            4 => {
                let end = input.len().min(at + word.len());
                drop(input.splice(at..end, word.iter().copied()));
            }
            5 => drop(input.drain(at..end)),
            6 => drop(input.splice(at..at, input[at..end].to_vec().repeat(dice.usize(1..=20)))),
            7 => {
                input.truncate(at);
                input.extend_from_slice(&other[dice.usize(..=other.len())..]);
            }
            8 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << dice.u8(..8);
                }
            }
            9 => {
                if let Some(byte) = input.get_mut(at).filter(|byte| byte.is_ascii_alphabetic()) {
                    *byte ^= 0x20;
                }
            }
            10 => {
                let lines: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
                if let Some(line) = lines.get(dice.usize(..=lines.len())) {
                    let before = input[..at].iter().rposition(|byte| *byte == b'\n');
                    let start = before.map_or(0, |feed| feed + 1);
                    drop(input.splice(start..start, line.iter().copied()));
                }
            }
            _ => input.truncate(at),
        }
    }
}

/// How long a run is.
enum Length {
    Inputs(u64),
    Until(Instant),
}

impl Length {
    #[allow(
        clippy::disallowed_methods,
        reason = "a long run is asked for by a variable, and timed"
    )]
    fn asked(target: &str, inputs: u64) -> Self {
        let asked = std::env::var("FUZZ_TARGET").is_ok_and(|asked| asked == target);
        let seconds = std::env::var("FUZZ_SECONDS").ok().filter(|_| asked);
        seconds.map_or(Self::Inputs(inputs), |seconds| {
            let seconds = seconds.parse().expect("FUZZ_SECONDS is a number of seconds");
            Self::Until(Instant::now() + Duration::from_secs(seconds))
        })
    }

    #[allow(clippy::disallowed_methods, reason = "a seed is given by a variable")]
    fn seed(&self) -> u64 {
        match self {
            Self::Inputs(_) => ALWAYS,
            Self::Until(_) => std::env::var("FUZZ_SEED").map_or_else(
                |_| fastrand::u64(..),
                |seed| seed.parse().expect("FUZZ_SEED is a number"),
            ),
        }
    }

    #[allow(clippy::disallowed_methods, reason = "this clock is never paused")]
    fn is_over(&self, count: u64) -> bool {
        match self {
            Self::Inputs(inputs) => count >= *inputs,
            // Asking the clock for each input would cost more than many an input.
            Self::Until(end) => count.is_multiple_of(64) && Instant::now() >= *end,
        }
    }
}

/// The files of a folder in the order of their names. Names with a dot in front are git's.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
    let mut files: Vec<_> = paths.filter(|path| path.is_file() && !hidden(path)).collect();
    files.sort();
    files
}

fn save(folder: &Path, kind: &str, input: &[u8]) -> PathBuf {
    let path = folder.join(format!("{kind}-{:016x}", hash(&input)));
    fs::write(&path, input).unwrap();
    path
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Seed of a run without variables.
const ALWAYS: u64 = 0x6775_6963_6865_7421;
