//! The `guichet` command: parse the command line, call the verb, turn the result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    guichet::cli::run()
}
