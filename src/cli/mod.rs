//! F9: the command line, one file per verb.
//!
//! `args` is what was typed, `output` what is printed and what exit codes mean; a verb turns the
//! first into the second and prints nothing itself.

mod args;
mod check;
mod completions;
mod config;
mod control;
mod demo;
pub mod errors;
mod explain;
mod flow;
mod key;
mod locate;
mod man;
mod output;
pub mod route;
mod run;
mod version;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use self::args::{
    CheckFormat, CommandLine, ConfigVerb, EndpointName, Flow, KeyVerb, MaintenanceVerb, Route,
    Running, UpstreamVerb, Verb,
};
use self::check::Strictness;
use self::control::Said;
use self::errors::ErrorsFormat;
use self::output::{Exit, Form, Report};
use crate::config::{Colour, Loaded, Refused, defaults, load as load_file, system_environment};
use crate::problem::Catalogue;
use crate::reload::Watching;

/// Runs the command line.
pub fn run() -> ExitCode {
    match CommandLine::try_parse() {
        Ok(line) => obey(&line).print().into(),
        Err(error) => {
            // Help and version come this way too, with code 0. Where nobody reads, nobody reads.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8))
        }
    }
}

fn obey(line: &CommandLine) -> Report {
    let form = if line.json { Form::Json } else { Form::Text };
    let option = line.config.as_deref();
    let with_file =
        |argument: Option<&Path>, verb: &dyn Fn(&Path) -> Report| match locate::configuration(
            argument,
            option,
            &system_environment,
        ) {
            Ok(file) => verb(&file),
            Err(report) => report,
        };
    match &line.verb {
        Verb::Run { file, watch } => with_file(file.as_deref(), &|file| match load(file) {
            Ok(loaded) => {
                let watching = if *watch { Watching::Always } else { Watching::Never };
                run::run(loaded, Some(file), watching, form)
            }
            Err(report) => report,
        }),
        Verb::Demo(ports) => demo::demo(*ports, form),
        Verb::Check(arguments) => with_file(arguments.file.as_deref(), &|file| {
            let strictness =
                if arguments.strict { Strictness::Strict } else { Strictness::Lenient };
            let format = if line.json { CheckFormat::Json } else { arguments.format };
            check::check(file, strictness, format, colour(), &system_environment)
        }),
        Verb::Config(ConfigVerb::Init) => config::init(),
        Verb::Config(ConfigVerb::Show) => with_file(None, &|file| match load(file) {
            Ok(loaded) => config::show(&loaded, form),
            Err(report) => report,
        }),
        Verb::Config(ConfigVerb::Schema) => config::schema(),
        Verb::Errors { format } => {
            // The operator's codes and texts belong to the list, but it needs no file.
            let file = locate::configuration(None, option, &system_environment).ok();
            errors(file.as_deref(), if line.json { ErrorsFormat::Json } else { *format })
        }
        Verb::Explain { code } => {
            // A file that is refused must not keep the refusal from being explained.
            let file = locate::configuration(None, option, &system_environment).ok();
            let loaded = file.and_then(|file| load(&file).ok());
            match loaded.map_or_else(built_in, |loaded| Ok(loaded.config.errors.catalogue)) {
                Ok(catalogue) => explain::explain(code, &catalogue, form),
                Err(report) => report,
            }
        }
        Verb::Route(arguments) => with_file(None, &|file| route(file, arguments, form)),
        Verb::Flow(asked) => with_file(None, &|file| match load(file) {
            Ok(loaded) => {
                let Flow { name, data, mocks, graph } = asked;
                let data = data.as_deref();
                let question = flow::Question { name, data, mocks, graph: *graph };
                flow::flow(&loaded.config, &question, &system_environment, form)
            }
            Err(report) => report,
        }),
        Verb::Status(running) => control(Said::Status, running, option, form),
        Verb::Reload(running) => control(Said::Reload, running, option, form),
        Verb::Drain(running) => control(Said::Drain, running, option, form),
        Verb::Maintenance(verb) => match verb {
            MaintenanceVerb::On { route, until, text, allow, running } => {
                let until = until.as_deref();
                if let Some(sentence) = args::unfit(text, until) {
                    return Report::failed(Exit::Usage, sentence);
                }
                let said = Said::MaintenanceOn { routes: route, until, texts: text, allow };
                control(said, running, option, form)
            }
            MaintenanceVerb::Off { route, running } => {
                control(Said::MaintenanceOff { routes: route }, running, option, form)
            }
            MaintenanceVerb::List(running) => control(Said::MaintenanceList, running, option, form),
        },
        Verb::Upstream(verb) => match verb {
            UpstreamVerb::List(running) => control(Said::UpstreamList, running, option, form),
            UpstreamVerb::Drain(EndpointName { upstream, endpoint, running }) => {
                control(Said::UpstreamDrain { upstream, endpoint }, running, option, form)
            }
            UpstreamVerb::Ready(EndpointName { upstream, endpoint, running }) => {
                control(Said::UpstreamReady { upstream, endpoint }, running, option, form)
            }
        },
        Verb::Key(KeyVerb::New(asked)) => key::new(asked, form),
        Verb::Version => version::version(form),
        Verb::Completions { shell } => completions::completions(*shell),
        Verb::Man => man::man(),
    }
}

fn control(said: Said<'_>, running: &Running, option: Option<&Path>, form: Form) -> Report {
    let file = locate::configuration(None, option, &system_environment);
    control::say(said, running.socket.as_deref(), file, &system_environment, form)
}

fn load(file: &Path) -> Result<Loaded, Report> {
    let told = |refused: Refused| Report {
        out: String::new(),
        err: refused.human(colour()),
        exit: Exit::Refused,
    };
    load_file(file, &system_environment).map_err(told)
}

fn colour() -> Colour {
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        Colour::Always
    } else {
        Colour::Never
    }
}

/// The catalogue of a configuration, or guichet's own where there is none.
fn errors(file: Option<&Path>, format: ErrorsFormat) -> Report {
    let loaded = match file.map(load).transpose() {
        Ok(loaded) => loaded,
        Err(report) => return report,
    };
    if let Some(loaded) = loaded {
        return Report::fine(errors::render(&loaded.config.errors.catalogue, format));
    }
    match built_in() {
        Ok(catalogue) => Report::fine(errors::render(&catalogue, format)),
        Err(report) => report,
    }
}

fn built_in() -> Result<Arc<Catalogue>, Report> {
    let languages: Vec<String> = defaults::LANGUAGES.iter().map(|tag| (*tag).to_owned()).collect();
    Catalogue::new(defaults::PREFIX, None, &languages, &[])
        .map(Arc::new)
        .map_err(|_| Report::failed(Exit::Failed, "the built-in catalogue is incomplete"))
}

fn route(file: &Path, arguments: &Route, form: Form) -> Report {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(report) => return report,
    };
    let body = match arguments.data.as_deref().map(data).transpose() {
        Ok(body) => body,
        Err(error) => return Report::failed(Exit::Failed, error),
    };
    let question = route::Question {
        request: arguments.request.clone(),
        headers: arguments.headers.clone(),
        body,
        cause: arguments.cause.clone(),
    };
    match route::answer(&loaded.config, &question) {
        Ok(answer) => Report::fine(match form {
            Form::Text => answer.text,
            Form::Json => format!("{:#}\n", answer.json),
        }),
        Err(sentence) => Report::failed(Exit::Usage, sentence),
    }
}

/// A body as `-d` gives it: text, or `@FILE`.
fn data(data: &str) -> Result<route::Data, String> {
    let Some(path) = data.strip_prefix('@') else {
        return Ok(route::Data { length: data.len() as u64, bytes: data.into() });
    };
    let read = || {
        let file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.take(route::Data::MOST).read_to_end(&mut bytes)?;
        Ok(route::Data { length: length.max(bytes.len() as u64), bytes })
    };
    read().map_err(|error: std::io::Error| format!("cannot read {path}: {error}"))
}
