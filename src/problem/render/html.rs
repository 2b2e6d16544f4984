//! A small page for people: one language, no script, nothing fetched from anywhere, and readable
//! without its few lines of style.

use super::facts::Facts;
use super::xml::escape;

/// The whole page.
pub(super) fn page(facts: &Facts<'_>) -> String {
    let mut out = String::with_capacity(facts.capacity() + STYLE.len() + 512);
    let (code_label, id_label) = facts.catalogue.labels(facts.reply.language);
    out.push_str("<!doctype html>\n<html lang=\"");
    escape(facts.language(), &mut out);
    out.push_str("\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    escape(facts.title(), &mut out);
    out.push_str("</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n");
    out.push_str("<meta name=\"robots\" content=\"noindex\">\n");
    out.push_str(STYLE);
    out.push_str("</head>\n<body>\n<main>\n<h1>");
    escape(facts.title(), &mut out);
    out.push_str("</h1>\n<p>");
    facts.message.pieces(&mut |piece| escape(piece, &mut out));
    out.push_str("</p>\n");
    violations(facts, &mut out);
    out.push_str("<dl>\n");
    term(&mut out, code_label, facts.code);
    term(&mut out, id_label, facts.request_id.as_str());
    out.push_str("</dl>\n</main>\n</body>\n</html>\n");
    out
}

/// The other parameters: the message speaks of the first one already.
fn violations(facts: &Facts<'_>, out: &mut String) {
    let violations = facts.problem.violations();
    if violations.len() < 2 {
        return;
    }
    out.push_str("<ul>\n");
    for (at, violation) in violations.iter().enumerate().skip(1) {
        out.push_str("<li>");
        let message = facts.violation_message(at, violation);
        message.pieces(&mut |piece| escape(piece, out));
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

fn term(out: &mut String, label: &str, value: &str) {
    out.push_str("<dt>");
    escape(label, out);
    out.push_str("</dt>\n<dd><code translate=\"no\">");
    escape(value, out);
    out.push_str("</code></dd>\n");
}

const STYLE: &str = "<style>
:root { color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif }
main { max-width: 36rem; margin: 12vh auto; padding: 0 1rem }
h1 { line-height: 1.2 }
dt { font-size: .85em; margin-top: .8em }
dd { margin: 0; overflow-wrap: anywhere }
</style>
";
