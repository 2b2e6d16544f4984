//! The values that hold, and where each came from. The text is TOML and reads back as the same
//! configuration, except that secrets are `***`.

use std::fmt::Write as _;
use std::path::PathBuf;

use aws_lc_rs::digest;

use super::diagnostic::Report;
use super::keys::{Default, Key, Kind, Others, ROOT, Shape};
use super::parse;
use super::source::{Place, Sources};
use super::substitute::{self, escape};
use super::tree::{Entry, Node, Table, Value};

/// The merged configuration after substitution, as it was taken.
#[derive(Debug)]
pub struct Effective {
    root: Table,
    /// Of what the values name and is read with them: documents and schemas.
    beside: Vec<[u8; 32]>,
}

impl Effective {
    pub(crate) fn new(root: Table, sources: &Sources) -> Self {
        Self { root, beside: sources.digests().copied().collect() }
    }

    /// The values as TOML, each followed by `# file:line` or `# default`.
    pub fn to_toml(&self, sources: &Sources) -> String {
        let out = self.write(Some(sources), Secrets::Hidden);
        out.trim_start().to_owned()
    }

    /// The values as JSON, without where they came from.
    pub fn to_json(&self) -> serde_json::Value {
        let mut sources = Sources::default();
        let file = sources.add(String::new(), PathBuf::new(), self.write(None, Secrets::Hidden));
        let mut report = Report::default();
        // The text is guichet's own, so reading it back finds nothing to report.
        let parsed = parse::parse(file, &sources, &mut report).map(|root| {
            let mut root = root;
            // What was written for reading back, `$$`, is a plain dollar again.
            let plain = |entry: &&mut Entry| !substitute::holds_expressions(&entry.key);
            for entry in root.entries.iter_mut().filter(plain) {
                substitute::substitute(&mut entry.node, &sources, &|_| None, &mut report);
            }
            Node { place: Place::new(file, &(0..0)), value: Value::Table(root) }.to_json()
        });
        parsed.unwrap_or_default()
    }

    /// Sixteen hexadecimal digits that change whenever a value does, or a document or schema that one
    /// names, and only then: comments, the layout of the file and where a value stands do not matter.
    pub fn fingerprint(&self) -> String {
        let values = self.write(None, Secrets::Named);
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(values.as_bytes());
        self.beside.iter().for_each(|digest| context.update(digest));
        context.finish().as_ref().iter().take(8).fold(String::new(), |mut hex, byte| {
            // Writing into a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn write(&self, sources: Option<&Sources>, secrets: Secrets) -> String {
        let manner = Manner { secrets, expressions: false };
        let mut writer = Writer { sources, manner, out: String::new() };
        writer.table(&self.root, &ROOT, "");
        writer.out
    }
}

/// What stands for a secret. Neither is the secret, which is not read here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    /// `***`.
    Hidden,
    /// Where it is read from: this must never leave the process.
    Named,
}

/// How values are written.
#[derive(Clone, Copy)]
struct Manner {
    secrets: Secrets,
    /// Whether strings hold expressions, which stand there as they were written.
    expressions: bool,
}

struct Writer<'s> {
    /// None where only the values matter.
    sources: Option<&'s Sources>,
    manner: Manner,
    out: String,
}

impl Writer<'_> {
    /// Values first, tables after them: in TOML a table ends where the next one begins.
    fn table(&mut self, table: &Table, shape: &'static Shape, path: &str) {
        for key in shape.keys.iter().filter(|key| key.is_now()) {
            let entry = table.entry(key.name);
            if !is_section(key, entry) && key.name != "include" {
                self.value(key, entry);
            }
        }
        let others = shape.others.as_ref();
        for entry in chosen(table, shape) {
            if others.is_some_and(|others| !is_chosen_section(others, entry)) {
                let kind = others.map_or(&Kind::Any, |others| &others.kind);
                self.line(
                    &quoted_key(&entry.key),
                    &inline(&entry.node, kind, self.manner),
                    entry.node.place,
                );
            }
        }
        for key in shape.keys.iter().filter(|key| key.is_now()) {
            let entry = table.entry(key.name);
            if is_section(key, entry) {
                self.section(key, entry, path);
            }
        }
        for entry in chosen(table, shape) {
            let section = others.filter(|others| is_chosen_section(others, entry));
            if let Some(inner) = section.and_then(|others| others.kind.shape()) {
                let path = join(path, &entry.key);
                self.header(&path, Brackets::Single);
                self.table(entry.node.as_table().unwrap_or(&EMPTY), inner, &path);
            }
        }
    }

    fn section(&mut self, key: &'static Key, entry: Option<&Entry>, path: &str) {
        if path.is_empty() {
            self.manner.expressions = substitute::holds_expressions(key.name);
        }
        let path = join(path, key.name);
        let Some(shape) = key.kind.shape() else { return };
        if let Kind::Tables(_) = key.kind {
            let items = entry.and_then(|entry| entry.node.as_array()).unwrap_or_default();
            for item in items {
                self.header(&path, Brackets::Double);
                self.table(item.as_table().unwrap_or(&EMPTY), shape, &path);
            }
            return;
        }
        let table = entry.and_then(|entry| entry.node.as_table()).unwrap_or(&EMPTY);
        // A table of named tables needs no header of its own.
        let plain = |others: &Others| {
            others.kind.shape().is_none() || matches!(others.kind, Kind::Either(_))
        };
        if !shape.keys.is_empty() || shape.others.as_ref().is_some_and(plain) {
            self.header(&path, Brackets::Single);
        }
        self.table(table, shape, &path);
    }

    fn value(&mut self, key: &'static Key, entry: Option<&Entry>) {
        match (entry, key.default) {
            (Some(entry), _) => {
                self.line(key.name, &inline(&entry.node, &key.kind, self.manner), entry.node.place);
            }
            (None, Default::Value(default)) => self.commented(key.name, default, "default"),
            (None, Default::None(words)) if self.sources.is_some() => {
                // Writing into a String cannot fail.
                let _ = writeln!(self.out, "# {} is not set: {words}", key.name);
            }
            (None, Default::Table | Default::None(_) | Default::Required) => {}
        }
    }

    fn line(&mut self, key: &str, value: &str, place: Place) {
        let from = self.sources.map_or_else(String::new, |sources| sources.label(place));
        self.commented(key, value, &from);
    }

    fn commented(&mut self, key: &str, value: &str, comment: &str) {
        // Writing into a String cannot fail. A file name with a line break must not end the comment.
        let comment = comment.replace(char::is_control, "?");
        let _ = match self.sources {
            Some(_) => writeln!(self.out, "{key} = {value}  # {comment}"),
            None => writeln!(self.out, "{key} = {value}"),
        };
    }

    fn header(&mut self, path: &str, brackets: Brackets) {
        let _ = match brackets {
            Brackets::Single => writeln!(self.out, "\n[{path}]"),
            Brackets::Double => writeln!(self.out, "\n[[{path}]]"),
        };
    }
}

#[derive(Clone, Copy)]
enum Brackets {
    Single,
    Double,
}

static EMPTY: Table = Table { entries: Vec::new() };

fn chosen<'t>(table: &'t Table, shape: &'static Shape) -> impl Iterator<Item = &'t Entry> {
    table.entries.iter().filter(|entry| shape.others.is_some() && shape.key(&entry.key).is_none())
}

/// Whether a key is shown under a header of its own.
fn is_section(key: &'static Key, entry: Option<&Entry>) -> bool {
    if key.kind.shape().is_none() {
        return false;
    }
    match entry.map(|entry| &entry.node.value) {
        None => matches!(key.default, Default::Table) || matches!(key.kind, Kind::Tables(_)),
        Some(Value::Table(_)) => true,
        Some(_) => matches!(key.kind, Kind::Tables(_)),
    }
}

/// The same for a key that the operator chose.
fn is_chosen_section(others: &Others, entry: &Entry) -> bool {
    !matches!(others.kind, Kind::Either(_))
        && others.kind.shape().is_some()
        && !matches!(entry.node.value, Value::String(_))
}

/// A value on one line, guided by its kind so that secrets are recognised wherever they stand.
fn inline(node: &Node, kind: &'static Kind, manner: Manner) -> String {
    match &node.value {
        value if manner.secrets == Secrets::Hidden && holds_secret(kind, value) => {
            "\"***\"".to_owned()
        }
        Value::String(text) if manner.expressions => quote(text),
        Value::String(text) => quote(&escape(text)),
        Value::Integer(number) => number.to_string(),
        // `{:?}` keeps the point of whole numbers, as TOML wants.
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(yes) => yes.to_string(),
        Value::Datetime(when) => when.clone(),
        Value::Broken => "\"\"".to_owned(),
        Value::Array(items) => {
            let of = element(kind);
            let items: Vec<_> = items.iter().map(|item| inline(item, of, manner)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) if table.entries.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let shape = kind.shape();
            let entries: Vec<_> = table
                .entries
                .iter()
                .map(|entry| {
                    let kind = shape.map_or(&Kind::Any, |shape| {
                        match (shape.key(&entry.key), &shape.others) {
                            (Some(key), _) => &key.kind,
                            (None, Some(others)) => &others.kind,
                            (None, None) => &Kind::Any,
                        }
                    });
                    format!("{} = {}", quoted_key(&entry.key), inline(&entry.node, kind, manner))
                })
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn holds_secret(kind: &Kind, value: &Value) -> bool {
    match kind {
        Kind::Secret => true,
        Kind::Either(kinds) => {
            matches!(value, Value::Table(_)) && kinds.iter().any(|kind| holds_secret(kind, value))
        }
        Kind::Text(_)
        | Kind::Duration { .. }
        | Kind::Size { .. }
        | Kind::Integer { .. }
        | Kind::Share
        | Kind::Number
        | Kind::Moment
        | Kind::Bool
        | Kind::False
        | Kind::Words { .. }
        | Kind::List { .. }
        | Kind::Table(_)
        | Kind::Tables(_)
        | Kind::Any => false,
    }
}

fn element(kind: &'static Kind) -> &'static Kind {
    match kind {
        Kind::List { of, .. } => of,
        Kind::Either(kinds) => {
            kinds.iter().find(|kind| matches!(kind, Kind::List { .. })).map_or(kind, element)
        }
        Kind::Text(_)
        | Kind::Duration { .. }
        | Kind::Size { .. }
        | Kind::Integer { .. }
        | Kind::Share
        | Kind::Number
        | Kind::Moment
        | Kind::Bool
        | Kind::False
        | Kind::Words { .. }
        | Kind::Secret
        | Kind::Table(_)
        | Kind::Tables(_)
        | Kind::Any => kind,
    }
}

fn join(path: &str, key: &str) -> String {
    let key = quoted_key(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A key, between quotes where TOML wants them.
fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if bare { key.to_owned() } else { quote(key) }
}

/// A basic string of TOML.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for found in text.chars() {
        match found {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            control if control.is_control() => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}
