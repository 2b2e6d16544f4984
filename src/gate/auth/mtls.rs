//! `type = "mtls"`: a client certificate, which the listener has verified already
//! (`listen.NAME.tls.client_ca`). Here it is only looked at for whose it is.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;

use super::Shown;
use super::identity::Identity;
use super::said::{Refusal, Said};
use crate::base::AuthId;
use crate::config::model::{CertificateName, Client};
use crate::problem::Cause;

/// The clients that one policy knows.
#[derive(Debug)]
pub(super) struct Clients {
    id: AuthId,
    policy: HeaderValue,
    /// Everybody is known where there are none.
    alternative: HashMap<String, Arc<Identity>>,
    common: HashMap<String, Arc<Identity>>,
}

impl Clients {
    /// As the configuration says.
    pub(super) fn new(id: AuthId, policy: &HeaderValue, clients: &[Client]) -> Self {
        let (mut alternative, mut common) = (HashMap::new(), HashMap::new());
        for client in clients {
            let scopes = client.scopes.iter().map(String::as_str);
            // Its name was checked with the file.
            let Some(identity) = Identity::new(id, policy, &client.name, scopes) else { continue };
            let identity = Arc::new(identity);
            match &client.certificate {
                CertificateName::Alternative(name) => alternative.insert(name.clone(), identity),
                CertificateName::Common(name) => common.insert(name.clone(), identity),
            };
        }
        Self { id, policy: policy.clone(), alternative, common }
    }

    /// Looks at a request.
    pub(super) fn look(&self, shown: &Shown<'_>) -> Said {
        let certificate = shown.peer.tls.as_ref().and_then(|tls| tls.client.as_deref());
        let Some(names) = certificate else {
            return Refusal::new(Cause::CertificateMissing, "the client showed no certificate")
                .into();
        };
        if self.alternative.is_empty() && self.common.is_empty() {
            let name =
                names.common.as_deref().or_else(|| names.alternative.first().map(|name| &**name));
            let known = name.and_then(|name| Identity::new(self.id, &self.policy, name, [""; 0]));
            return match known {
                Some(identity) => Said::Known(Arc::new(identity)),
                None => {
                    let detail = "the certificate has no name that can stand in a header";
                    Refusal::new(Cause::CertificateUnknown, detail).into()
                }
            };
        }
        let alternative = names.alternative.iter().find_map(|name| self.alternative.get(&**name));
        let common = || self.common.get(names.common.as_deref()?);
        match alternative.or_else(common) {
            Some(identity) => Said::Known(Arc::clone(identity)),
            None => {
                let detail = "no client has a name of this certificate";
                Refusal::new(Cause::CertificateUnknown, detail).into()
            }
        }
    }
}
