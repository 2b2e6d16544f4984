//! Replies that are played instead of called for: `STEP=REPLY`.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;

use super::read;
use crate::base::FlowId;
use crate::config::model::{Call, Config};

/// A reply that is played.
#[derive(Clone, Debug)]
pub(super) struct Mock {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Replies by flow and step.
#[derive(Debug, Default)]
pub(super) struct Mocks(HashMap<(String, String), Mock>);

impl Mocks {
    /// Reads what was typed. A step of another flow is written `FLOW.STEP`.
    pub(super) fn read(config: &Config, id: FlowId, typed: &[String]) -> Result<Self, String> {
        let mut all = HashMap::new();
        for word in typed {
            let (place, reply) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` is no STEP=REPLY, such as lookup=@reply.json"))?;
            let own = config.flow(id).name.as_str();
            let (flow, step) = place.rsplit_once('.').unwrap_or((own, place));
            let known = config.flows.iter().find(|known| known.name == flow);
            let known = known.and_then(|known| known.steps.iter().find(|known| known.name == step));
            match known.map(|known| &known.call) {
                None => return Err(format!("the flow `{flow}` has no step `{step}`")),
                Some(Call::Flow(inner)) => {
                    let inner = config.flow(*inner);
                    let first = inner.steps.first().map_or("", |step| step.name.as_str());
                    return Err(format!(
                        "`{step}` calls the flow `{0}`: play a step of it, such as {0}.{first}=…",
                        inner.name
                    ));
                }
                Some(Call::Upstream { .. }) => {}
            }
            all.insert((flow.to_owned(), step.to_owned()), mock(reply)?);
        }
        Ok(Self(all))
    }

    pub(super) fn of(&self, flow: &str, step: &str) -> Option<&Mock> {
        self.0.get(&(flow.to_owned(), step.to_owned()))
    }
}

/// A status alone; an object with `status`; or the body of a 200.
fn mock(typed: &str) -> Result<Mock, String> {
    let text = read(typed)?;
    let plain = |status| Mock { status, headers: HeaderMap::new(), body: Bytes::new() };
    if let Some(status) = std::str::from_utf8(&text).ok().and_then(|text| status(text.trim())) {
        return Ok(plain(status));
    }
    let value: Value =
        serde_json::from_slice(&text).map_err(|error| format!("a reply is not JSON: {error}"))?;
    let whole = value.as_object().filter(|object| {
        object.contains_key("status")
            && object.keys().all(|key| ["status", "headers", "body"].contains(&key.as_str()))
    });
    let Some(whole) = whole else { return Ok(with_body(plain(200), &value)) };
    let number = whole.get("status").map(Value::to_string).unwrap_or_default();
    let status = status(&number).ok_or_else(|| format!("{number} is no status"))?;
    let mut mock = plain(status);
    for (name, value) in whole.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let named = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        let (named, value) =
            named.zip(value).ok_or_else(|| format!("`{name}` is no header of a reply"))?;
        mock.headers.insert(named, value);
    }
    Ok(match whole.get("body") {
        Some(body) => with_body(mock, body),
        None => mock,
    })
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (200..600).contains(status))
}

/// A text is a text where the reply says so, and JSON everywhere else.
fn with_body(mut mock: Mock, body: &Value) -> Mock {
    let json = HeaderValue::from_static("application/json");
    let said = mock.headers.entry(header::CONTENT_TYPE).or_insert(json);
    let text = body.as_str().filter(|_| !said.as_bytes().ends_with(b"json"));
    mock.body = text.map_or_else(|| body.to_string(), str::to_owned).into();
    mock
}
