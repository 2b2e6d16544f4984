//! The catalogue as a page of a documentation site; `docs/codes.md` is this page.

use std::fmt::Write as _;

use super::{languages, one_line, reading_language};
use crate::problem::{Catalogue, Code, Placeholder};

/// The whole page.
pub(super) fn render(catalogue: &Catalogue) -> String {
    let mut out = String::from(HEAD);
    // Writing into a String cannot fail, here and below.
    for code in catalogue.codes() {
        let _ = writeln!(
            out,
            "| [`{full}`](#{anchor}) | {status} | `{graphql}` | {grpc} |",
            full = catalogue.full_code_text(code),
            anchor = catalogue.name(code).to_ascii_lowercase(),
            status = catalogue.code_status(code),
            graphql = catalogue.graphql(code),
            grpc = catalogue.grpc(code).as_str(),
        );
    }
    out.push_str(PLACEHOLDERS);
    for (at, placeholder) in Placeholder::ALL.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}`{{{}}}`", placeholder.as_str());
    }
    out.push_str(".\n");
    for code in catalogue.codes() {
        section(catalogue, code, &mut out);
    }
    out
}

fn section(catalogue: &Catalogue, code: Code, out: &mut String) {
    let _ = writeln!(out, "\n## {}\n", catalogue.name(code));
    let status = catalogue.code_status(code);
    let when = catalogue.when(code, reading_language(catalogue));
    let _ = writeln!(out, "Status {status}. {}\n", when.unwrap_or("Added by the operator."));
    for (tag, language) in languages(catalogue) {
        let title = catalogue.title(code, language);
        let text = quoted(&catalogue.template(code, language));
        let _ = writeln!(out, "- {tag}: **{title}** – {text}");
    }
    if let Some(link) = catalogue.link(code) {
        let _ = writeln!(out, "\n<{link}>");
    }
}

/// A text of the catalogue, so that nothing in it reads as Markdown.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in one_line(text).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '<' | '[' | ']' | '|' | '#' | '&')
            && !out.ends_with('{')
        {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

const HEAD: &str = "# Error codes

This page is written by `guichet errors --format markdown`; do not edit it by hand.

Every error that a client meets carries one of these codes, in its body and in the header
`error-code`. A code never changes its name or its status.

| code | status | GraphQL | gRPC |
|---|---|---|---|
";
const PLACEHOLDERS: &str = "
Texts are shown with their placeholders. Where a value is not known, a plainer text is shown
instead. Texts of your own can use ";
