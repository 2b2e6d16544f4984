//! Steps of an exchange that no call reaches alone, for who measures them (`benches/fast_path`).

use http::HeaderValue;
use http::request::Parts;

use super::exchange::Exchange;
use super::{Connection, Gateway, headers};

impl Gateway {
    /// Opens an exchange and ends it: its id, its trace, its record, and what is told of it.
    #[doc(hidden)]
    pub fn open(&self, connection: &Connection, head: &Parts) {
        drop(Exchange::open(self, connection, head));
    }

    /// The same, and edits the head for an upstream in between.
    #[doc(hidden)]
    pub fn edit(&self, connection: &Connection, head: &mut Parts) {
        let exchange = Exchange::open(self, connection, head);
        let host = exchange.fields.host.clone();
        let host = host.unwrap_or_else(|| HeaderValue::from_static(""));
        headers::outbound(&mut head.headers, &exchange, connection, &host, &self.identity);
    }
}
