//! A flow as a picture: the text of a Mermaid flowchart.

use std::fmt::Write as _;

use crate::config::model::{Call, Config, Flow, Next, Outlet, Status, Step, What};

/// Draws a flow.
pub(super) fn mermaid(config: &Config, flow: &Flow) -> String {
    let mut out = String::from("flowchart TD\n");
    // Writing into a String cannot fail.
    let _ = writeln!(out, "  start([\"{}\"])", escaped(&flow.name));
    for (at, stage) in flow.stages.iter().enumerate() {
        let side_by_side = stage.steps.len() > 1;
        if side_by_side {
            let _ = writeln!(out, "  subgraph g{at} [\"side by side\"]");
        }
        for step in &flow.steps[stage.steps.clone()] {
            out.push_str(if side_by_side { "    " } else { "  " });
            node(config, step, &mut out);
        }
        if side_by_side {
            out.push_str("  end\n");
        }
    }
    for result in &flow.results {
        let _ = writeln!(out, "  r_{}([\"{}\"])", result.name, escaped(&told(result)));
    }
    let ends = flow.stages.iter().any(|stage| stage.next == Next::End);
    if ends {
        out.push_str("  last([\"the last step's reply\"])\n");
    }
    if flow.steps.iter().any(|step| step.on_error == Next::End) {
        out.push_str("  failed([\"the failing step's error\"])\n");
    }
    let _ = writeln!(out, "  start --> {}", place(flow, Next::Stage(0), "last"));
    for (at, stage) in flow.stages.iter().enumerate() {
        let from = match stage.steps.len() {
            1 => id(&flow.steps[stage.steps.start]),
            _ => format!("g{at}"),
        };
        let _ = writeln!(out, "  {from} --> {}", place(flow, stage.next, "last"));
        for step in &flow.steps[stage.steps.clone()] {
            // What leads to the same place either way is drawn once.
            if !step.tolerated {
                let to = place(flow, step.on_error, "failed");
                let _ = writeln!(out, "  {} -. error .-> {to}", id(step));
            }
        }
    }
    out
}

fn node(config: &Config, step: &Step, out: &mut String) {
    let (open, close, call) = match &step.call {
        Call::Upstream { method, upstream, target } => {
            let upstream = &config.upstream(*upstream).name;
            ("[", "]", format!("{method} {upstream}:{target}"))
        }
        Call::Flow(id) => ("[[", "]]", format!("flow:{}", config.flow(*id).name)),
    };
    let when = step
        .when
        .as_ref()
        .map_or_else(String::new, |when| format!("<br/>when {}", escaped(when.text())));
    let _ = writeln!(
        out,
        "{}{open}\"<b>{}</b><br/>{}{when}\"{close}",
        id(step),
        step.name,
        escaped(&call)
    );
}

fn told(result: &Outlet) -> String {
    let status = match (&result.status, &result.what) {
        (Some(Status::Fixed(status)), _) => status.to_string(),
        (Some(Status::Computed(status)), _) => format!("${{{}}}", status.text()),
        (None, What::Nothing) => "204".to_owned(),
        (None, What::Data(_)) => "200".to_owned(),
        (None, What::Error(_) | What::Code(_)) => "its own status".to_owned(),
    };
    format!("{}: {status}", result.name)
}

fn place(flow: &Flow, next: Next, end: &str) -> String {
    match next {
        Next::Stage(at) => match flow.stages.get(at) {
            Some(stage) if stage.steps.len() == 1 => id(&flow.steps[stage.steps.start]),
            Some(_) | None => format!("g{at}"),
        },
        Next::Outlet(at) => match flow.results.get(at) {
            Some(result) => format!("r_{}", result.name),
            None => end.to_owned(),
        },
        Next::End => end.to_owned(),
    }
}

/// Words such as `end` mean something to Mermaid.
fn id(step: &Step) -> String {
    format!("s_{}", step.name)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            plain => out.push(plain),
        }
    }
    out
}
