//! One connection of the scripted origin: its steps, one after the other.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::{Script, Seen, Shared, Step, ok};
use crate::rig::http::{Head, read_chunked_body, read_head};

/// What a connection runs over.
pub(super) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>),
}

/// One connection being served.
pub(super) struct Visit {
    pub(super) number: usize,
    pub(super) shared: Shared,
    pub(super) wire: Wire,
    pub(super) head: Option<Head>,
}

enum Flow {
    On,
    Over,
}

impl Visit {
    /// Does what the script says, as often as it says so.
    pub(super) fn play(&mut self, script: &Script) -> io::Result<()> {
        loop {
            let steps = match script {
                Script::Fixed(steps) => steps.to_vec(),
                Script::ByPath(paths) => {
                    self.read_head()?;
                    let target = self.head.as_ref().map_or("", Head::target);
                    let found = paths.iter().find(|(path, _)| target.starts_with(path));
                    let steps = found.map(|(_, steps)| steps.clone());
                    steps.unwrap_or_else(|| vec![Step::ReadBody, ok(""), Step::Again])
                }
            };
            for step in &steps {
                if let Flow::Over = self.step(step)? {
                    return Ok(());
                }
            }
            if !matches!(steps.last(), Some(Step::Again)) {
                return Ok(());
            }
        }
    }

    fn step(&mut self, step: &Step) -> io::Result<Flow> {
        match step {
            Step::Read => {
                self.read_head()?;
                self.read_body()?;
            }
            Step::ReadHead => self.read_head()?,
            Step::ReadBody => self.read_body()?,
            Step::Take(count) => self.read_exact(&mut vec![0; *count])?,
            Step::Send(bytes) => self.write(bytes)?,
            Step::Drip { times, every, bytes } => {
                for _ in 0..*times {
                    self.write(bytes)?;
                    self.pause(*every);
                }
            }
            Step::Pause(time) => self.pause(*time),
            Step::Stall => {
                let state = self.shared.0.lock().unwrap();
                drop(self.shared.1.wait_while(state, |state| !state.released).unwrap());
            }
            Step::EchoBytes => {
                let mut buffer = [0; 16 * 1024];
                loop {
                    let count = self.read(&mut buffer)?;
                    if count == 0 {
                        return Ok(Flow::Over);
                    }
                    self.write(&buffer[..count])?;
                }
            }
            Step::EchoBody => {
                let state = self.shared.0.lock().unwrap();
                let own = |seen: &&Seen| seen.connection == self.number;
                let seen = state.seen.iter().rev().find(own).cloned();
                drop(state);
                let body = seen.map(|seen| seen.body).unwrap_or_default();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                self.write(&[head.into_bytes(), body].concat())?;
            }
            Step::Drain => while self.read(&mut [0; 64 * 1024])? > 0 {},
            Step::Reset => {
                let socket = match &self.wire {
                    Wire::Tcp(stream) => stream,
                    Wire::Tls(stream) => &stream.sock,
                    Wire::Unix(_) => return Ok(Flow::Over),
                };
                socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
                return Ok(Flow::Over);
            }
            Step::HalfClose => match &mut self.wire {
                Wire::Tcp(stream) => stream.shutdown(Shutdown::Write)?,
                Wire::Unix(stream) => stream.shutdown(Shutdown::Write)?,
                Wire::Tls(stream) => {
                    stream.conn.send_close_notify();
                    stream.flush()?;
                }
            },
            Step::Close => return Ok(Flow::Over),
            Step::Again => {}
        }
        Ok(Flow::On)
    }

    fn read_head(&mut self) -> io::Result<()> {
        let head = read_head(self)?;
        self.head = Some(head.clone());
        let mut state = self.shared.0.lock().unwrap();
        state.seen.push(Seen {
            connection: self.number,
            head,
            body: Vec::new(),
            trailers: Vec::new(),
        });
        drop(state);
        self.shared.1.notify_all();
        Ok(())
    }

    fn read_body(&mut self) -> io::Result<()> {
        let Some(head) = self.head.take() else { return Ok(()) };
        let (mut body, mut trailers) = (Vec::new(), Vec::new());
        let outcome = if head.is_chunked() {
            read_chunked_body(self, &mut body, &mut trailers)
        } else {
            let length = head.content_length().unwrap_or(0);
            io::copy(&mut Read::take(&mut *self, length), &mut body).map(|_| ())
        };
        let mut state = self.shared.0.lock().unwrap();
        if let Some(seen) = state.seen.iter_mut().rev().find(|s| s.connection == self.number) {
            (seen.body, seen.trailers) = (body, trailers);
        }
        drop(state);
        self.shared.1.notify_all();
        outcome
    }

    /// Waits, but not longer than the test.
    fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.shared.0.lock().unwrap();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wire: &mut dyn Write = match &mut self.wire {
            Wire::Tcp(stream) => stream,
            Wire::Unix(stream) => stream,
            Wire::Tls(stream) => stream,
        };
        wire.write_all(bytes)?;
        wire.flush()?;
        self.shared.0.lock().unwrap().sent += bytes.len() as u64;
        Ok(())
    }
}

impl Read for Visit {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.wire {
            Wire::Tcp(stream) => stream.read(buffer),
            Wire::Unix(stream) => stream.read(buffer),
            Wire::Tls(stream) => stream.read(buffer),
        }?;
        self.shared.0.lock().unwrap().bytes += count as u64;
        Ok(count)
    }
}
