//! What a schema finds wrong, in the words of guichet: the place by JSON pointer, and what would have
//! been right in each configured language. The library's own sentences quote the document, which is
//! the client's, so they are not used.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Wrong};
use jsonschema::types::JsonType;
use serde_json::Value;

use super::strict::below;
use crate::parameter::{Phrase, Tongue};
use crate::problem::{BuiltIn, Place, Reason, Violation};

/// Violations as they are found, one for each place.
pub(super) struct Told<'t> {
    tongues: &'t [Tongue],
    said: Vec<Violation>,
}

impl<'t> Told<'t> {
    pub(super) fn new(tongues: &'t [Tongue]) -> Self {
        Self { tongues, said: Vec::new() }
    }

    /// Takes one error; whether another one would still be told.
    #[allow(clippy::wildcard_enum_match_arm, reason = "`phrase` has a word for each kind")]
    pub(super) fn take(&mut self, error: &ValidationError<'_>) -> bool {
        let at = error.instance_path().as_str();
        match error.kind() {
            Wrong::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                self.say(format!("{at}{}", below(name, "")), Reason::Missing, &|_| String::new());
            }
            Wrong::AdditionalProperties { unexpected }
            | Wrong::UnevaluatedProperties { unexpected } => {
                for name in unexpected.iter().take(MOST) {
                    self.say(format!("{at}{}", below(name, "")), Reason::Unknown, &|_| {
                        String::new()
                    });
                }
            }
            Wrong::FalseSchema if !at.is_empty() => {
                self.say(at.to_owned(), Reason::Unknown, &|_| String::new());
            }
            Wrong::MinLength { .. } if error.instance().as_str() == Some("") => {
                let say = |tongue| Phrase::NotEmpty.say(tongue).to_owned();
                self.say(at.to_owned(), Reason::Empty, &say);
            }
            kind => self.say(at.to_owned(), Reason::Invalid, &|tongue| phrase(kind, tongue)),
        }
        self.said.len() < MOST
    }

    /// Everything, and never nothing.
    pub(super) fn close(mut self) -> Vec<Violation> {
        if self.said.is_empty() {
            self.say(String::new(), Reason::Invalid, &|tongue| phrase(&Wrong::FalseSchema, tongue));
        }
        self.said
    }

    fn say(&mut self, mut name: String, reason: Reason, say: &dyn Fn(Tongue) -> String) {
        name.truncate(name.floor_char_boundary(LONGEST_NAME));
        if self.said.len() == MOST || self.said.iter().any(|known| known.name == name) {
            return;
        }
        let code = match reason {
            Reason::Missing => BuiltIn::MissingParameter,
            Reason::Empty | Reason::Invalid | Reason::Unknown => BuiltIn::InvalidParameter,
        };
        let expected = self.tongues.iter().map(|tongue| say(*tongue)).collect();
        self.said.push(Violation { name, place: Some(Place::Body), code, reason, expected });
    }
}

/// What was expected. Bounds and choices are the schema's, which the operator publishes with it.
fn phrase(wrong: &Wrong, tongue: Tongue) -> String {
    let french = match tongue {
        Tongue::French => true,
        Tongue::English => false,
        Tongue::Other => return String::new(),
    };
    let fixed = |fr: &str, en: &str| if french { fr.to_owned() } else { en.to_owned() };
    let with = |fr: &str, en: &str, value: &dyn std::fmt::Display| {
        format!("{} {value}", if french { fr } else { en })
    };
    match wrong {
        Wrong::Type { kind } => types(kind, french),
        Wrong::Enum { options } => match options.as_array() {
            Some(options) if !options.is_empty() => choice(options, french),
            Some(_) | None => fixed("une des valeurs permises", "one of the allowed values"),
        },
        Wrong::Constant { expected_value } => choice(std::slice::from_ref(expected_value), french),
        Wrong::Minimum { limit } => with("un nombre d’au moins", "a number of at least", limit),
        Wrong::Maximum { limit } => with("un nombre d’au plus", "a number of at most", limit),
        Wrong::ExclusiveMinimum { limit } => with("un nombre supérieur à", "a number above", limit),
        Wrong::ExclusiveMaximum { limit } => with("un nombre inférieur à", "a number below", limit),
        Wrong::MultipleOf { multiple_of } => with("un multiple de", "a multiple of", multiple_of),
        Wrong::MinLength { limit } => {
            with("un nombre de caractères d’au moins", "a number of characters of at least", limit)
        }
        Wrong::MaxLength { limit } => {
            with("un nombre de caractères d’au plus", "a number of characters of at most", limit)
        }
        Wrong::MinItems { limit } => {
            with("un nombre d’éléments d’au moins", "a number of items of at least", limit)
        }
        Wrong::MaxItems { limit } => {
            with("un nombre d’éléments d’au plus", "a number of items of at most", limit)
        }
        Wrong::MinProperties { limit } => {
            with("un nombre de membres d’au moins", "a number of members of at least", limit)
        }
        Wrong::MaxProperties { limit } => {
            with("un nombre de membres d’au plus", "a number of members of at most", limit)
        }
        Wrong::AdditionalItems { limit } => {
            with("un nombre d’éléments d’au plus", "a number of items of at most", limit)
        }
        Wrong::UnevaluatedItems { .. } => {
            fixed("pas d’autres éléments que ceux du schéma", "no items but those of the schema")
        }
        Wrong::UniqueItems => fixed("des éléments tous différents", "items that all differ"),
        Wrong::Pattern { pattern } => {
            with("un texte qui suit le motif", "a text that follows the pattern", pattern)
        }
        Wrong::Format { format } => with("un texte au format", "a text of the format", format),
        Wrong::Contains => {
            fixed("un élément que le schéma demande", "an item that the schema asks for")
        }
        Wrong::AnyOf { .. } | Wrong::OneOfNotValid { .. } => fixed(
            "l’une des formes que le schéma permet",
            "one of the forms that the schema allows",
        ),
        Wrong::OneOfMultipleValid { .. } => fixed(
            "une seule des formes que le schéma permet",
            "just one of the forms that the schema allows",
        ),
        Wrong::PropertyNames { .. } => {
            fixed("des noms que le schéma permet", "names that the schema allows")
        }
        Wrong::Not { .. }
        | Wrong::FalseSchema
        | Wrong::BacktrackLimitExceeded { .. }
        | Wrong::RegexEngineFailure { .. }
        | Wrong::ContentEncoding { .. }
        | Wrong::ContentMediaType { .. }
        | Wrong::Custom { .. }
        | Wrong::FromUtf8 { .. }
        | Wrong::Referencing(_)
        | Wrong::Required { .. }
        | Wrong::AdditionalProperties { .. }
        | Wrong::UnevaluatedProperties { .. } => {
            fixed("ce que le schéma permet", "what the schema allows")
        }
    }
}

fn types(kind: &TypeKind, french: bool) -> String {
    let word = |kind: JsonType| match (kind, french) {
        (JsonType::Null, _) => "null",
        (JsonType::Boolean, true) => "true ou false",
        (JsonType::Boolean, false) => "true or false",
        (JsonType::Integer, true) => "un nombre entier",
        (JsonType::Integer, false) => "a whole number",
        (JsonType::Number, true) => "un nombre",
        (JsonType::Number, false) => "a number",
        (JsonType::String, true) => "un texte",
        (JsonType::String, false) => "a text",
        (JsonType::Array, true) => "une liste",
        (JsonType::Array, false) => "a list",
        (JsonType::Object, true) => "un objet",
        (JsonType::Object, false) => "an object",
    };
    let words: Vec<&str> = match kind {
        TypeKind::Single(kind) => vec![word(*kind)],
        TypeKind::Multiple(kinds) => kinds.iter().map(word).collect(),
    };
    words.join(if french { " ou " } else { " or " })
}

fn choice(options: &[Value], french: bool) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.chars().take(LONGEST_CHOICE).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => "…".to_owned(),
    };
    let shown: Vec<String> = options.iter().take(MOST_CHOICES).map(plain).collect();
    let more = if options.len() > shown.len() { "…" } else { "" };
    match shown.as_slice() {
        [front @ .., last] if !front.is_empty() && more.is_empty() => {
            format!("{}{}{last}", front.join(", "), if french { " ou " } else { " or " })
        }
        all => format!("{}{more}", all.join(", ")),
    }
}

const MOST: usize = 50;
const MOST_CHOICES: usize = 20;
const LONGEST_CHOICE: usize = 100;
const LONGEST_NAME: usize = 200;
