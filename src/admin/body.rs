//! What is sent along with a request, within a bound.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::problem::{Cause, Problem};

/// Reads a body to its end.
///
/// # Errors
/// It is longer than `most`, or it broke.
pub(super) async fn read(body: impl Body<Data = Bytes>, most: usize) -> Result<Bytes, Problem> {
    let mut body = pin!(body);
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Cause::BadChunk))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        // What is too long is read on for a while, and forgotten: closing on it would take the
        // answer from whoever is still sending.
        if seen > most.saturating_add(DISCARDED) {
            break;
        }
        if seen <= most {
            kept.extend_from_slice(&data);
        }
    }
    if seen > most {
        return Err(Problem::new(Cause::BodyLimit).with_detail("the body is too long"));
    }
    Ok(kept.freeze())
}

/// Bytes that are read of a body that is too long.
const DISCARDED: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn a_body_is_read_within_its_bound() {
        let of = |length| Full::new(Bytes::from(vec![b'x'; length]));
        assert_eq!(read(of(8), 8).await.unwrap().len(), 8);
        assert_eq!(read(of(9), 8).await.unwrap_err().cause(), Cause::BodyLimit);
        assert_eq!(read(of(0), 8).await.unwrap().len(), 0);
    }
}
