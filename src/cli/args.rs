//! The command line as it is typed. Help texts are the documentation comments here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::errors::ErrorsFormat;
use crate::base::clock;
use crate::config;

/// A reverse proxy and API gateway whose errors come out in one form.
#[derive(Debug, Parser)]
#[command(name = "guichet", version, about, disable_help_subcommand = true)]
#[command(after_help = EXIT_CODES)]
pub(super) struct CommandLine {
    /// The configuration; left out: $GUICHET_CONFIG, ./guichet.toml, /etc/guichet/guichet.toml.
    #[arg(short = 'c', long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Writes for programs: JSON instead of text.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What guichet can be asked to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Serves in the foreground until TERM or INT; prints where it listens.
    Run {
        /// The configuration, instead of -c.
        file: Option<PathBuf>,
        /// Watches the files of the configuration and takes them over when they change.
        #[arg(long)]
        watch: bool,
    },
    /// A gateway before misbehaving backends on loopback: prints curl lines to try, needs no file.
    Demo(super::demo::Ports),
    /// Tells every mistake in a configuration at once; opens no socket, resolves no name.
    Check(Check),
    /// Writes a starter file, the effective values, or the schema of the file.
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Lists the error codes that clients can meet.
    Errors {
        /// The form of the list; --json is short for json.
        #[arg(long, value_enum, default_value_t = ErrorsFormat::Table)]
        format: ErrorsFormat,
    },
    /// Explains a diagnostic (G0203), an error code (InvalidParameter) or a key (upstream.NAME.pool).
    Explain {
        /// What to explain.
        code: String,
    },
    /// Tells, offline, which route a request takes, why the others do not, and the error reply.
    Route(Route),
    /// Runs a flow once and tells each step, with its replies real or played; or draws it.
    Flow(Flow),
    /// Tells how a guichet that runs stands.
    Status(Running),
    /// Has a guichet that runs read its configuration again, and tells what came of it.
    Reload(Running),
    /// Has a guichet that runs end, once what is under way has ended.
    Drain(Running),
    /// Takes routes of a guichet that runs out of service for a while, and back; tells which are.
    #[command(subcommand)]
    Maintenance(MaintenanceVerb),
    /// Tells how the upstreams of a guichet that runs stand; drains an endpoint, and takes that back.
    #[command(subcommand)]
    Upstream(UpstreamVerb),
    /// Makes credentials for callers.
    #[command(subcommand)]
    Key(KeyVerb),
    /// Prints the version.
    Version,
    /// Prints a completion script.
    Completions {
        /// The shell that it is for.
        shell: Shell,
    },
    /// Prints the manual page: guichet man | man -l -
    Man,
}

/// `guichet check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration, instead of -c.
    pub(super) file: Option<PathBuf>,
    /// Warnings count: exit code 4.
    #[arg(long)]
    pub(super) strict: bool,
    /// The form of the diagnostics; --json is short for json.
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub(super) format: CheckFormat,
}

/// Which guichet is meant.
#[derive(Debug, Args)]
pub(super) struct Running {
    /// Its admin socket; left out: what the configuration says.
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
}

/// `guichet maintenance`.
#[derive(Debug, Subcommand)]
pub(super) enum MaintenanceVerb {
    /// Answers 503 on a route until it is switched off again, or until a moment; a reload keeps it.
    On {
        /// The name of the route, or how the names of several begin: 'users.*'.
        #[arg(value_parser = routes)]
        route: String,
        /// When it ends by itself, such as 2026-12-01T04:00:00+01:00; clients are told in Retry-After.
        #[arg(long, value_name = "MOMENT", value_parser = coming)]
        until: Option<String>,
        /// What clients are told, such as 'en=Back at {until}.'; once for each configured language.
        #[arg(long, value_name = "LANGUAGE=TEXT", value_parser = text)]
        text: Vec<(String, String)>,
        /// An address or a network that is served all the same; may be repeated.
        #[arg(long, value_name = "CIDR", value_parser = network)]
        allow: Vec<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Serves the route again.
    Off {
        /// The route as it was switched on.
        #[arg(value_parser = routes)]
        route: String,
        #[command(flatten)]
        running: Running,
    },
    /// Tells what is switched on, and what is planned in the file.
    List(Running),
}

/// `guichet upstream`.
#[derive(Debug, Subcommand)]
pub(super) enum UpstreamVerb {
    /// Tells which endpoints are up, down, ejected or drained, what breakers do, and how many
    /// connections are open.
    List(Running),
    /// Has an endpoint get no new request; what is under way ends. A reload keeps it.
    Drain(EndpointName),
    /// Has a drained endpoint get requests again.
    Ready(EndpointName),
}

/// One endpoint of a guichet that runs.
#[derive(Debug, Args)]
pub(super) struct EndpointName {
    /// The name of the upstream.
    #[arg(value_parser = in_target)]
    pub(super) upstream: String,
    /// The endpoint as the configuration has it, such as http://10.0.0.7:9000, or without the scheme.
    #[arg(value_parser = in_target)]
    pub(super) endpoint: String,
    #[command(flatten)]
    pub(super) running: Running,
}

/// `guichet key`.
#[derive(Debug, Subcommand)]
pub(super) enum KeyVerb {
    /// Prints a new API key, once, and the entry with its digest for the file of keys.
    New(NewKey),
}

/// `guichet key new`.
#[derive(Debug, Args)]
pub(super) struct NewKey {
    /// Whose key it is: the name that logs and upstreams see.
    #[arg(value_parser = consumer)]
    pub(super) name: String,
    /// What its owner may do, such as users:read; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    pub(super) scopes: Vec<String>,
    /// The last moment of the key, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "MOMENT", value_parser = coming)]
    pub(super) expires: Option<String>,
}

/// `guichet config`.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Prints a small commented file to begin with.
    Init,
    /// Prints every effective value and where it comes from; secrets as ***.
    Show,
    /// Prints the JSON Schema of the file, for editors.
    Schema,
}

/// `guichet route`.
#[derive(Debug, Args)]
pub(super) struct Route {
    /// The request, such as 'GET https://api.example.fr/v1/users/7'.
    #[arg(value_name = "REQUEST")]
    pub(super) request: String,
    /// A header of the request, such as 'accept: text/html'; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(super) headers: Vec<String>,
    /// The body of the request, or @FILE.
    #[arg(short = 'd', long = "data", value_name = "BODY")]
    pub(super) data: Option<String>,
    /// A failure to play through, such as upstream.first_byte_timeout.
    #[arg(long, value_name = "CAUSE")]
    pub(super) cause: Option<String>,
}

/// `guichet flow`.
#[derive(Debug, Args)]
pub(super) struct Flow {
    /// The name of the flow.
    pub(super) name: String,
    /// What it is given: JSON, or @FILE.
    #[arg(short = 'd', long = "data", value_name = "INPUT")]
    pub(super) data: Option<String>,
    /// Plays a step: its reply as JSON, a status, or @FILE; of another flow: FLOW.STEP=REPLY.
    #[arg(long = "mock", value_name = "STEP=REPLY")]
    pub(super) mocks: Vec<String>,
    /// Draws the flow as a Mermaid flowchart, and runs nothing.
    #[arg(long)]
    pub(super) graph: bool,
}

/// The form of diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// With the line, a caret and a suggestion.
    Human,
    /// For programs.
    Json,
    /// Annotations of GitHub's workflows.
    Github,
}

fn consumer(text: &str) -> Result<String, String> {
    config::consumer(text).map(|()| text.to_owned())
}

fn scope(text: &str) -> Result<String, String> {
    config::scope(text).map(|()| text.to_owned())
}

fn routes(text: &str) -> Result<String, String> {
    config::routes(text).map(|()| text.to_owned())
}

fn network(text: &str) -> Result<String, String> {
    config::network(text).map(|_| text.to_owned())
}

/// A language and what is said in it.
fn text(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(tag, text)| !tag.is_empty() && !text.is_empty());
    let (tag, text) = parts.ok_or("a language and a text, as in en='Back soon.'")?;
    Ok((tag.to_owned(), text.to_owned()))
}

/// What is wrong with texts that are fit each by itself.
pub(super) fn unfit(texts: &[(String, String)], until: Option<&str>) -> Option<String> {
    for (at, (tag, text)) in texts.iter().enumerate() {
        if texts[..at].iter().any(|(known, _)| known.eq_ignore_ascii_case(tag)) {
            return Some(format!("--text says {tag} twice"));
        }
        if until.is_none() && text.contains("{until}") {
            return Some(format!(
                "the text for {tag} names {{until}}, and nobody has said when that is\n\
                 help: add --until, or say it without"
            ));
        }
    }
    None
}

/// What stands in a target and ends nothing there.
fn in_target(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%\\".contains(&byte);
    match !text.is_empty() && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("this is no name of an upstream or an endpoint".into()),
    }
}

/// A moment to come, with the offset in which clients are told of it.
fn coming(text: &str) -> Result<String, String> {
    let moment = config::moment(text)?.timestamp();
    if u64::try_from(moment.as_millisecond()).is_ok_and(|millis| millis > clock::unix_millis()) {
        return Ok(text.to_owned());
    }
    Err("this moment has passed".into())
}

/// What exit codes mean: at the foot of the help, and in the manual.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  failed at run time
  2  the command line is wrong
  3  the configuration is refused
  4  there are warnings, under --strict
  5  the guichet that runs cannot be reached
  7  the new configuration is refused, the running one stays
  8  an address cannot be bound
  9  the drain deadline passed: what was still open was cut";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_surface_is_understood() {
        for line in [
            "run",
            "run my.toml",
            "-c my.toml run",
            "run -c my.toml",
            "run --watch my.toml",
            "demo",
            "check",
            "check my.toml --strict --format github",
            "check --json",
            "config init",
            "config show --json",
            "config schema",
            "errors",
            "errors --format typescript",
            "explain G0203",
            "route 'GET-https://host/path' -H a:b -H c:d -d {} --cause upstream.reset",
            "flow create -d @input.json --mock lookup=@reply.json --mock register.insert=503",
            "flow create --graph",
            "status",
            "status --json",
            "reload --socket /run/guichet/admin.sock",
            "-c my.toml drain",
            "maintenance on users.*",
            "maintenance on users.get --until 2099-12-01T04:00:00+01:00 --json",
            "maintenance on users.* --text fr=a --text en=b --allow 10.0.0.0/8 --allow ::1",
            "maintenance off users.* --socket /run/guichet/admin.sock",
            "maintenance list",
            "upstream list",
            "key new acme --scope users:read --scope users:write --expires 2099-01-01T00:00:00Z",
            "upstream drain users http://127.0.0.1:9000",
            "upstream ready users 127.0.0.1:9000 --json",
            "version",
            "completions fish",
            "man",
        ] {
            let words = ["guichet"].into_iter().chain(line.split(' '));
            assert!(CommandLine::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_comes_later_is_not_offered() {
        for line in [
            "flow",
            "maintenance on",
            "upstream drain users",
            "run --staging",
            "key new",
            "key new a --expires 2000-01-01T00:00:00Z",
        ] {
            let words = ["guichet"].into_iter().chain(line.split(' '));
            let error = CommandLine::try_parse_from(words).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
