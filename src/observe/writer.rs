//! The writer: one thread that puts the workers' lines where the operator wants them.
//!
//! A worker never waits for it. Buffers go through a bounded queue with `try_send`; a full queue
//! means that the target is slower than the traffic, and then lines are dropped and counted. A
//! write that fails is counted too and never ends the process: a full disk must not stop traffic.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::counter::Counter;
use super::log;
use crate::config::model::LogTarget;

/// The writer's thread, owned by the control thread.
#[derive(Debug)]
pub struct LogWriter {
    queue: SyncSender<Message>,
    orders: Arc<Orders>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

/// A writer that nobody is given a handle of any more.
#[derive(Debug)]
pub struct RetiredWriter {
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

/// A worker's way to the writer.
#[derive(Debug)]
pub struct LogHandle {
    queue: SyncSender<Message>,
    spare: Receiver<Vec<u8>>,
    home: SyncSender<Vec<u8>>,
}

#[derive(Debug)]
enum Message {
    Lines(Batch),
    /// Look at the orders.
    Wake,
}

#[derive(Debug)]
struct Batch {
    lines: Vec<u8>,
    count: u64,
    /// Where the emptied buffer goes.
    home: SyncSender<Vec<u8>>,
}

/// What the control thread asks for; flags rather than messages, because the queue may be full.
#[derive(Debug, Default)]
struct Orders {
    reopen: AtomicBool,
    stop: AtomicBool,
    lost: Counter,
}

impl LogWriter {
    /// Opens the target and starts the thread.
    ///
    /// # Errors
    /// The file cannot be opened for appending, or the thread cannot be started.
    pub fn start(target: &LogTarget) -> io::Result<Self> {
        let output = match target {
            LogTarget::Stdout => Output::Stream(Box::new(io::stdout())),
            LogTarget::Stderr => Output::Stream(Box::new(io::stderr())),
            LogTarget::File(path) => Output::File { file: append_to(path)?, path: path.clone() },
        };
        Self::run(output)
    }

    /// Starts the thread with any stream as its target.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start_with(stream: Box<dyn Write + Send>) -> io::Result<Self> {
        Self::run(Output::Stream(stream))
    }

    fn run(output: Output) -> io::Result<Self> {
        let (queue, incoming) = sync_channel(QUEUE);
        let (finished, done) = sync_channel(0);
        let orders = Arc::new(Orders::default());
        let writing = Writing { output, torn: false, failing: false, orders: Arc::clone(&orders) };
        let body = move || {
            writing.until_told(&incoming);
            drop(finished);
        };
        let thread = thread::Builder::new().name("guichet-log".into()).spawn(body)?;
        Ok(Self { queue, orders, done, thread })
    }

    /// A way to the writer, one for each worker.
    pub fn handle(&self) -> LogHandle {
        let (home, spare) = sync_channel(SPARE);
        LogHandle { queue: self.queue.clone(), spare, home }
    }

    /// Opens the file anew, after something else has renamed it (USR1). Takes effect with the
    /// next lines; if it fails, the old file stays in use and the operational log says so.
    pub fn reopen(&self) {
        self.orders.reopen.store(true, Ordering::Release);
        self.wake();
    }

    /// A reader of the lines that were handed over and could not be written.
    pub fn lost(&self) -> Lost {
        Lost(vec![Arc::clone(&self.orders)])
    }

    /// Writes what the workers have handed over, and ends the thread. The workers must have
    /// flushed and ended before.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: the target takes nothing; the thread is left behind.
    pub fn finish(self, limit: Duration) -> io::Result<()> {
        self.orders.stop.store(true, Ordering::Release);
        self.wake();
        RetiredWriter { done: self.done, thread: self.thread }.finish(limit)
    }

    /// Lets it end by itself, once the last handle is gone and its lines are written.
    pub fn retire(self) -> RetiredWriter {
        RetiredWriter { done: self.done, thread: self.thread }
    }

    fn wake(&self) {
        // A full queue needs no wake-up: the thread looks at its orders after every batch.
        let _ = self.queue.try_send(Message::Wake);
    }
}

impl RetiredWriter {
    /// Whether its last line is written.
    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: the target takes nothing; the thread is left behind.
    pub fn finish(self, limit: Duration) -> io::Result<()> {
        match self.done.recv_timeout(limit) {
            Err(RecvTimeoutError::Timeout) => Err(ErrorKind::TimedOut.into()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                self.thread.join().map_err(|_| io::Error::other("the log writer panicked"))
            }
        }
    }
}

/// How many lines the writer has lost; read by the metrics page.
#[derive(Debug, Clone)]
pub struct Lost(Vec<Arc<Orders>>);

impl Lost {
    /// Lines so far.
    pub fn lines(&self) -> u64 {
        self.0.iter().map(|orders| orders.lost.value()).sum()
    }

    /// With those of a writer before.
    #[must_use]
    pub fn after(mut self, before: Option<Self>) -> Self {
        self.0.extend(before.into_iter().flat_map(|before| before.0));
        self
    }
}

impl LogHandle {
    /// Hands `count` lines over and leaves an empty buffer in their place. False if the writer
    /// could not take them, and they are gone.
    pub(super) fn hand_over(&self, lines: &mut Vec<u8>, count: u64) -> bool {
        let fresh = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(BUFFER));
        let full = std::mem::replace(lines, fresh);
        let batch = Batch { lines: full, count, home: self.home.clone() };
        match self.queue.try_send(Message::Lines(batch)) {
            Ok(()) => true,
            Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) => {
                if let Message::Lines(batch) = refused {
                    batch.go_home();
                }
                false
            }
        }
    }
}

impl Batch {
    fn go_home(mut self) {
        // A buffer that one enormous line has stretched is not worth keeping.
        if self.lines.capacity() <= 4 * BUFFER {
            self.lines.clear();
            let _ = self.home.try_send(self.lines);
        }
    }
}

/// The thread's own state.
struct Writing {
    output: Output,
    /// The last write stopped within a line.
    torn: bool,
    /// The last write failed, and the operational log knows.
    failing: bool,
    orders: Arc<Orders>,
}

enum Output {
    Stream(Box<dyn Write + Send>),
    File { file: File, path: PathBuf },
}

impl Writing {
    fn until_told(mut self, incoming: &Receiver<Message>) {
        while let Ok(message) = incoming.recv() {
            self.take(message);
            if self.orders.reopen.swap(false, Ordering::AcqRel) {
                self.output.reopen();
            }
            if self.orders.stop.load(Ordering::Acquire) {
                while let Ok(message) = incoming.try_recv() {
                    self.take(message);
                }
                return;
            }
        }
    }

    fn take(&mut self, message: Message) {
        let Message::Lines(batch) = message else { return };
        if let Err(error) = self.write(&batch.lines) {
            self.orders.lost.bump(batch.count);
            if !std::mem::replace(&mut self.failing, true) {
                log::warn("access_log", format_args!("the access log cannot be written: {error}"));
            }
        } else if std::mem::take(&mut self.failing) {
            log::info("access_log", "the access log is being written again");
        }
        batch.go_home();
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let stream: &mut dyn Write = match &mut self.output {
            Output::Stream(stream) => stream,
            Output::File { file, .. } => file,
        };
        if self.torn {
            write_all(stream, b"\n").map_err(|(_, error)| error)?;
            self.torn = false;
        }
        write_all(stream, lines).map_err(|(written, error)| {
            self.torn = written > 0 && lines[written - 1] != b'\n';
            error
        })?;
        stream.flush()
    }
}

impl Output {
    fn reopen(&mut self) {
        let Self::File { file, path } = self else { return };
        match append_to(path) {
            Ok(reopened) => *file = reopened,
            Err(error) => {
                let path = path.display();
                log::warn("access_log", format_args!("{path} cannot be reopened: {error}"));
            }
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    // Lines hold addresses of clients: not for everybody on the machine.
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

/// Like `Write::write_all`, but says how far it came, and waits a while for a pipe that somebody
/// else made non-blocking (a terminal shared with another program).
fn write_all(stream: &mut dyn Write, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let (mut written, mut patience) = (0, PATIENCE);
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(count) => (written, patience) = (written + count, PATIENCE),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && patience > 0 => {
                patience -= 1;
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

/// Bytes that a worker's buffer has room for from the start: the writer wakes seldom, which costs
/// less than the memory.
pub(super) const BUFFER: usize = 64 << 10;
/// Batches that wait at most, over all workers: 4 MiB of usual lines.
const QUEUE: usize = 64;
/// Emptied buffers that wait for a worker.
const SPARE: usize = 4;
/// Times five milliseconds.
const PATIENCE: u32 = 200;
