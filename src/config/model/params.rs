//! `[route.params]`, laid out for reading: the rules in file order, and beside them where each is
//! found, so that a request is read once from end to end.

use std::sync::Arc;

use http::HeaderName;

use crate::parameter::{FormSchema, Rule, Tongue};
use crate::problem::Place;

/// The parameters of a route.
#[derive(Debug)]
pub struct Params {
    /// In file order, which is the order of what is reported.
    pub rules: Box<[Rule]>,
    /// Captures of the path by their number, and the rule of each.
    pub path: Box<[(usize, u16)]>,
    /// Rules of the query.
    pub query: Names,
    /// Rules of fields.
    pub headers: Box<[(HeaderName, u16)]>,
    /// Rules of cookies.
    pub cookies: Names,
    /// Schemas of parameters by their place, where more is said of them than a rule can hold.
    pub schemas: Box<[(Place, Arc<FormSchema>)]>,
    /// Whether the query may hold nothing else.
    pub strict: bool,
    /// The configured languages.
    pub tongues: Box<[Tongue]>,
}

/// Rules by the names of their parameters, sorted.
#[derive(Debug, Default)]
pub struct Names(Box<[(Box<str>, u16)]>);

impl Names {
    /// Sorts them.
    pub fn new(mut names: Vec<(Box<str>, u16)>) -> Self {
        names.sort_unstable();
        Self(names.into())
    }

    /// The rule of a name, in any number of names within a few steps.
    pub fn find(&self, name: &str) -> Option<u16> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.0.get(at).map(|(_, rule)| *rule)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Params {
    /// Most parameters of one route.
    pub const MOST: usize = 1024;
}
