//! The access log: a line of JSON for each request, written when 64 KiB of them have come together
//! or a second has passed.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pingora::http::Version;

const BUFFER: usize = 64 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Lines of all workers go into one file.
pub struct Log(Mutex<Sink>);

struct Sink {
    file: BufWriter<File>,
    flushed: Instant,
}

/// What is told of a request.
pub struct Line<'a> {
    pub request_id: &'a str,
    pub client: Option<IpAddr>,
    pub tls: &'a str,
    pub protocol: Version,
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub endpoint: &'a str,
    pub taken: Duration,
    pub sent: usize,
    pub user_agent: &'a str,
    pub cause: &'a str,
}

impl Log {
    /// Appends to a file.
    pub fn open(path: &str) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path).expect("the access log");
        Self(Mutex::new(Sink {
            file: BufWriter::with_capacity(BUFFER, file),
            flushed: Instant::now(),
        }))
    }

    /// Adds a line. A log that cannot be written is noticed by the bench, which looks at its length.
    pub fn write(&self, line: &Line<'_>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let client = line.client.map(|client| client.to_string()).unwrap_or_default();
        let mut sink = self.0.lock().expect("no writer panics");
        let _ = writeln!(
            sink.file,
            "{{\"ts\":{}.{:03},\"request_id\":\"{}\",\"client_ip\":\"{client}\",\"tls\":\"{}\",\"protocol\":\"{:?}\",\"method\":\"{}\",\
             \"host\":{:?},\"path\":{:?},\"status\":{},\"upstream\":\"app\",\"endpoint\":\"{}\",\"t_total_ms\":{:.3},\"bytes_out\":{},\
             \"user_agent\":{:?},\"cause\":\"{}\"}}",
            now.as_secs(),
            now.subsec_millis(),
            line.request_id,
            line.tls,
            line.protocol,
            line.method,
            line.host,
            line.path,
            line.status,
            line.endpoint,
            line.taken.as_secs_f64() * 1e3,
            line.sent,
            line.user_agent,
            line.cause,
        );
        if sink.flushed.elapsed() >= LONGEST_WAIT {
            let _ = sink.file.flush();
            sink.flushed = Instant::now();
        }
    }
}
