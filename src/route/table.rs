//! Stub: the table.
use http::Method;

use super::{HostPattern, Pattern};
use crate::base::RouteId;

/// Host, path and method → route.
#[derive(Debug, Default)]
pub struct Table {}

/// Why a route cannot be added: it could never be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The earlier route that takes everything of this one.
    pub shadowed_by: RouteId,
}

/// Where captured parameters stand in the path; no allocation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Captures {
    spans: [(u16, u16); Captures::MAX],
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
    /// Routes have the path, with these methods.
    WrongMethod(Vec<Method>),
    /// Nothing has the path.
    NotFound,
}

impl Table {
    /// Adds a route. No hosts means every host.
    ///
    /// # Errors
    /// The route could never be reached.
    pub fn insert(
        &mut self,
        route: RouteId,
        hosts: &[HostPattern],
        pattern: &Pattern,
    ) -> Result<(), TableError> {
        let _ = (route, hosts, pattern);
        Ok(())
    }

    /// Finds the route. `host` without port, any case; `path` in canonical form.
    pub fn lookup(&self, host: &str, path: &str, method: &Method) -> Lookup {
        let _ = (host, path, method);
        Lookup::NotFound
    }
}
