//! Skims a GraphQL reply while it goes by: whether it has errors at its root, data beside them, and
//! errors or warnings that are data themselves. Pieces may end anywhere, members come in any order,
//! and names may be escaped; what is remembered is a few words, however long the reply.
//!
//! Only as much of the grammar is looked at as these questions need: what lies deeper than a member
//! of a payload is passed over. Whether a text is JSON at all is for those who read it whole.

use memchr::memchr2;

use super::Payload;
use super::kept_errors::KeptErrors;
use super::name::Name;

/// What a reply says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// It is an object with `data` or `errors`, or a list of such where several may be asked for, and
    /// it came to its end.
    pub is_graphql: bool,
    /// `errors` is a list of one or more.
    pub root_errors: bool,
    /// `data` is there and not null.
    pub data: bool,
    /// `data.<field>` has a list of errors, and no object or list beside it.
    pub refused: bool,
    /// `data.<field>` has a list of warnings.
    pub warned: bool,
}

/// Reads a reply piece by piece.
#[derive(Debug)]
pub struct ReplySkimmer {
    verdict: Verdict,
    batch: Batch,
    /// Open braces and brackets.
    depth: u32,
    /// One bit for each of the outer levels: whether it is an object.
    objects: u8,
    /// Which member is open on each of them.
    members: [Member; LEVELS],
    state: State,
    name: Name,
    /// A list whose first element is awaited, by its depth and what it would mean.
    awaited: Option<(u32, Member)>,
    /// Of the payload that is open: errors, and an object or a list beside them.
    errors: bool,
    sibling: bool,
    /// Whether the root has a member that makes it a reply.
    named: bool,
    /// Whether one of a batch had none.
    nameless: bool,
    /// Whether anything stands where nothing may.
    stray: bool,
    /// The errors at the root, where somebody wants to read them at the end.
    kept: Option<KeptErrors>,
}

/// Levels whose members are looked at: the root, `data`, a payload.
const LEVELS: usize = 3;

/// Whether replies may stand in a list, and where in it this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    Forbidden,
    Allowed,
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Other,
    Data,
    RootErrors,
    Errors,
    Warnings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a name, if the container is an object of an outer level.
    Name,
    /// Before a value, or behind one.
    Value,
    /// In a number or a word.
    Scalar,
    /// In a string; whether it is a name that matters.
    Text(bool),
    /// Behind a backslash in one.
    Escape(bool),
    /// In `\uXXXX`: digits still to come, and what they say so far.
    Hex(bool, u8, u16),
}

impl ReplySkimmer {
    /// A reply that is about to begin; several in a list, where the request may have held several.
    pub fn new(batch: bool) -> Self {
        Self {
            verdict: Verdict::default(),
            batch: if batch { Batch::Allowed } else { Batch::Forbidden },
            depth: 0,
            objects: 0,
            members: [Member::Other; LEVELS],
            state: State::Value,
            name: Name::default(),
            kept: None,
            awaited: None,
            errors: false,
            sibling: false,
            named: false,
            nameless: false,
            stray: false,
        }
    }

    /// The same, and keeps the errors at the root.
    pub fn keeping(batch: bool) -> Self {
        Self { kept: Some(KeptErrors::default()), ..Self::new(batch) }
    }

    /// The errors at the root that were kept, as a list; nothing where nobody wanted them.
    pub fn kept(&self) -> Option<String> {
        self.kept.as_ref().and_then(KeptErrors::list)
    }

    /// The next piece.
    pub fn read(&mut self, payload: &Payload, piece: &[u8]) {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            // Most of a reply is text that says nothing here.
            if self.state == State::Text(false) {
                let skipped = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                if let Some(kept) = &mut self.kept {
                    // With the byte that ends it.
                    kept.push(rest.get(..=skipped).unwrap_or(rest));
                }
                rest = rest.get(skipped..).unwrap_or_default();
                let Some((&byte, after)) = rest.split_first() else { return };
                self.state = if byte == b'"' { State::Value } else { State::Escape(false) };
                rest = after;
                continue;
            }
            self.take(payload, byte);
            if let Some(kept) = &mut self.kept {
                kept.push(&[byte]);
            }
            rest = after;
        }
    }

    /// What has been read, if that was all.
    pub fn verdict(&self) -> Verdict {
        let whole = self.depth == 0
            && self.batch != Batch::Open
            && self.named
            && !self.nameless
            && !self.stray;
        Verdict { is_graphql: whole, ..self.verdict }
    }

    fn take(&mut self, payload: &Payload, byte: u8) {
        match self.state {
            State::Text(named) => self.text(payload, byte, named),
            State::Escape(named) => self.escape(byte, named),
            State::Hex(named, left, value) => self.hex(byte, named, left, value),
            State::Name | State::Value | State::Scalar => self.structure(byte),
        }
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                if self.state == State::Scalar {
                    self.state = State::Value;
                }
            }
            b'"' if self.state == State::Name => {
                self.name.clear();
                self.state = State::Text(true);
            }
            b'"' => {
                self.value(byte);
                self.state = State::Text(false);
            }
            b':' => self.state = State::Value,
            b',' if self.depth == 2 => {
                self.kept.iter_mut().for_each(KeptErrors::mark);
                self.state = if self.is_object() { State::Name } else { State::Value };
            }
            b',' => self.state = if self.is_object() { State::Name } else { State::Value },
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => self.close(),
            _ if self.state == State::Scalar => {}
            _ => {
                self.value(byte);
                self.state = State::Scalar;
            }
        }
    }

    /// Whether the innermost container is an object whose members matter.
    fn is_object(&self) -> bool {
        self.level().is_some_and(|level| self.objects & (1 << level) != 0)
    }

    /// The outer level that is innermost now.
    fn level(&self) -> Option<usize> {
        let depth = usize::try_from(self.depth).unwrap_or(usize::MAX);
        (1..=LEVELS).contains(&depth).then(|| depth - 1)
    }

    /// The member that is open, with its level; only where all around it is what was looked for.
    fn member(&self) -> Option<(usize, Member)> {
        let level = self.level()?;
        let around = (1_u8 << (level + 1)) - 1;
        let fits =
            self.objects & around == around && (level == 0 || self.members[0] == Member::Data);
        fits.then(|| (level, self.members[level]))
    }

    /// A value begins, with this byte.
    fn value(&mut self, first: u8) {
        if self.depth == 0 {
            match self.batch {
                Batch::Open => self.named = false,
                Batch::Closed => self.stray = true,
                Batch::Forbidden | Batch::Allowed => {
                    self.stray |= self.named || self.objects != 0;
                    self.batch = Batch::Forbidden;
                }
            }
            self.stray |= first != b'{';
            return;
        }
        if let Some((_, member)) = self.awaited.take_if(|(depth, _)| *depth == self.depth) {
            match member {
                Member::RootErrors => self.verdict.root_errors = true,
                Member::Errors => self.errors = true,
                Member::Warnings => self.verdict.warned = true,
                Member::Data | Member::Other => {}
            }
        }
        let list = first == b'[';
        match self.member() {
            Some((0, Member::Data)) => {
                self.named = true;
                self.verdict.data &= self.batch == Batch::Open;
                self.verdict.data |= first != b'n';
            }
            Some((0, Member::RootErrors)) => {
                self.named = true;
                self.awaited = list.then_some((self.depth + 1, Member::RootErrors));
                if let Some(kept) = self.kept.as_mut().filter(|_| list) {
                    kept.begin();
                }
            }
            Some((1, _)) => (self.errors, self.sibling) = (false, false),
            Some((2, member @ (Member::Errors | Member::Warnings))) => {
                self.awaited = list.then_some((self.depth + 1, member));
            }
            Some((2, _)) => self.sibling |= list || first == b'{',
            Some(_) | None => {}
        }
    }

    fn open(&mut self, bracket: u8) {
        if self.batch == Batch::Allowed && bracket == b'[' {
            self.batch = Batch::Open;
            return;
        }
        self.value(bracket);
        self.depth = self.depth.saturating_add(1);
        let Some(level) = self.level() else {
            self.state = State::Value;
            return;
        };
        self.members[level] = Member::Other;
        let object = bracket == b'{';
        self.objects = (self.objects & !(1 << level)) | (u8::from(object) << level);
        self.state = if object { State::Name } else { State::Value };
    }

    fn close(&mut self) {
        self.awaited.take_if(|(depth, _)| *depth == self.depth);
        if self.depth == 3 && self.member().is_some() {
            self.verdict.refused |= self.errors && !self.sibling;
        }
        if self.depth == 2 {
            self.kept.iter_mut().for_each(KeptErrors::end);
        }
        self.state = State::Value;
        match (self.depth, self.batch) {
            (0, Batch::Open) => self.batch = Batch::Closed,
            (0, _) => self.stray = true,
            (1, _) => self.nameless |= !self.named,
            (2.., _) => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn text(&mut self, payload: &Payload, byte: u8, named: bool) {
        match byte {
            b'\\' => self.state = State::Escape(named),
            b'"' => {
                self.state = State::Value;
                if named {
                    self.named(payload);
                }
            }
            byte => self.name.push(byte),
        }
    }

    fn escape(&mut self, byte: u8, named: bool) {
        self.state = State::Text(named);
        match byte {
            b'u' => self.state = State::Hex(named, 4, 0),
            b'b' => self.name.push(8),
            b'f' => self.name.push(12),
            b'n' => self.name.push(b'\n'),
            b'r' => self.name.push(b'\r'),
            b't' => self.name.push(b'\t'),
            byte => self.name.push(byte),
        }
    }

    fn hex(&mut self, byte: u8, named: bool, left: u8, value: u16) {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
        let value = (value << 4) | digit.unwrap_or_default();
        if left > 1 {
            self.state = State::Hex(named, left - 1, value);
        } else {
            self.name.unit(value);
            self.state = State::Text(named);
        }
    }

    /// A name is over.
    fn named(&mut self, payload: &Payload) {
        let Some(level) = self.level() else { return };
        let name = self.name.known();
        let is = |names: &[Box<str>]| names.iter().any(|known| known.as_bytes() == name);
        self.members[level] = match (level, name) {
            (0, b"data") => Member::Data,
            (0, b"errors") => Member::RootErrors,
            (2, _) if is(payload.errors()) => Member::Errors,
            (2, _) if is(payload.warnings()) => Member::Warnings,
            _ => Member::Other,
        };
    }
}

#[cfg(test)]
mod tests;
