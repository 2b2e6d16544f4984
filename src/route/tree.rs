//! The patterns of one group of hosts as a tree of segments.
//!
//! Order at every segment: literal text, then captures with text beside them (the most text
//! first, then the longest text before, then the fewest captures), then the plain capture, then the rest. A branch that
//! leads nowhere, also because of its method, is left again, so a request is refused only when no
//! pattern takes it.
//!
//! Why no ready-made router (matchit 0.9 was tried): it takes no `/{*rest}` beside `/{id}` or
//! `/{id}/posts` and no `{a}x` beside `b{c}`, it stops at the first path whatever the method, and
//! it allocates when it backtracks. Here a node belongs to one depth, so a look-up visits each
//! node at most once, allocates nothing, and recurses no deeper than the longest pattern.

use std::cmp::Reverse;

use http::Method;

use super::Captures;
use super::segment::{Around, Segment};
use crate::base::RouteId;

/// What stands behind one segment, and what ends here.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Sorted by text.
    literals: Vec<(Box<str>, Self)>,
    /// Sorted as they are tried.
    affixed: Vec<Affixed>,
    capture: Option<Box<Self>>,
    rest: Leaf,
    here: Leaf,
}

#[derive(Debug)]
struct Affixed {
    around: Around,
    tree: Tree,
}

/// The routes of one shape.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    by_method: Vec<(Method, RouteId)>,
    any: Option<RouteId>,
}

impl Tree {
    /// The leaf of a shape, made where there is none yet.
    pub(super) fn leaf(&mut self, segments: &[Segment]) -> &mut Leaf {
        let Some((first, behind)) = segments.split_first() else { return &mut self.here };
        match first {
            Segment::Literal(text) => self.literal(text).leaf(behind),
            Segment::Capture(around) if around.is_nothing() => {
                self.capture.get_or_insert_default().leaf(behind)
            }
            Segment::Capture(around) => self.affixed(around).leaf(behind),
            Segment::Rest => &mut self.rest,
        }
    }

    /// Visits the leaves that have the path, in order, until the visitor takes one. `at` is where
    /// the next segment begins; the captures are those of the leaf that was taken.
    pub(super) fn visit<R>(
        &self,
        path: &str,
        at: usize,
        captures: &mut Captures,
        visitor: &mut impl FnMut(&Leaf) -> Option<R>,
    ) -> Option<R> {
        let left = path.get(at..)?;
        let (segment, next) = match memchr::memchr(b'/', left.as_bytes()) {
            Some(length) => (left.get(..length)?, Some(at + length + 1)),
            None => (left, None),
        };
        if let Ok(index) = self.literals.binary_search_by(|(text, _)| (**text).cmp(segment))
            && let Some((_, tree)) = self.literals.get(index)
            && let Some(taken) = tree.advance(path, next, captures, visitor)
        {
            return Some(taken);
        }
        if !segment.is_empty() {
            for Affixed { around, tree } in &self.affixed {
                let before = captures.len();
                if around.capture(segment, at, captures)
                    && let Some(taken) = tree.advance(path, next, captures, visitor)
                {
                    return Some(taken);
                }
                captures.truncate(before);
            }
            if let Some(tree) = &self.capture {
                captures.push(at, at + segment.len());
                if let Some(taken) = tree.advance(path, next, captures, visitor) {
                    return Some(taken);
                }
                captures.pop();
            }
        }
        if self.rest.is_empty() {
            return None;
        }
        captures.push(at, path.len());
        let taken = visitor(&self.rest);
        if taken.is_none() {
            captures.pop();
        }
        taken
    }

    fn advance<R>(
        &self,
        path: &str,
        next: Option<usize>,
        captures: &mut Captures,
        visitor: &mut impl FnMut(&Leaf) -> Option<R>,
    ) -> Option<R> {
        match next {
            Some(next) => self.visit(path, next, captures, visitor),
            None if self.here.is_empty() => None,
            None => visitor(&self.here),
        }
    }

    fn literal(&mut self, text: &str) -> &mut Self {
        let found = self.literals.binary_search_by(|(known, _)| (**known).cmp(text));
        let index = found.unwrap_or_else(|index| {
            self.literals.insert(index, (text.into(), Self::default()));
            index
        });
        &mut self.literals[index].1
    }

    fn affixed(&mut self, around: &Around) -> &mut Self {
        let found = self.affixed.binary_search_by(|known| rank(&known.around).cmp(&rank(around)));
        let index = found.unwrap_or_else(|index| {
            let known = Affixed { around: around.clone(), tree: Self::default() };
            self.affixed.insert(index, known);
            index
        });
        &mut self.affixed[index].tree
    }
}

/// Sorts captures with text beside them: the most text first, then the longest text before, then the
/// fewest captures.
fn rank(around: &Around) -> (Reverse<usize>, Reverse<usize>, usize, &Around) {
    (Reverse(around.length()), Reverse(around.prefix.len()), around.between.len(), around)
}

impl Leaf {
    /// The route for a method: its own; for HEAD the one of GET; else the one of all methods.
    pub(super) fn choose(&self, method: &Method) -> Option<RouteId> {
        let own = |wanted: &Method| {
            self.by_method.iter().find(|(known, _)| known == wanted).map(|(_, route)| *route)
        };
        own(method)
            .or_else(|| if *method == Method::HEAD { own(&Method::GET) } else { None })
            .or(self.any)
    }

    /// Who takes all of these methods already; the first of them, if several do together.
    pub(super) fn taken(&self, methods: &[Method]) -> Option<RouteId> {
        if methods.is_empty() {
            return self.any;
        }
        let owner = |method: &Method| {
            self.by_method.iter().find(|(known, _)| known == method).map(|(_, route)| *route)
        };
        // A collection into an option is none as soon as one method is free.
        let owners: Option<Vec<RouteId>> = methods.iter().map(owner).collect();
        owners?.into_iter().min()
    }

    /// Adds a route for the methods that are still free.
    pub(super) fn add(&mut self, route: RouteId, methods: &[Method]) {
        if methods.is_empty() {
            self.any.get_or_insert(route);
        }
        for method in methods {
            if self.by_method.iter().all(|(known, _)| known != method) {
                self.by_method.push((method.clone(), route));
            }
        }
    }

    /// Whether it is one of the routes.
    pub(super) fn has(&self, route: RouteId) -> bool {
        self.any == Some(route) || self.by_method.iter().any(|(_, known)| *known == route)
    }

    /// The methods that have a route of their own.
    pub(super) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.by_method.iter().map(|(method, _)| method)
    }

    fn is_empty(&self) -> bool {
        self.any.is_none() && self.by_method.is_empty()
    }
}
