//! `errors = [{ when, raise, take }]` of upstreams and routes.

use super::Check;
use super::errors::Codes;
use crate::config::read::{self, Section};
use crate::config::tree::Node;
use crate::outcome::{Rule, StatusSet, Take, When};

pub(super) fn rules(section: Section<'_>, codes: &Codes, check: &mut Check<'_>) -> Vec<Rule> {
    section.items("errors").iter().filter_map(|node| rule(node, codes, check)).collect()
}

fn rule(node: &Node, codes: &Codes, check: &mut Check<'_>) -> Option<Rule> {
    let section = Section::of_node(node);
    let raise = section.text("raise").and_then(|word| codes.resolve(word, check));
    let when = section.section("when");
    let json = when
        .section("json")
        .entries()
        .iter()
        .map(|entry| (entry.key.clone(), entry.node.to_json()))
        .collect();
    let take = section.section("take");
    let pointer = |key| take.text(key).map(|word| word.text.to_owned());
    Some(Rule {
        when: When { status: when.node("status").map(statuses), json },
        raise: raise?,
        take: Take {
            parameter: pointer("parameter"),
            message: pointer("message"),
            retry_after: pointer("retry_after"),
        },
    })
}

fn statuses(node: &Node) -> StatusSet {
    let mut set = StatusSet::default();
    let one = std::slice::from_ref(node);
    for node in node.as_array().unwrap_or(one) {
        set.single.extend(read::integer::<u16>(node));
        set.classes.extend(match node.as_str() {
            Some("4xx") => Some(4),
            Some("5xx") => Some(5),
            Some(_) | None => None,
        });
    }
    set
}
