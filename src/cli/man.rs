//! `guichet man`: the manual page, made from the command line's own definition.

use std::io::{self, Write};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{CommandLine, EXIT_CODES};
use super::output::{Exit, Report};

/// The page in roff.
pub(super) fn man() -> Report {
    let mut page = Vec::new();
    match write(&mut page) {
        Ok(()) => Report::fine(String::from_utf8_lossy(&page)),
        Err(error) => Report::failed(Exit::Failed, error.to_string()),
    }
}

fn write(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = CommandLine::command().after_help("");
    command.build();
    let man = Man::new(command.clone()).manual("guichet");
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    let mut rest = Roff::new();
    rest.control("SH", ["COMMANDS"]);
    for verb in command.get_subcommands() {
        describe(verb, &mut rest);
    }
    for (title, text) in [
        ("EXIT STATUS", EXIT_CODES.trim_start_matches("Exit codes:\n")),
        ("SIGNALS", SIGNALS),
        ("FILES", FILES),
        ("ENVIRONMENT", ENVIRONMENT),
    ] {
        rest.control("SH", [title]);
        for line in text.lines() {
            let (term, meaning) = line.trim_start().split_once("  ").unwrap_or((line, ""));
            rest.control("TP", []).text([bold(term)]).text([roman(meaning.trim_start())]);
        }
    }
    page.write_all(rest.to_roff().as_bytes())
}

/// A command with its own arguments; those of every command stand under OPTIONS.
fn describe(verb: &Command, page: &mut Roff) {
    if verb.has_subcommands() {
        verb.get_subcommands().for_each(|verb| describe(verb, page));
        return;
    }
    let name = verb.get_bin_name().unwrap_or_else(|| verb.get_name());
    page.control("TP", []).text([bold(name)]);
    page.text([roman(verb.get_about().map(ToString::to_string).unwrap_or_default())]);
    let own = verb.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help");
    for argument in own {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        page.control("RS", []).control("TP", []);
        page.text([bold(argument.to_string())]).text([roman(help)]).control("RE", []);
    }
}

const SIGNALS: &str = "\
TERM, INT  drain: not ready at once, then no new connections, then the end; a second one exits now
HUP  reads the configuration again; one that is refused changes nothing
USR1  opens the log files anew
USR2  hands the sockets to a new binary, started by the same command line, and drains";
const FILES: &str = "\
./guichet.toml, /etc/guichet/guichet.toml  read where neither -c nor GUICHET_CONFIG names a file";
const ENVIRONMENT: &str = "\
GUICHET_CONFIG  names the configuration";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_command_and_exit_code() {
        let page = man().out;
        for part in [
            ".TH guichet 1",
            "guichet run",
            "guichet config schema",
            "\\-\\-strict",
            "EXIT STATUS",
            "the drain deadline passed",
            "GUICHET_CONFIG",
        ] {
            assert!(page.contains(part), "{part}:\n{page}");
        }
    }
}
