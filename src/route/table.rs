//! The table: host, path and method → route.
//!
//! | Asked | Order |
//! |---|---|
//! | host | the exact name, then `*.` patterns from the longest, then routes without hosts |
//! | path | literal, capture with text beside it, capture, rest; see [`tree`](super::tree) |
//! | method | a route that names it, GET for HEAD, a route of all methods; then the earlier route |
//!
//! The first that has host, path **and** method wins. "Wrong method" is the answer only when no
//! pattern of any of these hosts takes the request. A healthy look-up allocates nothing, unless a
//! client writes its host in capitals.

use std::collections::HashMap;

use http::Method;

use super::host::{fold, parents};
use super::segment::Segment;
use super::tree::{Leaf, Tree};
use super::{HostPattern, Pattern};
use crate::base::RouteId;

/// Host, path and method → route.
#[derive(Debug, Default)]
pub struct Table {
    exact: HashMap<Box<str>, Tree>,
    /// By the name behind `*.`.
    suffixes: HashMap<Box<str>, Tree>,
    any: Tree,
    /// Every route as it was added, for [`Table::explain`].
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    route: RouteId,
    hosts: Vec<HostPattern>,
    segments: Vec<Segment>,
    methods: Vec<Method>,
}

/// Why a route cannot be added: it could never be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The earlier route that takes everything of this one; the first, if several do together.
    pub shadowed_by: RouteId,
}

/// Where captured parameters stand in the path; no allocation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Captures {
    spans: [(u16, u16); Self::MAX],
    len: u8,
}

impl Captures {
    /// Most parameters in one path.
    pub const MAX: usize = 12;

    /// The text of the capture with this index, within the path that was matched.
    pub fn of<'p>(&self, index: usize, path: &'p str) -> Option<&'p str> {
        let (start, end) = *self.spans.get(..usize::from(self.len))?.get(index)?;
        path.get(usize::from(start)..usize::from(end))
    }

    /// Number of captures.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether the pattern has no captures.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a span. [`Pattern::parse`] sees to it that no path has more than there is room for,
    /// and [`Table::lookup`] that no span begins or ends beyond 65,535.
    pub(super) fn push(&mut self, start: usize, end: usize) {
        let narrow = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        if let Some(span) = self.spans.get_mut(usize::from(self.len)) {
            *span = (narrow(start), narrow(end));
        }
        self.len = self.len.saturating_add(1);
    }

    pub(super) fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    /// Forgets all but the first so many.
    pub(super) fn truncate(&mut self, count: usize) {
        self.len = self.len.min(u8::try_from(count).unwrap_or(u8::MAX));
    }
}

/// A route that matched.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// Which.
    pub route: RouteId,
    /// Its parameters.
    pub captures: Captures,
}

/// What a look-up found.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// A route.
    Found(Match),
    /// Routes have the path, with these methods: sorted, HEAD wherever GET is, OPTIONS always.
    WrongMethod(Vec<Method>),
    /// Nothing has the path.
    NotFound,
}

/// What [`Table::explain`] says of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The route that a look-up finds.
    Matched,
    /// It is for other hosts.
    HostDiffers,
    /// The host is right, the path is not.
    PathDiffers,
    /// Host and path are right, the method is not.
    MethodDiffers,
    /// All three are right, but another route comes first.
    LessSpecific,
}

impl Table {
    /// Adds a route. No hosts means every host. Routes are added in file order.
    ///
    /// # Errors
    /// The route could never be reached: on all its hosts earlier routes of the same shape take
    /// all its methods. The table is unchanged then.
    pub fn insert(
        &mut self,
        route: RouteId,
        hosts: &[HostPattern],
        pattern: &Pattern,
    ) -> Result<(), TableError> {
        let segments = pattern.segments();
        let methods = &pattern.methods;
        if let Some(shadowed_by) = self.shadow(hosts, &segments, methods) {
            return Err(TableError { shadowed_by });
        }
        for host in hosts {
            self.group(host).leaf(&segments).add(route, methods);
        }
        if hosts.is_empty() {
            self.any.leaf(&segments).add(route, methods);
        }
        self.entries.push(Entry {
            route,
            hosts: hosts.to_vec(),
            segments,
            methods: methods.clone(),
        });
        Ok(())
    }

    /// Finds the route. `host` without port, any case; `path` in canonical form.
    ///
    /// A path of more than 65,535 bytes has no route: `http::Uri` holds none that long.
    pub fn lookup(&self, host: &str, path: &str, method: &Method) -> Lookup {
        if !path.starts_with('/') || path.len() > usize::from(u16::MAX) {
            return Lookup::NotFound;
        }
        let host = fold(host);
        let mut captures = Captures::default();
        for tree in self.groups(&host) {
            let mut choose = |leaf: &Leaf| leaf.choose(method);
            if let Some(route) = tree.visit(path, 1, &mut captures, &mut choose) {
                return Lookup::Found(Match { route, captures });
            }
        }
        self.allowed(&host, path)
    }

    /// The methods of more precise patterns than that of a route which a look-up has found, sorted as
    /// those of [`Lookup::WrongMethod`]. None where its pattern is the most precise one.
    pub fn nearer(&self, host: &str, path: &str, found: RouteId) -> Vec<Method> {
        let host = fold(host);
        let mut methods: Vec<Method> = Vec::new();
        for tree in self.groups(&host) {
            let mut collect = |leaf: &Leaf| {
                let is_found = leaf.has(found);
                methods.extend(leaf.methods().filter(|_| !is_found).cloned());
                is_found.then_some(())
            };
            if tree.visit(path, 1, &mut Captures::default(), &mut collect).is_some() {
                break;
            }
        }
        listed(methods)
    }

    /// Says of every route, in the order in which they were added, why a look-up finds it or not.
    pub fn explain(&self, host: &str, path: &str, method: &Method) -> Vec<(RouteId, Verdict)> {
        let winner = match self.lookup(host, path, method) {
            Lookup::Found(found) => Some(found.route),
            Lookup::WrongMethod(_) | Lookup::NotFound => None,
        };
        let host = fold(host);
        let judge = |entry: &Entry| {
            if winner == Some(entry.route) {
                Verdict::Matched
            } else if !entry.hosts.is_empty() && !entry.hosts.iter().any(|known| known.takes(&host))
            {
                Verdict::HostDiffers
            } else if !entry.has_path(path) {
                Verdict::PathDiffers
            } else if !entry.has_method(method) {
                Verdict::MethodDiffers
            } else {
                Verdict::LessSpecific
            }
        };
        self.entries.iter().map(|entry| (entry.route, judge(entry))).collect()
    }

    /// The trees that are asked for a host, in order.
    fn groups<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Tree> {
        let exact = if self.exact.is_empty() { None } else { self.exact.get(host) };
        let wildcard = if self.suffixes.is_empty() { "" } else { host };
        let suffixes = parents(wildcard).filter_map(|parent| self.suffixes.get(parent));
        exact.into_iter().chain(suffixes).chain(std::iter::once(&self.any))
    }

    fn group(&mut self, host: &HostPattern) -> &mut Tree {
        match host {
            HostPattern::Exact(name) => self.exact.entry(name.as_str().into()).or_default(),
            HostPattern::Suffix(name) => self.suffixes.entry(name.as_str().into()).or_default(),
        }
    }

    /// The earlier route that takes all of this one, if there is such.
    fn shadow(
        &mut self,
        hosts: &[HostPattern],
        segments: &[Segment],
        methods: &[Method],
    ) -> Option<RouteId> {
        if hosts.is_empty() {
            return self.any.leaf(segments).taken(methods);
        }
        // A collection into an option is none as soon as one host is free.
        let takers: Option<Vec<RouteId>> =
            hosts.iter().map(|host| self.group(host).leaf(segments).taken(methods)).collect();
        takers?.into_iter().min()
    }

    /// Off the hot path: no route takes the request; with which methods would one?
    fn allowed(&self, host: &str, path: &str) -> Lookup {
        let mut methods: Vec<Method> = Vec::new();
        for tree in self.groups(host) {
            let mut collect = |leaf: &Leaf| {
                methods.extend(leaf.methods().cloned());
                None::<()>
            };
            let _ = tree.visit(path, 1, &mut Captures::default(), &mut collect);
        }
        match methods.is_empty() {
            true => Lookup::NotFound,
            false => Lookup::WrongMethod(listed(methods)),
        }
    }
}

/// With what guichet adds: HEAD wherever GET is, OPTIONS always.
fn listed(mut methods: Vec<Method>) -> Vec<Method> {
    if methods.is_empty() {
        return methods;
    }
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods.push(Method::OPTIONS);
    methods.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    methods.dedup();
    methods
}

impl Entry {
    fn has_method(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }

    fn has_path(&self, path: &str) -> bool {
        let Some(mut left) = path.strip_prefix('/').map(Some) else { return false };
        for segment in &self.segments {
            let Some(text) = left else { return false };
            let (first, behind) = match text.split_once('/') {
                Some((first, behind)) => (first, Some(behind)),
                None => (text, None),
            };
            let fits = match segment {
                Segment::Literal(literal) => **literal == *first,
                Segment::Capture(around) => around.capture(first, 0, &mut Captures::default()),
                Segment::Rest => return true,
            };
            if !fits {
                return false;
            }
            left = behind;
        }
        left.is_none()
    }
}

#[cfg(test)]
mod tests;
