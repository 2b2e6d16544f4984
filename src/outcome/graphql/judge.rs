//! The verdict on a reply that is there as a whole.

use super::{Payload, ReplySkimmer, Verdict};

/// Judges a reply that came in these pieces; several in a list, where the request may have held several.
/// Nearly all are clean, and those are not even read.
pub fn judge<'p>(
    pieces: impl Iterator<Item = &'p [u8]> + Clone,
    payload: &Payload,
    batch: bool,
) -> Verdict {
    if payload.is_clean(pieces.clone()) {
        return Verdict { is_graphql: true, data: true, ..Verdict::default() };
    }
    let mut skimmer = ReplySkimmer::new(batch);
    pieces.for_each(|piece| skimmer.read(payload, piece));
    skimmer.verdict()
}
