//! `type = "basic"`: a name and a password (RFC 7617), verified against argon2id hashes.
//!
//! A verification costs milliseconds and megabytes by design, so it never happens on a worker
//! ([`Verifiers`]) and a password that was right is remembered for a while. A name that nobody has is
//! verified against a hash that stands for nobody, so that the time tells nothing about names.

mod verifiers;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;

pub(super) use self::verifiers::{Pending, Verifiers};

use super::Shown;
use super::credentials::of_scheme;
use super::identity::Identity;
use super::recent::{Known, Mark, Recent};
use super::said::{Look, Question, Refusal, Said};
use crate::base::AuthId;
use crate::config::{self, Callers, Environment, Secret};
use crate::problem::Cause;

/// The users that one policy knows.
#[derive(Debug)]
pub(super) struct Users {
    known: HashMap<String, User>,
    /// A hash as costly as the others, of nobody's password.
    nobodys: Arc<str>,
    verifiers: Arc<Verifiers>,
    /// Of the file, to know it again.
    digest: Digest,
}

struct User {
    identity: Arc<Identity>,
    hash: Arc<str>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("User").field(&self.identity).finish()
    }
}

/// What a request has shown, while it is verified.
#[derive(Debug)]
pub(super) struct Claim {
    /// Who it is if the password is right; none where nobody has that name.
    identity: Option<Arc<Identity>>,
    mark: Mark,
    pending: Pending,
}

impl Users {
    /// Reads the file of users.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn load(
        id: AuthId,
        policy: &HeaderValue,
        users: &Secret,
        verifiers: &Arc<Verifiers>,
        environment: Environment<'_>,
    ) -> Result<Self, String> {
        let text = users.read(environment).map_err(|why| format!("users: {why}"))?;
        let entries = config::callers(&users.reference(), &text, Callers::Users)
            .map_err(|bad| format!("users: {bad}"))?;
        let mut known = HashMap::with_capacity(entries.len());
        let mut nobodys = None;
        for entry in entries {
            let hash = String::from_utf8(entry.secret.0).unwrap_or_default();
            let identity = Identity::new(id, policy, &entry.name, entry.scopes);
            // It was checked when the file was read.
            let Some(identity) = identity else { continue };
            nobodys.get_or_insert_with(|| nobodys_hash(&hash));
            let user = User { identity: Arc::new(identity), hash: hash.into() };
            known.insert(entry.name, user);
        }
        let nobodys = nobodys.unwrap_or_default().into();
        let digest = digest(&SHA256, &text);
        Ok(Self { known, nobodys, verifiers: Arc::clone(verifiers), digest })
    }

    /// Whether a file said the same.
    pub(super) fn knows_the_same(&self, other: &Self) -> bool {
        self.digest.as_ref() == other.digest.as_ref()
    }

    /// Looks at a request.
    pub(super) fn look(&self, shown: &Shown<'_>, recent: &Recent) -> Look {
        let sent = match of_scheme(shown.headers, "Basic") {
            Ok(Some(sent)) => sent,
            Ok(None) => return Refusal::new(Cause::AuthMissing, "no password was shown").into(),
            Err(refusal) => return refusal.into(),
        };
        let Some((name, password)) = read(sent) else {
            let detail = "name and password cannot be read";
            return Refusal::new(Cause::AuthMalformed, detail).into();
        };
        let mark = recent.mark(sent);
        if let Some(identity) = recent.find(&mark, shown.now, 0) {
            return Said::Known(identity).into();
        }
        let user = self.known.get(&name);
        let hash = user.map_or(&self.nobodys, |user| &user.hash);
        match self.verifiers.verify(password, Arc::clone(hash)) {
            Some(pending) => {
                let identity = user.map(|user| Arc::clone(&user.identity));
                Look::Ask(Question::Password(Claim { identity, mark, pending }))
            }
            None => {
                let detail = "too many passwords are being verified";
                Refusal::new(Cause::VerifierBusy, detail).with_retry_after(BUSY).into()
            }
        }
    }
}

impl Claim {
    /// Waits until the password is verified.
    pub(super) async fn verified(self, now: u64, recent: &Recent) -> Said {
        let right = self.pending.verified().await;
        match self.identity.filter(|_| right) {
            Some(identity) => {
                let until = now.saturating_add(REMEMBERED);
                recent.keep(self.mark, Known { identity: Arc::clone(&identity), until, state: 0 });
                Said::Known(identity)
            }
            None => Refusal::new(Cause::PasswordWrong, "name and password do not fit").into(),
        }
    }
}

/// `user:password` in base64; the name has no colon, and the password may be of any bytes.
fn read(sent: &[u8]) -> Option<(String, Vec<u8>)> {
    if sent.len() > LONGEST {
        return None;
    }
    let decoded = BASE64.decode(sent).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(&decoded[..colon]).ok()?.to_owned();
    Some((name, decoded[colon + 1..].to_vec()))
}

/// The costs and the salt of a hash, with a result that no password has but by accident.
fn nobodys_hash(of: &str) -> String {
    let (costs, hash) = of.rsplit_once('$').unwrap_or((of, ""));
    let turned: String = hash.chars().map(|digit| if digit == 'A' { 'B' } else { 'A' }).collect();
    format!("{costs}${turned}")
}

/// Clients pad or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// Bytes of name and password, encoded.
const LONGEST: usize = 2 << 10;
/// How long a password that was right need not be verified again, in milliseconds.
const REMEMBERED: u64 = 5 * 60 * 1000;
const BUSY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_ends_at_the_first_colon() {
        let read = |text: &str| read(BASE64.encode(text).as_bytes());
        assert_eq!(read("ann:a:b"), Some(("ann".into(), b"a:b".to_vec())));
        assert_eq!(read(":"), Some((String::new(), Vec::new())));
        assert_eq!(read("ann"), None);
        assert_eq!(super::read(b"!"), None);
        assert!(super::read(&vec![b'A'; LONGEST + 4]).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
            let _ = read(BASE64.encode(&bytes).as_bytes());
        }
    }
}
