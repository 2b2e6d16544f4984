//! `guichet route`: offline, which route takes a request and why the others do not, and with
//! `--cause` or a refusal the exact error reply that a client would get.
//!
//! It asks the same gates and the same renderer as a running gateway, so it cannot disagree with it.

mod door;

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde_json::{Value, json};

use crate::base::RequestId;
use crate::config::model::{Config, Respond, Route, Security, Target};
use crate::gate::{self, Asked, Fields, Found, Media, Preflight, Shared};
use crate::problem::{Cause, Dialect, Format, Problem, Rendered, Reply, render};
use crate::route::{Match, Verdict};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// `METHOD URL`, or a URL alone for GET.
    pub request: String,
    /// `Name: value` lines.
    pub headers: Vec<String>,
    /// The body, where there is one.
    pub body: Option<Data>,
    /// A fine cause, with or without its origin: `upstream.first_byte_timeout`.
    pub cause: Option<String>,
}

/// A body.
#[derive(Debug, Clone)]
pub struct Data {
    /// How long it is.
    pub length: u64,
    /// What it holds, as far as a route may read.
    pub bytes: Vec<u8>,
}

impl Data {
    /// Bytes that a route reads at most.
    pub const MOST: u64 = 16 << 20;
}

/// What was found.
#[derive(Debug)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

struct Asking {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

/// Answers offline.
///
/// # Errors
/// What cannot be read of the question, with what was expected.
pub fn answer(config: &Config, question: &Question) -> Result<Answer, String> {
    let asking = read(question)?;
    let cause = question.cause.as_deref().map(find_cause).transpose()?;
    let fields = Fields::gather(&asking.headers);
    let mut text = format!("{} {}\n", asking.method, asking.uri);
    let mut json = json!({ "method": asking.method.as_str(), "url": asking.uri.to_string() });
    let body = question.body.as_ref();
    let judged = judge(config, &asking, &fields, body, &mut text, &mut json);
    let (problem, rule, dialect) = match (judged, cause) {
        (Err((problem, rule)), _) => (problem, rule, Dialect::Http),
        (Ok(dialect), Some(cause)) => {
            let rule = format!(
                "the cause {} is the {}'s and has this code",
                cause.as_str(),
                cause.source().as_str()
            );
            (Problem::new(cause), rule, dialect)
        }
        (Ok(_), None) => return Ok(Answer { text, json }),
    };
    let rendered = dress(config, &asking, &problem, dialect);
    show_reply(&rendered, &rule, &mut text, &mut json);
    Ok(Answer { text, json })
}

/// Passes the gates that need no connection, and tells about the route.
fn judge(
    config: &Config,
    asking: &Asking,
    fields: &Fields,
    body: Option<&Data>,
    text: &mut String,
    json: &mut Value,
) -> Result<Dialect, (Problem, String)> {
    refuse_plain(config, &asking.uri)?;
    let asked = gate::ask(&asking.uri, fields)
        .map_err(|problem| (problem, "the target has no one reading".to_owned()))?;
    let _ = writeln!(text, "  host      {}", asked.host());
    let _ = writeln!(text, "  path      {}", asked.path);
    json["host"] = asked.host().into();
    json["path"] = asked.path.as_ref().into();
    if asking.method == Method::OPTIONS
        && let Some(preflight) = gate::preflight(config, &asked, &asking.headers)
    {
        tell_preflight(config, &preflight, text, json);
        return Ok(Dialect::Http);
    }
    let found = gate::find(config, &asked, &asking.method);
    let dialect = match &found {
        Ok(Found::Route(found)) => {
            let route = config.route(found.route);
            tell_route(config, route, found, &asked, text, json);
            door::tell(config, route, text, &mut json["route"]);
            // Beforehand, as a gateway does: a body that is too large for all of them.
            judge_length(config, body)
                .and_then(|()| judge_parameters(config, found, &asked, asking))
                .and_then(|()| judge_body(route, asking, body))
                .map(|()| route.dialect)
        }
        Ok(Found::Options(allow)) => {
            let allow = allow.to_str().unwrap_or_default();
            let _ = writeln!(text, "  answered  204 with Allow: {allow}");
            json["allow"] = allow.into();
            Ok(Dialect::Http)
        }
        Err(problem) => Err((
            problem.clone(),
            if problem.cause() == Cause::NoMethod {
                "routes have this path, but not with this method".to_owned()
            } else {
                "no route has this host and path".to_owned()
            },
        )),
    };
    tell_others(config, &asked, &asking.method, text, json);
    dialect
}

fn judge_length(config: &Config, body: Option<&Data>) -> Result<(), (Problem, String)> {
    gate::check_length(body.map(|body| body.length), &config.server.limits)
        .map_err(|problem| (problem, "the body is larger than server.limits.body".to_owned()))
}

/// What the route knows of path, query, headers and cookies.
fn judge_parameters(
    config: &Config,
    found: &Match,
    asked: &Asked<'_>,
    asking: &Asking,
) -> Result<(), (Problem, String)> {
    let route = config.route(found.route);
    let Some(params) = route.params.as_ref().filter(|_| !route.is_observed) else { return Ok(()) };
    let query = asking.uri.query();
    let judged = gate::parameters(params, &found.captures, &asked.path, query, &asking.headers);
    judged.map(drop).map_err(|wrong| {
        let problem = gate::or_method(config, asked, found.route, wrong);
        let rule = if problem.cause() == Cause::NoMethod {
            "a more precise route has this path, but not with this method"
        } else {
            "parameters are not as the route declares them"
        };
        (problem, known(route, rule))
    })
}

/// What the route knows of the body.
fn judge_body(
    route: &Route,
    asking: &Asking,
    body: Option<&Data>,
) -> Result<(), (Problem, String)> {
    let Some(rule) = route.body.as_ref().filter(|_| !route.is_observed) else { return Ok(()) };
    let judged = match body.filter(|body| body.length > 0) {
        None => gate::judge_body(rule, &Media::Json, &[]),
        Some(body) => match gate::media(rule, &asking.headers, &asking.method) {
            Ok(Some(_)) if body.length > rule.limit => Err(Problem::new(Cause::BodyLimit)),
            Ok(Some(media)) => gate::judge_body(rule, &media, &body.bytes),
            Ok(None) => Ok(()),
            Err(problem) => Err(problem),
        },
    };
    judged.map_err(|problem| (problem, known(route, "the body is not as the route declares it")))
}

/// Strangers are told nothing of what a route wants.
fn known(route: &Route, rule: &str) -> String {
    match route.auth {
        Some(_) => format!("{rule} (once it is known who calls)"),
        None => rule.to_owned(),
    }
}

/// A plain URL, where every plain listener refuses.
fn refuse_plain(config: &Config, uri: &Uri) -> Result<(), (Problem, String)> {
    use crate::config::model::Plain;
    if uri.scheme_str() != Some("http") {
        return Ok(());
    }
    let serves = config.listeners.iter().any(|listener| {
        matches!(listener.security, Security::Plain(Plain::Allow | Plain::Redirect))
    });
    if serves {
        return Ok(());
    }
    let rule = "no listener serves plain HTTP, so an http:// request is refused".to_owned();
    Err((Problem::new(Cause::PlainHttp), rule))
}

fn tell_route(
    config: &Config,
    route: &Route,
    found: &Match,
    asked: &Asked<'_>,
    text: &mut String,
    json: &mut Value,
) {
    let _ = writeln!(text, "  route     {}  ({})", route.name, route.pattern);
    let captures: Vec<&str> = (0..found.captures.len())
        .filter_map(|index| found.captures.of(index, &asked.path))
        .collect();
    if !captures.is_empty() {
        let _ = writeln!(text, "  captured  {}", captures.join(", "));
    }
    let target = match &route.target {
        Target::Upstream(id) => format!("upstream {}", config.upstream(*id).name),
        Target::Flow(target) => format!("flow {}", config.flow(target.flow).name),
        Target::Respond(Respond::Fixed { status, .. }) => format!("a fixed reply with {status}"),
        Target::Respond(Respond::Problem(code)) => {
            format!("the problem {}", config.errors.catalogue.name(*code))
        }
    };
    let _ = writeln!(text, "  target    {target}");
    json["route"] = json!({
        "name": route.name, "match": route.pattern, "captured": captures, "target": target,
    });
}

fn tell_preflight(config: &Config, found: &Preflight<'_>, text: &mut String, json: &mut Value) {
    let route = config.route(found.route.route);
    let may = found.shared != Shared::No;
    let verdict = if may { "may" } else { "may not" };
    let _ = writeln!(text, "  route     {}  ({})", route.name, route.pattern);
    let _ = writeln!(
        text,
        "  answered  204, to a browser: this page {verdict} send its {}",
        found.method
    );
    json["route"] = json!({ "name": route.name, "match": route.pattern });
    json["preflight"] = json!({ "method": found.method.as_str(), "allowed": may });
}

fn tell_others(
    config: &Config,
    asked: &Asked<'_>,
    method: &Method,
    text: &mut String,
    json: &mut Value,
) {
    let mut others = Vec::new();
    for (id, verdict) in config.table.explain(asked.host(), &asked.path, method) {
        let why = match verdict {
            Verdict::Matched => continue,
            Verdict::HostDiffers => "is for other hosts",
            Verdict::PathDiffers => "has another path",
            Verdict::MethodDiffers => "has the path, but not the method",
            Verdict::LessSpecific => "would match, but is less specific",
        };
        let route = config.route(id);
        others.push(json!({ "name": route.name, "match": route.pattern, "why": why }));
        if others.len() == 1 {
            text.push_str("  other routes\n");
        }
        let _ = writeln!(text, "    {}  ({})  {why}", route.name, route.pattern);
    }
    json["others"] = others.into();
}

fn dress(config: &Config, asking: &Asking, problem: &Problem, dialect: Dialect) -> Rendered {
    let catalogue = &config.errors.catalogue;
    let request_id = RequestId::generate();
    let reply = Reply {
        format: Format::choose(dialect, &(&asking.headers).into(), config.errors.format),
        language: catalogue.choose_language(asking.headers.get(header::ACCEPT_LANGUAGE)),
        request_id: &request_id,
        method: &asking.method,
        retry_after: config.errors.retry_after,
    };
    render(problem, &reply, catalogue)
}

fn show_reply(rendered: &Rendered, rule: &str, text: &mut String, json: &mut Value) {
    let _ = writeln!(text, "  reply, because {rule}\n");
    let _ = writeln!(text, "HTTP/1.1 {}", rendered.status);
    let mut headers = serde_json::Map::new();
    for (name, value) in &rendered.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(text, "{name}: {value}");
        headers.insert(name.as_str().to_owned(), value.into());
    }
    let body = String::from_utf8_lossy(&rendered.body);
    let _ = writeln!(text, "\n{body}");
    json["reply"] = json!({
        "because": rule, "status": rendered.status.as_u16(), "headers": headers, "body": body,
    });
}

fn read(question: &Question) -> Result<Asking, String> {
    let words: Vec<&str> = question.request.split_whitespace().collect();
    let (method, url) = match words.as_slice() {
        [url] => ("GET", *url),
        [method, url] => (*method, *url),
        _ => return Err("expected a method and a URL, such as 'GET https://host/path'".to_owned()),
    };
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| format!("'{method}' is no method; write 'GET https://host/path'"))?;
    let uri: Uri = url.parse().map_err(|error| format!("'{url}' is no URL: {error}"))?;
    let Some(authority) = uri.authority() else {
        return Err(format!("'{url}' has no host; write it whole: https://host{url}"));
    };
    let mut headers = HeaderMap::new();
    for line in &question.headers {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("'{line}' is no header; write 'Name: value'"))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| format!("'{name}' is no header name"))?;
        let value = HeaderValue::from_str(value.trim())
            .map_err(|_| format!("the value of '{name}' holds a control character"))?;
        headers.append(name, value);
    }
    if let (false, Ok(host)) =
        (headers.contains_key(header::HOST), HeaderValue::from_str(authority.as_str()))
    {
        headers.insert(header::HOST, host);
    }
    Ok(Asking { method, uri, headers })
}

fn find_cause(word: &str) -> Result<Cause, String> {
    let name = word.rsplit_once('.').map_or(word, |(_, name)| name);
    let found = Cause::ALL.iter().copied().find(|cause| cause.as_str() == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
        format!("'{word}' is no cause; known are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests;
