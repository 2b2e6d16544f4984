//! The operations that are open on a socket of GraphQL, so that each can be told when the socket
//! breaks: `graphql-transport-ws`, and `graphql-ws` of before.
//!
//! Invariants: what is remembered is bounded, in number and length, and what does not fit is
//! forgotten; only types and ids are read, never an operation or a result.

use super::message::{Kind, MessageSkimmer};
use crate::base::websocket::Heard;

/// How GraphQL is spoken over a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// `graphql-transport-ws`.
    Transport,
    /// `graphql-ws`, of `subscriptions-transport-ws`.
    Legacy,
}

/// The operations of one socket.
#[derive(Debug)]
pub struct Subscriptions {
    protocol: Option<Protocol>,
    open: Vec<String>,
    /// Whether the server has taken the connection.
    is_acknowledged: bool,
    client: MessageSkimmer,
    server: MessageSkimmer,
    ended: Ended,
}

/// How many operations have ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// One side has said that they are complete.
    pub complete: u32,
    /// The server has answered them with errors and nothing else.
    pub refused: u32,
}

impl Subscriptions {
    /// A socket whose two ends have agreed on this protocol.
    pub fn new(protocol: Option<&[u8]>) -> Self {
        let protocol = protocol.and_then(|name| match name {
            b"graphql-transport-ws" => Some(Protocol::Transport),
            b"graphql-ws" => Some(Protocol::Legacy),
            _ => None,
        });
        Self {
            protocol,
            open: Vec::new(),
            is_acknowledged: false,
            client: MessageSkimmer::default(),
            server: MessageSkimmer::default(),
            ended: Ended::default(),
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many have ended since somebody has asked.
    pub fn take_ended(&mut self) -> Ended {
        std::mem::take(&mut self.ended)
    }

    /// The client says something; whether more of it matters.
    pub fn hear_client(&mut self, heard: Heard<'_>) -> bool {
        if let Heard::Text(piece) = heard {
            return self.protocol.is_some() && self.client.read(piece);
        }
        match self.client.end() {
            Some((Kind::Subscribe, Some(id))) if self.open.len() < MOST => {
                if !self.open.contains(&id) {
                    self.open.push(id);
                }
            }
            Some((Kind::Complete, Some(id))) => self.ended.complete += self.forget(&id),
            Some(_) | None => {}
        }
        true
    }

    /// The server says something; whether more of it matters.
    pub fn hear_server(&mut self, heard: Heard<'_>) -> bool {
        if let Heard::Text(piece) = heard {
            return self.protocol.is_some() && self.server.read(piece);
        }
        match self.server.end() {
            Some((Kind::Ack, _)) => self.is_acknowledged = true,
            Some((Kind::Complete, Some(id))) => self.ended.complete += self.forget(&id),
            Some((Kind::Error, Some(id))) => self.ended.refused += self.forget(&id),
            Some(_) | None => {}
        }
        true
    }

    fn forget(&mut self, id: &str) -> u32 {
        let Some(place) = self.open.iter().position(|known| known == id) else { return 0 };
        self.open.swap_remove(place);
        1
    }

    /// The messages that tell the client of an error, which ends all that is open: in the terms of the
    /// protocol. `error` is JSON.
    pub fn last_words(&self, error: &str) -> impl Iterator<Item = String> {
        let (before, after) = match self.protocol {
            Some(Protocol::Legacy) => ("", ""),
            Some(Protocol::Transport) | None => ("[", "]"),
        };
        let unheard = self.protocol == Some(Protocol::Legacy) && !self.is_acknowledged;
        let refused = || format!("{{\"type\":\"connection_error\",\"payload\":{error}}}");
        let each = self.open.iter().map(move |id| {
            format!("{{\"id\":\"{id}\",\"type\":\"error\",\"payload\":{before}{error}{after}}}")
        });
        unheard.then(refused).into_iter().chain(each)
    }
}

/// Operations that are remembered at once.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn on(protocol: &str) -> Subscriptions {
        Subscriptions::new(Some(protocol.as_bytes()))
    }

    fn says(socket: &mut Subscriptions, client: bool, text: &str) {
        for heard in [Heard::Text(text.as_bytes()), Heard::End] {
            let _ = if client { socket.hear_client(heard) } else { socket.hear_server(heard) };
        }
    }

    fn begin(socket: &mut Subscriptions, id: &str) {
        says(socket, true, &format!("{{\"id\":\"{id}\",\"type\":\"subscribe\"}}"));
    }

    #[test]
    fn what_is_open_is_told_and_what_has_ended_is_not() {
        let mut socket = on("graphql-transport-ws");
        says(&mut socket, false, r#"{"type":"connection_ack"}"#);
        ["1", "2", "3", "4", "4"].iter().for_each(|id| begin(&mut socket, id));
        says(&mut socket, true, r#"{"id":"1","type":"complete"}"#);
        says(&mut socket, false, r#"{"id":"2","type":"error","payload":[]}"#);
        says(&mut socket, false, r#"{"id":"3","type":"next","payload":{}}"#);
        says(&mut socket, false, r#"{"id":"3","type":"complete"}"#);
        says(&mut socket, false, r#"{"id":"9","type":"complete"}"#);
        assert_eq!(socket.take_ended(), Ended { complete: 2, refused: 1 });
        let words: Vec<_> = socket.last_words("{}").collect();
        assert_eq!(words, [r#"{"id":"4","type":"error","payload":[{}]}"#]);
        assert_eq!((socket.take_ended(), socket.open()), (Ended::default(), 1));
    }

    #[test]
    fn the_protocol_of_before_has_words_of_its_own() {
        let mut socket = on("graphql-ws");
        assert_eq!(
            socket.last_words("{}").collect::<Vec<_>>(),
            [r#"{"type":"connection_error","payload":{}}"#]
        );
        says(&mut socket, false, r#"{"type":"connection_ack"}"#);
        says(&mut socket, true, r#"{"id":"1","type":"start"}"#);
        says(&mut socket, true, r#"{"id":"2","type":"start"}"#);
        says(&mut socket, true, r#"{"id":"1","type":"stop"}"#);
        assert_eq!(
            socket.last_words("{}").collect::<Vec<_>>(),
            [r#"{"id":"2","type":"error","payload":{}}"#]
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut socket = on("graphql-transport-ws");
        for id in 0..2 * MOST {
            begin(&mut socket, &id.to_string());
        }
        begin(&mut socket, &"x".repeat(1000));
        assert_eq!(socket.open(), MOST);
    }

    #[test]
    fn nobody_listens_to_another_protocol() {
        for name in [None, Some(&b"mqtt"[..])] {
            let mut socket = Subscriptions::new(name);
            assert!(!socket.hear_client(Heard::Text(b"{")));
            begin(&mut socket, "1");
            assert_eq!(socket.last_words("{}").count(), 0);
        }
    }
}
