//! `guichet completions`: a script for the shell, made from the command line's own definition.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::CommandLine;
use super::output::Report;

/// The script.
pub(super) fn completions(shell: Shell) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "guichet", &mut script);
    Report::fine(String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let script = completions(*shell).out;
            assert!(script.contains("completions") && script.contains("strict"), "{shell}");
        }
    }
}
