//! Answers of a process as people read them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::output::{Exit, Report};

/// How it stands.
pub(super) fn status(told: &Value) -> String {
    let mut out = String::new();
    let word = |name: &str| told[name].as_str().unwrap_or("?").to_owned();
    let uptime = duration(told["uptime_s"].as_u64().unwrap_or_default());
    // Writing into a String cannot fail.
    let _ = writeln!(
        out,
        "guichet {}, process {}: {}, up for {uptime}, {}",
        word("version"),
        told["pid"],
        word("stage"),
        count(&told["connections"], "connection"),
    );
    let file = told["file"].as_str().unwrap_or("no file");
    let _ = writeln!(out, "{file}: generation {}, {}", told["generation"], word("hash"));
    let leaving = &told["generations_leaving"];
    if leaving.as_u64().is_some_and(|leaving| leaving > 0) {
        let _ = writeln!(out, "exchanges of {} are not over", count(leaving, "older generation"));
    }
    let reloads = &told["reloads"];
    let last = &reloads["last"];
    if let (Some(result), Some(at)) = (last["result"].as_str(), last["at"].as_str()) {
        let (applied, refused) = (&reloads["applied"], &reloads["refused"]);
        let _ = writeln!(out, "reloads: {applied} applied, {refused} refused; {result} at {at}");
        if result != "applied" {
            out.push_str(last["text"].as_str().unwrap_or_default());
        }
    }
    for entry in told["maintenance"].as_array().into_iter().flatten() {
        let line = under_maintenance(entry);
        let _ = writeln!(out, "under maintenance: {}", line.lines().next().unwrap_or_default());
    }
    for listener in told["listeners"].as_array().into_iter().flatten() {
        let (name, address) = (listener["name"].as_str(), listener["address"].as_str());
        let _ = writeln!(out, "{} on {}", name.unwrap_or("?"), address.unwrap_or("?"));
    }
    out
}

/// What came of a reload: what is wrong goes to standard error, as from `guichet check`.
pub(super) fn verdict(told: &Value, exit: Exit) -> Report {
    let text = told["text"].as_str().unwrap_or_default().to_owned();
    let hash = told["hash"].as_str().unwrap_or("?");
    let serves = format!("generation {}, {hash}", told["generation"]);
    if exit == Exit::Fine {
        return Report { err: text, ..Report::fine(format!("applied: {serves}\n")) };
    }
    let err = format!("{text}guichet: refused: {serves}, stays as it was\n");
    Report { out: String::new(), err, exit }
}

/// It ends.
pub(super) fn drain(told: &Value) -> String {
    let seconds = |name: &str| told[name].as_f64().unwrap_or_default();
    let (delay, drain) = (seconds("delay_s"), seconds("drain_s"));
    if delay > 0.0 {
        return format!(
            "draining: accepts for {delay} s more, then {drain} s at most for what is under way\n"
        );
    }
    format!("draining: {drain} s at most for what is under way\n")
}

/// Routes are not served.
pub(super) fn maintenance_on(routes: &str, told: &Value) -> String {
    let mut switches = told.as_array().into_iter().flatten();
    let found = switches.find(|it| it["routes"] == routes && it["by"] == "hand");
    let end = found.and_then(|it| it["until"].as_str()).unwrap_or("it is switched off");
    format!("{routes}: under maintenance until {end}\n")
}

/// They are again, unless something else keeps them from it.
pub(super) fn maintenance_off(routes: &str, told: &Value) -> String {
    let entries = told.as_array().map_or(&[][..], Vec::as_slice);
    let still = entries.iter().filter(|entry| entry["active"] == true).map(under_maintenance);
    let mut out = format!("{routes}: maintenance is switched off\n");
    still.for_each(|line| out.push_str(&line));
    out
}

/// What is under maintenance, or will be.
pub(super) fn maintenance(told: &Value) -> String {
    match told.as_array().map_or(&[][..], Vec::as_slice) {
        [] => "nothing is under maintenance, and nothing is planned\n".into(),
        entries => entries.iter().map(under_maintenance).collect(),
    }
}

fn under_maintenance(entry: &Value) -> String {
    let routes = entry["routes"].as_str().unwrap_or("?");
    let end = |without| entry["until"].as_str().unwrap_or(without);
    if entry["by"] == "hand" {
        let end = end("it is switched off");
        let mut out = format!("{routes}: until {end}, switched on by hand");
        let allow: Vec<_> =
            entry["allow"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !allow.is_empty() {
            let _ = write!(out, ", but not for {}", allow.join(", "));
        }
        out.push('\n');
        for (tag, text) in entry["text"].as_object().into_iter().flatten() {
            let _ = writeln!(out, "  {tag}: {}", text.as_str().unwrap_or_default());
        }
        return out;
    }
    let end = end("the file changes");
    match entry["from"].as_str().filter(|_| entry["active"] != true) {
        Some(from) => format!("{routes}: from {from} until {end}, planned in the file\n"),
        None => format!("{routes}: until {end}, planned in the file\n"),
    }
}

/// How the upstreams stand: a line for each, and one for each endpoint.
pub(super) fn upstreams(told: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let upstreams = list(told);
    if upstreams.is_empty() {
        return "there are no upstreams\n".into();
    }
    let mut out = String::new();
    for upstream in upstreams {
        let connections = &upstream["connections"];
        let _ = write!(
            out,
            "{}: {} active, {} idle",
            upstream["name"].as_str().unwrap_or("?"),
            count(&connections["active"], "connection"),
            connections["idle"],
        );
        if let Some(breaker) = upstream["breaker"].as_str() {
            let _ = write!(out, ", breaker {}", breaker.replace('_', " "));
        }
        out.push('\n');
        for endpoint in list(&upstream["endpoints"]) {
            let word = |name: &str| endpoint[name].as_str().unwrap_or("?").to_owned();
            let (state, url) = (word("state"), word("endpoint"));
            let _ = write!(out, "  {state:<7}  weight {}  {url}", endpoint["weight"]);
            if endpoint["under_way"].as_u64().is_some_and(|requests| requests > 0) {
                let _ = write!(out, "  {}", count(&endpoint["under_way"], "request"));
            }
            out.push('\n');
        }
    }
    out
}

/// How an endpoint stands that was drained, or is no longer.
pub(super) fn endpoint(upstream: &str, name: &str, told: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let of = list(told).into_iter().find(|it| it["name"] == upstream).unwrap_or_default();
    let ends = |it: &Value| it["endpoint"].as_str().is_some_and(|url| url.ends_with(name));
    let found = list(&of["endpoints"]).into_iter().find(ends).unwrap_or_default();
    let url = found["endpoint"].as_str().unwrap_or(name);
    let requests = count(&found["under_way"], "request");
    let stands = match found["state"].as_str() {
        Some("drained") if found["under_way"] == 0 => "drained: it gets no new request".to_owned(),
        Some("drained") => format!("drained: it gets no new request, {requests} under way"),
        Some("up") => "ready".to_owned(),
        Some("down") => "no longer drained, but down by its probes".to_owned(),
        Some("ejected") => "no longer drained, but ejected for a while".to_owned(),
        _ => "not told of".to_owned(),
    };
    format!("{upstream}: {url} is {stands}\n")
}

fn count(number: &Value, noun: &str) -> String {
    let plural = if number.as_u64() == Some(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_window_that_is_to_come_has_a_beginning() {
        let entry = |active| {
            json!({ "routes": "users.*", "by": "file", "active": active, "until": null,
                    "from": "2026-12-01T01:00:00Z" })
        };
        let [now, to_come] = [true, false].map(entry);
        let off = maintenance_off("a", &json!([now, to_come]));
        let holds = "users.*: until the file changes, planned in the file\n";
        assert_eq!(off, format!("a: maintenance is switched off\n{holds}"));
        assert_eq!(
            maintenance(&json!([to_come])),
            "users.*: from 2026-12-01T01:00:00Z until the file changes, planned in the file\n"
        );
    }

    #[test]
    fn a_status_is_a_few_lines() {
        let told = json!({
            "version": "0.1.0", "pid": 7, "stage": "ready", "uptime_s": 3_720, "connections": 1,
            "generation": 3, "generations_leaving": 2, "hash": "c0ffee", "file": "/etc/guichet.toml",
            "reloads": { "applied": 2, "refused": 1, "last": {
                "result": "refused", "at": "2026-11-26T01:00:00Z", "text": "error[G0101]: …\n" } },
            "listeners": [{ "name": "public", "address": "127.0.0.1:8443" }],
            "maintenance": [{ "routes": "users.*", "by": "hand", "active": true, "until": null,
                "text": { "en": "Back soon." } }],
        });
        assert_eq!(
            status(&told),
            "guichet 0.1.0, process 7: ready, up for 1 h 2 min, 1 connection\n\
             /etc/guichet.toml: generation 3, c0ffee\n\
             exchanges of 2 older generations are not over\n\
             reloads: 2 applied, 1 refused; refused at 2026-11-26T01:00:00Z\n\
             error[G0101]: …\n\
             under maintenance: users.*: until it is switched off, switched on by hand\n\
             public on 127.0.0.1:8443\n"
        );
    }
}
