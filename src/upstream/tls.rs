//! TLS towards an upstream: one client configuration per upstream, verification always on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use rustls::client::WebPkiServerVerifier;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::model::{UpstreamProtocol, UpstreamTls};
use crate::config::secret::Secret;

/// The client side of TLS for one upstream.
pub(super) struct Tls {
    /// With the configured protocols in ALPN.
    pub(super) usual: Arc<ClientConfig>,
    /// With HTTP/1.1 alone: an upgrade exists only there.
    pub(super) http1: Arc<ClientConfig>,
    /// Of all that was read for it.
    digest: Digest,
}

/// The roots of the machine, read once and only if somebody needs them.
#[derive(Default)]
pub(super) struct SystemRoots(Option<Arc<RootCertStore>>);

impl Tls {
    /// Reads the files and builds the configuration.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn new(
        settings: &UpstreamTls,
        protocol: UpstreamProtocol,
        roots: &mut SystemRoots,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut reading = Reading(Context::new(&SHA256));
        let roots = match &settings.ca {
            Some(path) => Arc::new(authorities(path, &mut reading)?),
            None => roots.load(),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| format!("no certificate authority can be used: {error}"))?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_webpki_verifier(verifier);
        let mut config = match (&settings.cert, &settings.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(cert, &mut reading)?;
                let key = private_key(key, environment, &mut reading)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    format!("{}: the certificate and its key do not fit: {error}", cert.display())
                })?
            }
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) | (None, Some(_)) => {
                return Err("tls.cert and tls.key must be set together".into());
            }
        };
        config.alpn_protocols = match protocol {
            UpstreamProtocol::Negotiate => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            UpstreamProtocol::Http1 => vec![b"http/1.1".to_vec()],
            UpstreamProtocol::H2 | UpstreamProtocol::H2c => vec![b"h2".to_vec()],
        };
        let mut http1 = config.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let digest = reading.0.finish();
        Ok(Self { usual: Arc::new(config), http1: Arc::new(http1), digest })
    }

    /// Whether both were made of the same bytes. The machine's own roots are not among them.
    pub(super) fn holds_the_same(&self, other: &Self) -> bool {
        self.digest.as_ref() == other.digest.as_ref()
    }
}

impl SystemRoots {
    /// The machine's roots; the bundled ones of Mozilla where it has none, as in an empty image.
    fn load(&mut self) -> Arc<RootCertStore> {
        let roots = self.0.get_or_insert_with(|| {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            Arc::new(store)
        });
        Arc::clone(roots)
    }
}

fn authorities(path: &Path, reading: &mut Reading) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path, reading)? {
        store.add(certificate).map_err(|error| {
            format!("{}: this is no certificate authority: {error}", path.display())
        })?;
    }
    Ok(store)
}

fn certificates(
    path: &Path,
    reading: &mut Reading,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = reading.file(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(format!("{}: there is no certificate in this file", path.display()))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn private_key(
    secret: &Secret,
    environment: &dyn Fn(&str) -> Option<String>,
    reading: &mut Reading,
) -> Result<PrivateKeyDer<'static>, String> {
    let (place, pem) = match secret {
        Secret::File(path) => (path.display().to_string(), reading.file(path)?),
        Secret::Env(name) => {
            let value =
                environment(name).ok_or_else(|| format!("the variable {name} is not set"))?;
            reading.0.update(value.as_bytes());
            (format!("the variable {name}"), value.into_bytes())
        }
        Secret::Credential(name) => {
            let folder = environment("CREDENTIALS_DIRECTORY")
                .ok_or_else(|| format!("credential {name}: CREDENTIALS_DIRECTORY is not set"))?;
            let path = Path::new(&folder).join(name);
            (path.display().to_string(), reading.file(&path)?)
        }
    };
    // The error of the parser is not repeated: it may quote what it could not read.
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| format!("{place}: there is no private key"))
}

/// Remembers what was read, not byte by byte, but well enough to know it again.
struct Reading(Context);

impl Reading {
    fn file(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let read = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        // The length goes first, so that no two files can be taken for one.
        self.0.update(&read.len().to_le_bytes());
        self.0.update(&read);
        Ok(read)
    }
}
