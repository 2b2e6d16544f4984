//! The `guichet` command: parse the command line, call the verb, turn the result into an exit code.

use std::process::ExitCode;

/// A request makes a dozen short-lived allocations, all on one thread, which is what mimalloc is
/// best at: glibc's allocator stood out in the profile of a small request, this one does not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    guichet::cli::run()
}
