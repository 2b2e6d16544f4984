//! F9: the command line, one file per verb.
//!
//! `args` is what was typed, `output` what is printed and what exit codes mean; a verb turns the
//! first into the second and prints nothing itself.

mod args;
mod completions;
pub mod errors;
mod locate;
mod man;
mod output;
pub mod route;
mod run;
mod version;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use self::args::{Check, CheckFormat, CommandLine, ConfigVerb, ErrorsFormat, Route, Verb};
use self::output::{Exit, Form, Report};
use crate::config;
use crate::config::model::Config;

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
            &config::system_environment,
        ) {
            Ok(file) => verb(&file),
            Err(report) => report,
        };
    match &line.verb {
        Verb::Run { file } => with_file(file.as_deref(), &|file| match load(file) {
            Ok(config) => run::run(&config, form),
            Err(report) => report,
        }),
        Verb::Demo => demo(form),
        Verb::Check(arguments) => with_file(arguments.file.as_deref(), &|file| {
            check(file, arguments, if line.json { CheckFormat::Json } else { arguments.format })
        }),
        Verb::Config(ConfigVerb::Init) => config_init(),
        Verb::Config(ConfigVerb::Show) => with_file(None, &|file| config_show(file, form)),
        Verb::Config(ConfigVerb::Schema) => config_schema(),
        Verb::Errors { format } => {
            // The operator's codes and texts belong to the list, but it needs no file.
            let file = locate::configuration(None, option, &config::system_environment).ok();
            errors(file.as_deref(), if line.json { ErrorsFormat::Json } else { *format })
        }
        Verb::Explain { code } => explain(code, form),
        Verb::Route(arguments) => with_file(None, &|file| route(file, arguments, form)),
        Verb::Version => version::version(form),
        Verb::Completions { shell } => completions::completions(*shell),
        Verb::Man => man::man(),
    }
}

// SEAMS: each of these becomes a call of the file named after the verb.

fn load(file: &Path) -> Result<Arc<Config>, Report> {
    let _ = file;
    Err(absent("load"))
}

fn demo(form: Form) -> Report {
    let _ = form;
    absent("demo")
}

fn check(file: &Path, arguments: &Check, format: CheckFormat) -> Report {
    let _ = (file, arguments.strict, format);
    absent("check")
}

fn config_init() -> Report {
    absent("config init")
}

fn config_show(file: &Path, form: Form) -> Report {
    let _ = (file, form);
    absent("config show")
}

fn config_schema() -> Report {
    absent("config schema")
}

fn errors(file: Option<&Path>, format: ErrorsFormat) -> Report {
    let _ = (file, format);
    absent("errors")
}

fn explain(code: &str, form: Form) -> Report {
    let _ = (code, form);
    absent("explain")
}

fn route(file: &Path, arguments: &Route, form: Form) -> Report {
    let _ = (file, &arguments.request, &arguments.headers, &arguments.data, &arguments.cause, form);
    absent("route")
}

fn absent(verb: &str) -> Report {
    Report::failed(Exit::Failed, format!("{verb}: not built yet"))
}
