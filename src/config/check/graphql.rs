//! `[route.graphql]`: what an operation may ask for, how long it may take, and what becomes of replies.

use std::sync::Arc;
use std::time::Duration;

use super::Check;
use super::errors::Codes;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Graphql, GraphqlReplies, GraphqlRule, RootErrors};
use crate::config::read::{self, Section};
use crate::config::source::Place;
use crate::outcome::graphql::{Payload, Spellings};
use crate::problem::Code;

pub(super) fn graphql(
    route: Section<'_>,
    codes: &Codes,
    check: &mut Check<'_>,
) -> Option<Box<Graphql>> {
    route.has("graphql").then(|| {
        let section = route.section("graphql");
        let operations = operations(section.section("limits"));
        Box::new(Graphql { operations, replies: replies(section, codes, check) })
    })
}

fn operations(limits: Section<'_>) -> GraphqlRule {
    let most = defaults::GRAPHQL;
    GraphqlRule {
        depth: limits.integer("depth").unwrap_or(most.depth),
        tokens: limits.integer("tokens").unwrap_or(most.tokens),
        aliases: limits.integer("aliases").unwrap_or(most.aliases),
        root_fields: limits.integer("root_fields").unwrap_or(most.root_fields),
        introspection: limits.boolean("introspection").unwrap_or(most.introspection),
        batch: limits.boolean("batch").unwrap_or(most.batch),
    }
}

fn replies(section: Section<'_>, codes: &Codes, check: &mut Check<'_>) -> GraphqlReplies {
    let errors = names(section, "mutation_errors", defaults::GRAPHQL_ERRORS);
    let warnings = names(section, "warnings", defaults::GRAPHQL_WARNINGS);
    for word in section.texts("warnings") {
        if errors.iter().any(|known| **known == *word.text) {
            let message = format!("`{}` stands for errors and for warnings", word.text);
            let made = Diagnostic::at(Id::Conflict, word.place, message);
            check.push(made.help("name it in `mutation_errors` or in `warnings`, not in both"));
        }
    }
    GraphqlReplies {
        root_errors: match section.text("root_errors").map(|word| word.text) {
            Some("fatal") => RootErrors::Fatal,
            Some("pass") => RootErrors::Pass,
            Some(_) | None => defaults::GRAPHQL_ROOT_ERRORS,
        },
        payload: Arc::new(Payload::new(errors, warnings)),
        inspect: section.length("inspect").unwrap_or(defaults::GRAPHQL_INSPECT),
        codes: spellings(section.section("codes"), codes, check),
        outcome_header: section.boolean("outcome_header").unwrap_or(false),
    }
}

fn names(section: Section<'_>, key: &str, usual: &[&str]) -> Box<[Box<str>]> {
    if section.has(key) {
        return section.texts(key).iter().map(|word| word.text.into()).collect();
    }
    usual.iter().map(|name| (*name).into()).collect()
}

fn spellings(section: Section<'_>, codes: &Codes, check: &mut Check<'_>) -> Spellings {
    let mut known: Vec<(&str, Place, Option<Code>)> = Vec::new();
    for entry in section.entries() {
        let (spelling, place) = (entry.key.as_str(), entry.place);
        let before = known.iter().find(|(known, ..)| known.eq_ignore_ascii_case(spelling));
        if let Some((_, first, _)) = before {
            let message = format!("`{spelling}` stands here twice, for case does not matter");
            let made = Diagnostic::at(Id::Conflict, place, message);
            check.push(made.other(*first, "first here").help("keep one of the two"));
        }
        let code = read::word(&entry.node).and_then(|word| codes.resolve(word, check));
        known.push((spelling, place, code));
    }
    let resolved = known.into_iter().filter_map(|(spelling, _, code)| Some((spelling, code?)));
    Spellings::new(resolved.map(|(spelling, code)| (spelling.into(), code)).collect())
}

/// `timeout` of the route, and that of its operations: the shorter one, where both are written.
pub(super) fn timeout(route: Section<'_>) -> Option<Duration> {
    let whole = route.duration("timeout");
    if !route.has("graphql") {
        return whole;
    }
    let operation = route.section("graphql").duration("timeout");
    whole.into_iter().chain(operation).min().or(Some(defaults::GRAPHQL_TIMEOUT))
}
