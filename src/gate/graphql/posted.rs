//! The JSON of a posted operation: its document, and what else decides about it. The rest is only
//! passed over, however deep it nests; a member that stands there twice is refused, because two
//! readers could take different ones.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// A posted operation.
#[derive(Debug, Default)]
pub(super) struct Posted<'j> {
    /// `query`.
    pub(super) document: Option<Cow<'j, str>>,
    /// `operationName`.
    pub(super) operation: Option<Cow<'j, str>>,
    /// Whether the server is to know the document from elsewhere: by `extensions.persistedQuery`,
    /// or by `documentId`.
    pub(super) is_persisted: bool,
}

impl<'de> Deserialize<'de> for Posted<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PostedVisitor)
    }
}

struct PostedVisitor;

impl<'de> Visitor<'de> for PostedVisitor {
    type Value = Posted<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Posted<'de>, A::Error> {
        const NAMES: [&str; 5] =
            ["query", "operationName", "variables", "extensions", "documentId"];
        let mut posted = Posted::default();
        let mut seen = [false; NAMES.len()];
        while let Some(Text(name)) = map.next_key()? {
            let known = NAMES.iter().position(|known| *known == name);
            if let Some(at) = known
                && std::mem::replace(&mut seen[at], true)
            {
                return Err(A::Error::duplicate_field(NAMES[at]));
            }
            match known {
                Some(0) => posted.document = map.next_value::<Option<Text<'_>>>()?.map(|it| it.0),
                Some(1) => posted.operation = map.next_value::<Option<Text<'_>>>()?.map(|it| it.0),
                Some(2) => {
                    map.next_value::<Option<Members>>()?;
                }
                Some(3) => {
                    let members = map.next_value::<Option<Members>>()?;
                    posted.is_persisted |= members.is_some_and(|it| it.has_persisted_query);
                }
                Some(_) => {
                    posted.is_persisted |= map.next_value::<Option<Text<'_>>>()?.is_some();
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(posted)
    }
}

/// A string, lent where it has no escapes.
struct Text<'j>(Cow<'j, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// An object, of which a single name matters.
struct Members {
    has_persisted_query: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut has_persisted_query = false;
        while let Some(Text(name)) = map.next_key()? {
            has_persisted_query |= name == "persistedQuery";
            map.next_value::<IgnoredAny>()?;
        }
        Ok(Members { has_persisted_query })
    }
}
