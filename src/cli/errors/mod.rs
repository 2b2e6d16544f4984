//! `guichet errors`: the catalogue, for those who program against the API. Everything is read from
//! the catalogue itself, so what is printed is what is sent.

mod markdown;
mod openapi;
mod typescript;

use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::problem::{Catalogue, Cause, Code, Language, Problem};

/// How the catalogue is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ErrorsFormat {
    /// For a terminal.
    Table,
    /// For a documentation site.
    Markdown,
    /// For programs.
    Json,
    /// Schemas and responses to refer to from an OpenAPI 3.1 document.
    Openapi,
    /// Types for clients.
    Typescript,
}

/// Prints the catalogue.
pub fn render(catalogue: &Catalogue, format: ErrorsFormat) -> String {
    match format {
        ErrorsFormat::Table => table(catalogue),
        ErrorsFormat::Markdown => markdown::render(catalogue),
        ErrorsFormat::Json => pretty(&json(catalogue)),
        ErrorsFormat::Openapi => pretty(&openapi::document(catalogue)),
        ErrorsFormat::Typescript => typescript::render(catalogue),
    }
}

fn table(catalogue: &Catalogue) -> String {
    let language = reading_language(catalogue);
    let head = ["CODE", "STATUS", "GRAPHQL", "GRPC", "MESSAGE"].map(String::from);
    let rows = catalogue.codes().map(|code| {
        [
            catalogue.full_code_text(code).to_owned(),
            catalogue.code_status(code).to_string(),
            catalogue.graphql(code).to_owned(),
            catalogue.grpc(code).as_str().to_owned(),
            one_line(&catalogue.template(code, language)),
        ]
    });
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    // The first four columns are ASCII, so bytes are columns of the terminal.
    let widths = [width(0), width(1), width(2), width(3)];
    let mut out = String::new();
    for [code, status, graphql, grpc, message] in &rows {
        let [first, second, third, fourth] = widths;
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{code:first$}  {status:second$}  {graphql:third$}  {grpc:fourth$}  {message}"
        );
    }
    out
}

fn json(catalogue: &Catalogue) -> Value {
    let spoken = |say: &dyn Fn(Language) -> String| -> Value {
        let said = languages(catalogue).map(|(tag, language)| (tag.to_owned(), say(language)));
        Value::Object(said.map(|(tag, text)| (tag, Value::String(text))).collect::<Map<_, _>>())
    };
    let entries = catalogue.codes().map(|code| {
        json!({
            "code": catalogue.full_code_text(code),
            "name": catalogue.name(code),
            "built_in": matches!(code, Code::BuiltIn(_)),
            "status": catalogue.code_status(code),
            "graphql": catalogue.graphql(code),
            "grpc": catalogue.grpc(code).as_str(),
            "link": catalogue.link(code),
            "when": catalogue.when(code, reading_language(catalogue)),
            "title": spoken(&|language| catalogue.title(code, language).to_owned()),
            "message": spoken(&|language| catalogue.template(code, language)),
        })
    });
    entries.collect()
}

/// The configured languages in their order.
fn languages(catalogue: &Catalogue) -> impl Iterator<Item = (&str, Language)> {
    catalogue.languages().iter().map(String::as_str).zip((0..=u8::MAX).map(Language))
}

/// The language of explanations: the output's own words are English, so English where it is
/// configured, else the first.
fn reading_language(catalogue: &Catalogue) -> Language {
    let english = |(tag, _): &(&str, Language)| {
        tag.split('-').next().is_some_and(|primary| primary.eq_ignore_ascii_case("en"))
    };
    languages(catalogue).find(english).map_or(Language(0), |(_, language)| language)
}

/// What a client reads when nothing more is known than the code.
fn plain_message(catalogue: &Catalogue, code: Code, language: Language) -> String {
    let problem = Problem::new(Cause::Configured).with_code(code);
    catalogue.message(&problem, language).into_owned()
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests;
