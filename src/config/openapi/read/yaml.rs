//! YAML by `saphyr-parser`, whose events are put together here: so the depth, and the size with every
//! alias written out, are bounded before anything grows.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{DEEPEST, Fault, MOST_NODES, twice};
use crate::config::source::{FileId, Place};
use crate::config::tree::{Entry, Node, Table, Value};

pub(super) fn read(file: FileId, text: &str) -> Result<Node, Fault> {
    let mut builder = Builder {
        file,
        offsets: Offsets::of(text),
        text,
        open: Vec::new(),
        anchors: HashMap::new(),
        left: MOST_NODES,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let start = builder.offsets.byte(error.marker().index());
            let end = text.ceil_char_boundary((start + 1).min(text.len()));
            Fault::new(start..end, format!("this is not YAML: {}", error.info()))
        })?;
        builder.take(event, span)?;
    }
    builder.root.ok_or_else(|| Fault::new(0..0, "the document is empty"))
}

/// Bytes by the number of their character, which is what the parser counts.
enum Offsets {
    Ascii(usize),
    Other(Vec<usize>),
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        Self::Other(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn byte(&self, index: usize) -> usize {
        match self {
            Self::Ascii(length) => index.min(*length),
            Self::Other(bytes) => {
                bytes.get(index).or_else(|| bytes.last()).copied().unwrap_or_default()
            }
        }
    }
}

/// A list or a table whose end has not come yet.
struct Open {
    place: Place,
    anchor: usize,
    /// Levels inside it.
    height: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Table(Vec<Entry>, Option<(String, Place)>),
}

/// What an alias stands for, with its size and its levels.
struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

struct Builder<'t> {
    file: FileId,
    offsets: Offsets,
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    left: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let at = self.range(span);
        let place = Place::new(self.file, &at);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Fault::new(at, "a second document begins here; there can be one"))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => {
                let Some(known) = self.anchors.get(&anchor) else {
                    return Err(Fault::new(at, "this alias stands for what contains it"));
                };
                let (size, height) = (known.size, known.height);
                self.room(size, height, &at)?;
                let node = self.anchors.get(&anchor).map(|known| known.node.clone());
                node.map_or(Ok(()), |node| self.put(node, height, at))
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.room(1, 0, &at)?;
                let is_text =
                    style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let is_key = self
                    .open
                    .last()
                    .is_some_and(|open| matches!(open.inside, Inside::Table(_, None)));
                let value = match is_text || is_key {
                    true => Value::String(text.into_owned()),
                    false => plain(&text),
                };
                let node = Node { place, value };
                self.keep(anchor, &node, 0, &at)?;
                self.put(node, 0, at)
            }
            Event::SequenceStart(anchor, _) => {
                self.begin(anchor, place, Inside::List(Vec::new()), at)
            }
            Event::MappingStart(anchor, _) => {
                self.begin(anchor, place, Inside::Table(Vec::new(), None), at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
        }
    }

    fn begin(
        &mut self,
        anchor: usize,
        place: Place,
        inside: Inside,
        at: Range<usize>,
    ) -> Result<(), Fault> {
        self.room(1, 1, &at)?;
        self.open.push(Open { place, anchor, height: 1, inside });
        Ok(())
    }

    fn end(&mut self, at: Range<usize>) -> Result<(), Fault> {
        let Some(Open { place, anchor, height, inside }) = self.open.pop() else { return Ok(()) };
        let value = match inside {
            Inside::List(items) => Value::Array(items),
            Inside::Table(entries, _) => match twice(&entries) {
                Some(fault) => return Err(fault),
                None => Value::Table(Table { entries }),
            },
        };
        let node = Node { place, value };
        self.keep(anchor, &node, height, &at)?;
        self.put(node, height, at)
    }

    fn put(&mut self, node: Node, height: usize, at: Range<usize>) -> Result<(), Fault> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.height = open.height.max(height + 1);
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Table(entries, key) => match key.take() {
                Some((key, place)) => entries.push(Entry { key, place, node }),
                None => {
                    let Value::String(name) = node.value else {
                        return Err(Fault::new(at, "a key is a plain name"));
                    };
                    if name == "<<" {
                        let message = "`<<` is not of YAML 1.2: write out what it merges";
                        return Err(Fault::new(at, message));
                    }
                    *key = Some((name, node.place));
                }
            },
        }
        Ok(())
    }

    fn room(&mut self, size: usize, height: usize, at: &Range<usize>) -> Result<(), Fault> {
        if self.open.len() + height > DEEPEST {
            return Err(Fault::new(at.clone(), "this is nested too deeply"));
        }
        self.left = self.left.checked_sub(size).ok_or_else(|| {
            let message =
                format!("there are more than {MOST_NODES} values once its aliases are written out");
            Fault::new(at.clone(), message)
        })?;
        Ok(())
    }

    /// Remembers what an alias may stand for; the parser numbers anchors from 1.
    fn keep(
        &mut self,
        anchor: usize,
        node: &Node,
        height: usize,
        at: &Range<usize>,
    ) -> Result<(), Fault> {
        if anchor > 0 {
            let size = size(node);
            self.room(size, 0, at)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, height });
        }
        Ok(())
    }

    /// Blanks that the parser counts to a value are not part of it.
    fn range(&self, span: Span) -> Range<usize> {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index()).max(start);
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end().len()
    }
}

fn size(node: &Node) -> usize {
    let items = node.as_array().unwrap_or_default().iter().map(size).sum::<usize>();
    let table = node.as_table().map_or(&[][..], |table| &table.entries);
    1 + items + table.iter().map(|entry| size(&entry.node)).sum::<usize>()
}

/// The core schema of YAML 1.2: `yes` and `on` are texts.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Broken,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        ".inf" | ".Inf" | ".INF" | "-.inf" | "-.Inf" | ".nan" | ".NaN" => return Value::Broken,
        _ => {}
    }
    let radix = |prefix, radix| {
        text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok())
    };
    if let Some(whole) = radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| text.parse().ok()) {
        return Value::Integer(whole);
    }
    let begins =
        text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number =
        begins.then(|| text.parse::<f64>().ok()).flatten().filter(|number| number.is_finite());
    number.map_or_else(|| Value::String(text.to_owned()), Value::Float)
}
