//! Reading JSON (RFC 8259) without its two loopholes: a name that stands twice in an object, which
//! two readers understand differently, and nesting without end.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a document is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not JSON; where and why, for the log.
    Syntax(String),
    /// It is nested too deeply.
    Deep,
    /// A name stands twice; the pointer to it.
    Twice(String),
}

/// Levels of arrays and objects.
pub(super) const DEEPEST: u8 = 64;

/// -2^63.
const LEAST: f64 = -9_223_372_036_854_775_808.0;

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Unfit> {
    let found = RefCell::new(None);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { left: DEEPEST, found: &found };
    let read = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    read.map_err(|error| found.take().unwrap_or_else(|| Unfit::Syntax(error.to_string())))
}

/// Puts a segment before a pointer (RFC 6901, section 3).
pub(in crate::parameter) fn below(name: &str, rest: &str) -> String {
    format!("/{}{rest}", name.replace('~', "~0").replace('/', "~1"))
}

#[derive(Clone, Copy)]
struct Seed<'f> {
    left: u8,
    /// What the reader's own errors cannot carry. Pointers grow on the way out of a failure, so
    /// that a document that is fine pays nothing for them.
    found: &'f RefCell<Option<Unfit>>,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(self.refuse(Unfit::Deep)),
        }
    }

    fn refuse<E: serde::de::Error>(self, unfit: Unfit) -> E {
        *self.found.borrow_mut() = Some(unfit);
        E::custom("refused")
    }

    fn leaving(self, name: &str) {
        if let Some(Unfit::Twice(pointer)) = &mut *self.found.borrow_mut() {
            *pointer = below(name, pointer);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        // The least integer of 64 bits comes as one. What comes as a double of this value is an integer
        // below it, rounded, and would pass for it; documents are only judged, and go on as they came.
        let rounded = number.to_bits() == LEAST.to_bits();
        let number = if rounded { LEAST.next_down() } else { number };
        let number = Number::from_f64(number).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        loop {
            match list.next_element_seed(inner) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Ok(Value::Array(items)),
                Err(error) => {
                    self.leaving(&items.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = pairs.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(Unfit::Twice(below(&name, ""))));
            }
            let value = pairs.next_value_seed(inner).inspect_err(|_| self.leaving(&name))?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn twice(text: &str) -> String {
        match read(text.as_bytes()) {
            Err(Unfit::Twice(pointer)) => pointer,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_found_wherever_it_is() {
        assert_eq!(twice(r#"{"a":1,"a":1}"#), "/a");
        assert_eq!(twice(r#"{"a":1,"\u0061":2}"#), "/a");
        assert_eq!(twice(r#"{"x":[0,{"a/b":{"~":1,"~":2}}]}"#), "/x/1/a~1b/~0");
        assert!(read(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn an_integer_below_all_of_64_bits_does_not_pass_for_the_least() {
        let read = |text: &str| read(text.as_bytes()).unwrap();
        assert_eq!(read("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert!(read("-9223372036854775809").as_f64().unwrap() < LEAST);
        assert!(read("9223372036854775808").as_u64().unwrap() > i64::MAX.unsigned_abs());
    }

    #[test]
    fn nesting_ends() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let deepest = usize::from(DEEPEST);
        assert!(read(nested(deepest).as_bytes()).is_ok());
        assert_eq!(read(nested(deepest + 1).as_bytes()), Err(Unfit::Deep));
        assert_eq!(read("[{\"a\":".repeat(100_000).as_bytes()), Err(Unfit::Deep));
    }

    #[test]
    fn what_is_not_json_is_told_to_the_log() {
        for text in [
            "",
            " ",
            "{",
            "{\"a\":}",
            "[1,]",
            "nul",
            "01",
            "1 2",
            "\u{feff}1",
            "1e999",
            "'a'",
            "{a:1}",
            "\"\u{1}\"",
            "NaN",
        ] {
            let read = read(text.as_bytes());
            assert!(matches!(read, Err(Unfit::Syntax(_))), "{text}: {read:?}");
        }
        assert!(matches!(read(b"\"\xff\""), Err(Unfit::Syntax(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_read_is_what_serde_json_reads(text in r#"[\[\]{}",:a0-9 eE.\\-]{0,30}"#) {
            match (read(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(value), Ok(known)) => prop_assert_eq!(value, known),
                (Err(Unfit::Twice(_) | Unfit::Syntax(_)), Err(_)) | (Err(Unfit::Twice(_)), Ok(_)) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
