//! Answers of the proxy's own, in the form that the others give them.

use bytes::Bytes;
use pingora::http::ResponseHeader;
use pingora::prelude::Result;

/// A status with its fields, and a body around the request's id.
pub struct Reply {
    status: u16,
    fields: Vec<(String, String)>,
    before: String,
    after: String,
}

impl Reply {
    /// `fields` is one a line, `body` has `{id}` where the id belongs.
    pub fn new(status: u16, fields: &str, body: &str) -> Self {
        let fields = fields.lines().filter_map(|line| line.split_once(": "));
        let (before, after) = body.split_once("{id}").expect("{id} in the body");
        Self {
            status,
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    /// The head beside a body of this length.
    pub fn head(&self, id: &str, length: usize) -> Result<ResponseHeader> {
        let mut head = ResponseHeader::build(self.status, Some(self.fields.len() + 3))?;
        for (name, value) in &self.fields {
            head.insert_header(name.clone(), value.as_str())?;
        }
        head.insert_header("Content-Type", "application/json")?;
        head.insert_header("Content-Length", length)?;
        head.insert_header("X-Request-Id", id)?;
        Ok(head)
    }

    /// The body for one request.
    pub fn body(&self, id: &str) -> Bytes {
        [self.before.as_str(), id, self.after.as_str()].concat().into()
    }
}
