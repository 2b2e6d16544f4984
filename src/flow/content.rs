//! Bodies, as flows hold them: bytes that are handed on as they came, or a value. What is JSON is
//! parsed only where an expression looks inside, and then once.

use std::borrow::Cow;
use std::cell::OnceCell;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;

use crate::base::percent;

/// A body.
#[derive(Clone, Debug)]
pub struct Content {
    form: Form,
    content_type: Option<HeaderValue>,
}

#[derive(Clone, Debug)]
enum Form {
    Empty,
    /// JSON as it came.
    Json(Bytes, OnceCell<Result<Value, String>>),
    /// Text in UTF-8 as it came.
    Text(Bytes, OnceCell<Value>),
    /// Anything else.
    Binary(Bytes),
    /// A value that was made here.
    Value(Value),
}

impl Content {
    /// No body at all.
    pub fn empty() -> Self {
        Self { form: Form::Empty, content_type: None }
    }

    /// A body as it came.
    pub fn received(bytes: Bytes, content_type: Option<HeaderValue>) -> Self {
        let form = match kind(content_type.as_ref()) {
            _ if bytes.is_empty() => Form::Empty,
            Kind::Json => Form::Json(bytes, OnceCell::new()),
            Kind::Text if std::str::from_utf8(&bytes).is_ok() => Form::Text(bytes, OnceCell::new()),
            Kind::Text | Kind::Binary => Form::Binary(bytes),
        };
        Self { form, content_type }
    }

    /// A value that was made here, to be written as JSON.
    pub fn made(value: Value) -> Self {
        Self { form: Form::Value(value), content_type: Some(HeaderValue::from_static(JSON)) }
    }

    /// A value that was made here, in the type that its sender announces: text goes as it is, and
    /// an object as the pairs of a form. What came goes on as it came.
    ///
    /// # Errors
    /// It cannot be written in that type.
    pub fn announced_as(self, content_type: &HeaderValue) -> Result<Self, String> {
        let Form::Value(value) = &self.form else { return Ok(self) };
        let line = content_type.to_str().unwrap_or_default();
        let essence = line.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let text = match value {
            Value::Object(members) if essence == FORM => pairs(members)?,
            Value::String(text) if !essence.ends_with("json") => text.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => return Ok(self),
        };
        Ok(Self { form: Form::Binary(text.into()), content_type: Some(content_type.clone()) })
    }

    /// What expressions see of it.
    ///
    /// # Errors
    /// Why there is nothing to see.
    pub fn value(&self) -> Result<Cow<'_, Value>, String> {
        match &self.form {
            Form::Empty => Ok(Cow::Owned(Value::Null)),
            Form::Value(value) => Ok(Cow::Borrowed(value)),
            Form::Json(bytes, parsed) => {
                let parse = || {
                    // Nesting is bounded by serde_json, at 128.
                    serde_json::from_slice(bytes)
                        .map_err(|error| format!("it is not JSON: {error}"))
                };
                parsed.get_or_init(parse).as_ref().map(Cow::Borrowed).map_err(Clone::clone)
            }
            Form::Text(bytes, text) => {
                let read = || Value::String(String::from_utf8_lossy(bytes).into_owned());
                Ok(Cow::Borrowed(text.get_or_init(read)))
            }
            Form::Binary(_) => {
                Err("it is neither JSON nor text, and can only be handed on as it is".to_owned())
            }
        }
    }

    /// Its type, as it is to be announced.
    pub fn content_type(&self) -> Option<&HeaderValue> {
        self.content_type.as_ref()
    }

    /// The bytes that go out; a value that was made is written within `limit`.
    ///
    /// # Errors
    /// It is longer.
    pub fn bytes(&self, limit: usize) -> Result<Bytes, String> {
        match &self.form {
            Form::Empty => Ok(Bytes::new()),
            Form::Json(bytes, _) | Form::Text(bytes, _) | Form::Binary(bytes) => Ok(bytes.clone()),
            Form::Value(value) => write(value, limit),
        }
    }

    /// The same, with a value that was made written down already.
    ///
    /// # Errors
    /// It is longer than `limit`.
    pub fn written(self, limit: usize) -> Result<Self, String> {
        let Form::Value(value) = self.form else { return Ok(self) };
        let bytes = write(&value, limit)?;
        let form = Form::Json(bytes, OnceCell::from(Ok(value)));
        Ok(Self { form, content_type: self.content_type })
    }

    /// Whether it is JSON as it came.
    pub fn is_json(&self) -> bool {
        matches!(self.form, Form::Json(..))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self.form, Form::Empty)
    }
}

enum Kind {
    Json,
    Text,
    Binary,
}

fn kind(content_type: Option<&HeaderValue>) -> Kind {
    let line = content_type.and_then(|line| line.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = line.split_once(';').unwrap_or((line, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let parameters = parameters.to_ascii_lowercase();
    let foreign = parameters.split(';').any(|parameter| {
        let charset = parameter.trim().strip_prefix("charset=");
        charset.is_some_and(|set| !matches!(set.trim_matches('"'), "utf-8" | "us-ascii"))
    });
    match essence.split_once('/') {
        _ if foreign => Kind::Binary,
        Some((_, "json")) => Kind::Json,
        Some((_, subtype)) if subtype.ends_with("+json") => Kind::Json,
        Some(("text", _)) => Kind::Text,
        Some(_) | None => Kind::Binary,
    }
}

/// `name=value&name=value`; a list is its name several times.
fn pairs(members: &serde_json::Map<String, Value>) -> Result<String, String> {
    let mut out = String::new();
    for (name, value) in members {
        let list = value.as_array().map(Vec::as_slice);
        let values = list.unwrap_or_else(|| std::slice::from_ref(value));
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(yes) => yes.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(format!("a form cannot hold what `{name}` is"));
                }
            };
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(&percent::encoded(name));
            out.push('=');
            out.push_str(&percent::encoded(&text));
        }
    }
    Ok(out)
}

fn write(value: &Value, limit: usize) -> Result<Bytes, String> {
    let mut out = Bounded { bytes: Vec::with_capacity(128), limit };
    match serde_json::to_writer(&mut out, value) {
        Ok(()) => Ok(Bytes::from(out.bytes)),
        Err(_) => Err(format!("it is longer than `limit`, {} KiB", limit >> 10)),
    }
}

/// A writer that ends at a bound.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + more.len() > self.limit {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn received(content_type: &'static str, body: &'static str) -> Content {
        Content::received(body.into(), Some(HeaderValue::from_static(content_type)))
    }

    #[test]
    fn a_body_is_what_its_type_says() {
        let value = |content: &Content| content.value().map(Cow::into_owned);
        assert_eq!(value(&received("application/json", "[1]")), Ok(json!([1])));
        assert_eq!(value(&received("application/hal+json; a=b", "1")), Ok(json!(1)));
        assert_eq!(value(&received("text/plain; charset=UTF-8", "é")), Ok(json!("é")));
        assert!(value(&received("text/plain; charset=latin1", "e")).is_err());
        assert!(value(&received("image/png", "e")).is_err());
        assert!(value(&received("application/json", "{")).unwrap_err().contains("not JSON"));
        assert_eq!(value(&received("application/json", "")), Ok(json!(null)));
    }

    #[test]
    fn what_came_goes_out_as_it_came() {
        let body = received("application/json", "{ \"b\": 1.10, \"a\": 2 }");
        let _ = body.value();
        assert_eq!(body.bytes(1).as_deref(), Ok(&b"{ \"b\": 1.10, \"a\": 2 }"[..]));
    }

    #[test]
    fn what_is_made_takes_the_type_that_is_announced() {
        let announced = |value: Value, as_type: &'static str| {
            let made = Content::made(value).announced_as(&HeaderValue::from_static(as_type));
            made.map(|made| String::from_utf8(made.bytes(100).unwrap().to_vec()).unwrap())
        };
        assert_eq!(announced(json!("a\"b"), "text/plain").as_deref(), Ok("a\"b"));
        assert_eq!(announced(json!("a"), "application/json").as_deref(), Ok("\"a\""));
        let form = json!({ "a": "b c&d", "n": 1, "l": ["x", true] });
        assert_eq!(announced(form, FORM).as_deref(), Ok("a=b%20c%26d&l=x&l=true&n=1"));
        assert!(announced(json!({ "a": null }), FORM).is_err());
        assert_eq!(announced(json!({ "a": 1 }), "text/plain").as_deref(), Ok("{\"a\":1}"));
    }

    #[test]
    fn what_is_made_is_bounded() {
        let made = Content::made(json!("x".repeat(100)));
        assert!(made.bytes(102).is_ok() && made.bytes(101).is_err());
    }
}
