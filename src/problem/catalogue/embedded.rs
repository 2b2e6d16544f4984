//! The texts that come with guichet: `config/catalogue/*.toml`, one file per language, compiled
//! into the binary and read when a catalogue is built.

use toml::{Table, Value};

use super::template::Template;
use crate::problem::code::BuiltIn;

/// Languages that guichet speaks by itself.
pub(super) const LANGUAGES: &[&str] = &["fr", "en"];

/// guichet's texts in one language.
#[derive(Clone, Debug)]
pub(super) struct Edition {
    /// Small words around the texts.
    pub(super) words: Words,
    /// One per built-in code, in the order of [`BuiltIn::ALL`].
    pub(super) wordings: Vec<Wording>,
}

/// What one code says in one language.
#[derive(Clone, Debug)]
pub(super) struct Wording {
    /// The short name.
    pub(super) title: String,
    /// When the code is used, for developers; empty for an operator's code.
    pub(super) when: String,
    /// From the most precise to the plainest; never empty.
    pub(super) variants: Vec<Template>,
}

/// Words that stand around the texts or inside their placeholders.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// Label of the code.
    pub(super) code: String,
    /// Label of the request id.
    pub(super) request_id: String,
    /// Where a parameter stands: path, query, header, cookie, body.
    pub(super) places: [String; 5],
    /// What is said of a parameter that nobody declared; none in a language that guichet does not
    /// speak.
    pub(super) unknown: Option<Template>,
    /// Second, minute, hour, day: for one and for several.
    pub(super) units: [[String; 2]; 4],
}

impl Words {
    /// Words for a language that guichet does not speak: symbols and technical terms.
    pub(super) fn neutral() -> Self {
        let unit = |symbol: &str| [symbol.to_owned(), symbol.to_owned()];
        Self {
            code: "Code".into(),
            request_id: "ID".into(),
            places: PLACES.map(Into::into),
            unknown: None,
            units: [unit("s"), unit("min"), unit("h"), unit("d")],
        }
    }
}

/// The edition for a language tag: `fr-CA` reads French. None if guichet does not speak it.
///
/// # Errors
/// A mistake in a file that ships with guichet: tests keep that from happening.
pub(super) fn edition(tag: &str) -> Result<Option<Edition>, String> {
    let primary = tag.split('-').next().unwrap_or_default();
    let found = LANGUAGES.iter().find(|known| known.eq_ignore_ascii_case(primary));
    let Some(language) = found else { return Ok(None) };
    let source = if *language == "fr" { FRENCH } else { ENGLISH };
    let wrong = |message| format!("guichet's own texts cannot be read: {message}");
    read(source).map(Some).map_err(wrong)
}

fn read(source: &str) -> Result<Edition, String> {
    let file: Table = source.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let words = file.get("words").and_then(Value::as_table).and_then(words);
    let words = words.ok_or("the table [words] is incomplete")?;
    let wordings = BuiltIn::ALL.iter().map(|code| {
        let name = code.row().name;
        let entry = file.get(name).and_then(Value::as_table);
        entry
            .and_then(wording)
            .ok_or_else(|| format!("the entry [{name}] is missing or incomplete"))
    });
    Ok(Edition { words, wordings: wordings.collect::<Result<_, _>>()? })
}

fn wording(entry: &Table) -> Option<Wording> {
    let texts = entry.get("texts")?.as_array()?;
    let variants: Vec<_> =
        texts.iter().map(|text| Template::compile(text.as_str()?).ok()).collect::<Option<_>>()?;
    // The plainest text must always be sayable.
    variants.last()?.fixed()?;
    Some(Wording { title: text(entry, "title")?, when: text(entry, "when")?, variants })
}

fn words(table: &Table) -> Option<Words> {
    let unit = |name: &str| match table.get(name)?.as_array()?.as_slice() {
        [one, many] => Some([one.as_str()?.to_owned(), many.as_str()?.to_owned()]),
        _ => None,
    };
    let [path, query, header, cookie, body] = PLACES.map(|name| text(table, name));
    Some(Words {
        code: text(table, "code")?,
        request_id: text(table, "request_id")?,
        places: [path?, query?, header?, cookie?, body?],
        unknown: Some(Template::compile(&text(table, "unknown")?).ok()?),
        units: [unit("second")?, unit("minute")?, unit("hour")?, unit("day")?],
    })
}

fn text(table: &Table, name: &str) -> Option<String> {
    table.get(name)?.as_str().map(str::to_owned)
}

const PLACES: [&str; 5] = ["path", "query", "header", "cookie", "body"];
const FRENCH: &str = include_str!("../../../config/catalogue/fr.toml");
const ENGLISH: &str = include_str!("../../../config/catalogue/en.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    fn editions() -> Vec<(&'static str, Edition)> {
        LANGUAGES.iter().map(|tag| (*tag, edition(tag).unwrap().unwrap())).collect()
    }

    #[test]
    fn every_language_says_the_same_with_the_same_placeholders() {
        let editions = editions();
        let (_, first) = &editions[0];
        for (tag, edition) in &editions {
            assert_eq!(edition.wordings.len(), BuiltIn::ALL.len());
            for (at, code) in BuiltIn::ALL.iter().enumerate() {
                let sets = |edition: &Edition| -> Vec<_> {
                    edition.wordings[at].variants.iter().map(Template::placeholder_set).collect()
                };
                assert_eq!(sets(edition), sets(first), "{tag} {}", code.row().name);
            }
        }
    }

    #[test]
    fn no_entry_is_left_over() {
        for source in [FRENCH, ENGLISH] {
            let file: Table = source.parse().unwrap();
            for name in file.keys().filter(|name| *name != "words") {
                assert!(BuiltIn::by_name(name).is_some(), "{name} is no code");
            }
        }
    }

    #[test]
    fn texts_are_sentences_and_titles_are_not() {
        for (tag, edition) in editions() {
            for wording in &edition.wordings {
                assert!(!wording.title.ends_with('.'), "{tag}: {}", wording.title);
                assert!(wording.when.ends_with('.'), "{tag}: {}", wording.when);
                for text in &wording.variants {
                    assert!(text.to_string().ends_with('.'), "{tag}: {text}");
                }
            }
        }
    }

    #[test]
    fn french_has_its_spaces_and_no_typewriter_quotes() {
        let (_, french) = editions().remove(0);
        for wording in &french.wordings {
            let variants = wording.variants.iter().map(ToString::to_string);
            for text in variants.chain([wording.title.clone(), wording.when.clone()]) {
                let chars: Vec<_> = text.chars().collect();
                for (at, mark) in chars.iter().enumerate() {
                    let before = at.checked_sub(1).map(|at| chars[at]);
                    match mark {
                        ';' | '?' | '!' => assert_eq!(before, Some('\u{202f}'), "{text}"),
                        ':' | '»' => assert_eq!(before, Some('\u{a0}'), "{text}"),
                        '«' => assert_eq!(chars[at + 1], '\u{a0}', "{text}"),
                        '\'' | '"' => panic!("{text}"),
                        _ => {}
                    }
                }
            }
        }
    }

    #[test]
    fn regional_tags_read_their_language() {
        assert!(edition("fr-CA").unwrap().is_some());
        assert!(edition("EN").unwrap().is_some());
        assert!(edition("de").unwrap().is_none());
        assert!(edition("").unwrap().is_none());
    }

    #[test]
    fn places_stand_in_the_order_of_their_type() {
        let places = [Place::Path, Place::Query, Place::Header, Place::Cookie, Place::Body];
        assert_eq!(places.map(Place::as_str), PLACES);
    }
}
