//! The only place that writes to the terminal, and what the exit codes mean.
//!
//! What was asked for goes to standard output, what has to be said about it to standard error.
//! Whoever reads may stop reading (`guichet errors | head`): a broken pipe is no error.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// Fine.
    Fine = 0,
    /// Failed at run time.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is refused.
    Refused = 3,
    /// There are warnings, under `--strict`.
    Warnings = 4,
    /// The process that runs cannot be reached.
    Unreachable = 5,
    /// It has refused the new configuration.
    ReloadRefused = 7,
    /// An address cannot be bound.
    CannotBind = 8,
    /// The drain deadline passed.
    DeadlinePassed = 9,
}

/// Whom a command speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// People.
    Text,
    /// Programs.
    Json,
}

/// What a command has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// For standard output.
    pub(super) out: String,
    /// For standard error.
    pub(super) err: String,
    /// How it ended.
    pub(super) exit: Exit,
}

impl Report {
    /// What was asked for.
    pub(super) fn fine(out: impl Into<String>) -> Self {
        Self { out: out.into(), err: String::new(), exit: Exit::Fine }
    }

    /// A failure in one sentence.
    pub(super) fn failed(exit: Exit, sentence: impl AsRef<str>) -> Self {
        let err = format!("guichet: {}\n", sentence.as_ref());
        Self { out: String::new(), err, exit }
    }

    /// Writes it. A pipe that nobody reads any more changes nothing about how it ended.
    pub(super) fn print(&self) -> Exit {
        complain(&self.err);
        match write(anstream::stdout().lock(), &self.out) {
            Ok(()) => self.exit,
            Err(_) => Exit::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Writes to standard error; where that fails there is nobody left to tell.
pub(super) fn complain(text: &str) {
    let _ = write(anstream::stderr().lock(), text);
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_is_no_error_but_a_full_disk_is() {
        assert!(write(Failing(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write(Failing(ErrorKind::StorageFull), "x").is_err());
    }

    #[test]
    fn a_failure_is_one_line_with_the_program_s_name() {
        let report = Report::failed(Exit::Usage, "give one file");
        assert_eq!(report.err, "guichet: give one file\n");
        assert_eq!(report.exit as u8, 2);
    }
}
