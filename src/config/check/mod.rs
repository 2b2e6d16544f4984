//! Tree → model: defaults filled in, names resolved, and everything refused that is well formed
//! but makes no sense.
//!
//! The form was checked before (`shape`), so a value that cannot be read here was reported there;
//! whether a key *is set* is therefore asked of its presence, never of its value.

mod auth;
mod body;
mod compress;
mod cors;
mod errors;
mod failing;
mod flow;
mod graphql;
mod grpc;
mod kind;
mod limit;
mod listen;
mod maintenance;
mod observe;
mod overload;
mod params;
mod respond;
mod rewrite;
mod route;
mod rule;
mod server;
mod store;
mod upstream;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub(super) use params::{JUDGED, OWN as OWN_HEADERS};

use super::diagnostic::{Diagnostic, Id, Report};
use super::model::Config;
use super::openapi::Operation;
use super::read::{Section, Word};
use super::secret::{self, Secret};
use super::source::{Place, Sources};
use super::substitute::Environment;
use super::suggest;
use super::tree::{Node, Table};
use crate::base::UpstreamId;
use crate::parameter::Tongue;

/// Builds the model. None where something it cannot do without was refused.
pub(crate) fn model(
    root: &Table,
    operations: Vec<Operation>,
    sources: &mut Sources,
    environment: Environment<'_>,
    report: &mut Report,
) -> Option<Config> {
    let root = Section::of(root);
    let mut check = Check { sources, environment, report };
    let server = server::server(root.section("server"));
    let (errors, codes) = errors::errors(root, &server.languages, &mut check);
    let observe = observe::observe(root.section("observe"), check.sources);
    let mut taken = HashMap::new();
    let listeners = listen::listeners(root, &server, &mut taken, &mut check);
    let admin = server::admin(root.section("admin"), &mut taken, &mut check);
    let (upstreams, ids) = upstream::upstreams(root.section("upstream"), &codes, &mut check);
    let stores = store::stores(root.section("store"), &mut check);
    let (limits, limit_ids) = limit::limits(root, &mut check);
    let tongues: Vec<_> = server.languages.iter().map(|tag| Tongue::of(tag)).collect();
    let (auth, auth_ids) = auth::policies(root.section("auth"), &ids, &listeners, &mut check);
    let declared = flow::Declared::new(root, &tongues, &mut check);
    let flow_ids = declared.ids.clone();
    let (flows, objects) = flow::flows(root, declared, &ids, &codes, &tongues, &mut check);
    let names = route::Names {
        upstreams: &ids,
        flows: (&flow_ids, &flows),
        limits: (&limit_ids, &limits),
        auth: (&auth_ids, &auth),
        codes: &codes,
        tongues: &tongues,
    };
    let (routes, table) = route::routes(root, operations, names, &mut check);
    grpc::reach(root.section("upstream"), &routes, &upstreams, &mut check);
    let overload = overload::overload(root.section("overload"), &routes, &mut check);
    let maintenance = maintenance::windows(root, &routes, &server.languages, &mut check);
    // After a slip in a name its upstream looks unused, and is not.
    if !check.report.has_errors() {
        unused(root.section("upstream"), (&routes, &flows), &auth, &ids, &mut check);
        flow::unused(root.section("flow"), &flows, &routes, &mut check);
        auth::unused(root.section("auth"), &routes, &auth_ids, &mut check);
        store::unused(root.section("store"), &limits, &mut check);
        limit::unused(root.section("limit"), &routes, &limit_ids, &mut check);
    }
    Some(Config {
        server,
        listeners,
        admin,
        observe,
        errors: errors?,
        upstreams,
        maintenance,
        overload,
        auth,
        stores,
        limits,
        flows,
        objects,
        routes,
        table,
    })
}

/// What every check needs: the texts, the environment, and where mistakes go.
struct Check<'c> {
    sources: &'c mut Sources,
    environment: Environment<'c>,
    report: &'c mut Report,
}

impl Check<'_> {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.report.push(diagnostic);
    }

    /// Points into a string.
    fn within(&self, word: Word<'_>, at: &std::ops::Range<usize>) -> Place {
        self.sources.within(word.place, word.text, at)
    }

    /// The path at `key`, with a warning if there is surely no such file. Only a warning: `check`
    /// runs on machines and under users that cannot see the files of production.
    fn path(&mut self, section: Section<'_>, key: &str) -> Option<PathBuf> {
        let word = section.text(key)?;
        let path = self.sources.resolve(word.place.file, word.text);
        self.look(&path, word.place);
        Some(path)
    }

    fn look(&mut self, path: &Path, place: Place) {
        if secret::is_missing(path) {
            let message = format!("there is no file {}", path.display());
            let help =
                path.is_relative().then_some("a relative path starts from the folder of its file");
            self.push(Diagnostic::at(Id::MissingFile, place, message).help_if(help));
        }
    }

    /// The secret at `key`, with a warning if it is surely not there.
    fn secret(&mut self, section: Section<'_>, key: &str) -> Option<Secret> {
        let node = section.node(key)?;
        let secret = secret::from_node(node, self.sources)?;
        if let Some(why) = secret.missing(self.environment) {
            let id = match secret {
                Secret::File(_) => Id::MissingFile,
                Secret::Env(_) | Secret::Credential(_) => Id::MissingSecret,
            };
            self.push(Diagnostic::at(id, node.place, why));
        }
        Some(secret)
    }

    /// A reference to something that does not exist.
    fn unknown<'n>(
        &mut self,
        id: Id,
        word: Word<'_>,
        what: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        let help = match (suggest::nearest(word.text, known.clone()), known.clone().count()) {
            (Some(likely), _) => format!("did you mean `{likely}`?"),
            (None, 0) => format!("there is no {what} at all"),
            (None, 1) => format!("there is only {}", suggest::one_of(known)),
            (None, 2..=MOST_NAMED) => {
                format!("there are {}", suggest::one_of(known).replace(" or ", " and "))
            }
            (None, _) => format!("the file has many: look for the {what} that is meant"),
        };
        let message = format!("there is no {what} `{}`", super::shape::quoted(word.text));
        self.push(Diagnostic::at(id, word.place, message).help(help));
    }
}

/// Index as an id's number. Files are bounded, so that nobody reaches the end of the numbers by
/// accident; who does is told.
fn number(index: usize, what: &str, node: &Node, check: &mut Check<'_>) -> u16 {
    u16::try_from(index).unwrap_or_else(|_| {
        let message = format!("there are more than {} {what}", u16::MAX);
        check.push(Diagnostic::at(Id::OutOfRange, node.place, message));
        u16::MAX
    })
}

/// Upstreams that no route names: mostly a slip, or a leftover.
fn unused(
    section: Section<'_>,
    (routes, flows): (&[super::model::Route], &[super::model::Flow]),
    auth: &[super::model::Auth],
    ids: &HashMap<&str, UpstreamId>,
    check: &mut Check<'_>,
) {
    use super::model::{AuthKind, Call, Target};
    let used: std::collections::HashSet<UpstreamId> = routes
        .iter()
        .filter_map(|route| match &route.target {
            Target::Upstream(id) => Some(*id),
            Target::Flow(_) | Target::Respond(_) => None,
        })
        .chain(flows.iter().flat_map(super::model::Flow::calls).filter_map(|call| match call {
            Call::Upstream { upstream, .. } => Some(*upstream),
            Call::Flow(_) => None,
        }))
        .chain(auth.iter().filter_map(|policy| match &policy.kind {
            AuthKind::Forward(forward) => Some(forward.upstream),
            AuthKind::ApiKey { .. }
            | AuthKind::Basic { .. }
            | AuthKind::Jwt(_)
            | AuthKind::Mtls { .. } => None,
        }))
        .collect();
    for entry in section.entries() {
        if ids.get(entry.key.as_str()).is_some_and(|id| !used.contains(id)) {
            let message = format!("no route uses the upstream `{}`", entry.key);
            check.push(Diagnostic::at(Id::Unused, entry.place, message));
        }
    }
}

/// As many names as one still reads.
const MOST_NAMED: usize = 12;
