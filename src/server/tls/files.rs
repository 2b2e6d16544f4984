//! Certificates, keys and authorities from PEM (RFC 7468), and errors that say what to do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};

use crate::config::model::CertificateSource;
use crate::config::secret::Secret;

/// A chain and its key, which belong together.
///
/// # Errors
/// A sentence that names the file and what to do about it.
pub(super) fn certified_key(
    chain: &Path,
    key: &Secret,
    provider: &CryptoProvider,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<CertifiedKey, String> {
    let certificates = certificates(chain)?;
    let name = describe(key);
    let bytes = key.read(environment)?;
    let parsed = private_key(&bytes, &name)?;
    CertifiedKey::from_der(certificates, parsed, provider)
        .map_err(|error| unusable(&error, chain, &name))
}

/// The authorities of a PEM file.
///
/// # Errors
/// A sentence that names the file and what to do about it.
pub(super) fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            format!("{} holds a certificate that is no authority: {error}", path.display())
        })?;
    }
    Ok(roots)
}

/// A warning where a key file may be read by every user of the machine.
pub(super) fn exposed_key(source: &CertificateSource) -> Option<String> {
    let CertificateSource::Files { key: Secret::File(path), .. } = source else { return None };
    let mode = path.metadata().ok()?.permissions().mode();
    let shown = path.display();
    (mode & OTHERS_READ != 0).then(|| {
        format!("the key file {shown} may be read by every user: `chmod 600 {shown}` ends that")
    })
}

fn unusable(error: &rustls::Error, chain: &Path, key: &str) -> String {
    let chain = chain.display();
    if *error == rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
        return format!(
            "{key} does not belong to the certificate in {chain}: give the key that the \
             certificate was made for; where the file holds a chain, the server's own certificate \
             comes first"
        );
    }
    if let rustls::Error::InvalidCertificate(reason) = error {
        return format!("the certificate in {chain} cannot be read: {reason:?}");
    }
    format!(
        "{key} cannot be used: {error}; RSA (2048 bits and more), ECDSA (P-256, P-384, P-521) and \
         Ed25519 keys are understood"
    )
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        format!("cannot read the certificate file {shown}: {error}; is the path right, and may this user read it?")
    })?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates =
        parsed.map_err(|error| format!("{shown} is not well-formed PEM: {error}"))?;
    if certificates.is_empty() {
        return Err(format!(
            "{shown} holds no certificate: PEM is expected, with a line -----BEGIN CERTIFICATE-----; \
             `openssl x509 -inform der -in {shown}` turns DER into PEM"
        ));
    }
    Ok(certificates)
}

fn private_key(bytes: &[u8], name: &str) -> Result<PrivateKeyDer<'static>, String> {
    match PrivateKeyDer::from_pem_slice(bytes) {
        Ok(key) => Ok(key),
        // Both spellings: PKCS#8's own, and the older one with a Proc-Type line.
        Err(_) if memchr::memmem::find(bytes, b"ENCRYPTED").is_some() => Err(format!(
            "{name} is encrypted, and nobody is there to type its passphrase: store it decrypted \
             (`openssl pkey -in encrypted.key -out plain.key`) and readable by this user alone"
        )),
        Err(pem::Error::NoItemsFound) => Err(format!(
            "{name} holds no private key: PEM is expected, with a line -----BEGIN PRIVATE KEY-----"
        )),
        Err(error) => Err(format!("{name} is not well-formed PEM: {error}")),
    }
}

fn describe(key: &Secret) -> String {
    match key {
        Secret::File(path) => format!("the key file {}", path.display()),
        Secret::Env(name) => format!("the key in the environment variable {name}"),
        Secret::Credential(name) => format!("the key in the credential {name}"),
    }
}

const OTHERS_READ: u32 = 0o004;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct Files(tempfile::TempDir);

    impl Files {
        fn write(&self, name: &str, content: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        }

        fn load(&self, cert: &str, key: &str) -> Result<CertifiedKey, String> {
            let provider = rustls::crypto::aws_lc_rs::default_provider();
            let key = Secret::File(self.0.path().join(key));
            certified_key(&self.0.path().join(cert), &key, &provider, &|_| None)
        }
    }

    fn files() -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        for name in ["a", "b"] {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            files.write(&format!("{name}.pem"), &made.cert.pem());
            files.write(&format!("{name}.key"), &made.signing_key.serialize_pem());
        }
        files
    }

    #[test]
    fn a_chain_and_its_key_are_read() {
        let files = files();
        assert_eq!(files.load("a.pem", "a.key").unwrap().cert.len(), 1);
        assert_eq!(authorities(&files.0.path().join("a.pem")).unwrap().len(), 1);
    }

    #[test]
    fn every_mistake_names_the_file_and_the_way_out() {
        let files = files();
        files.write("empty.pem", "nothing here\n");
        files.write("broken.pem", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n");
        files.write(
            "locked.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        files.write(
            "old-locked.key",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
        );
        files.write("wrong.key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
        for (cert, key, names, says) in [
            ("missing.pem", "a.key", "missing.pem", "cannot read"),
            ("empty.pem", "a.key", "empty.pem", "holds no certificate"),
            ("broken.pem", "a.key", "broken.pem", "not well-formed"),
            ("a.pem", "b.key", "b.key", "does not belong to the certificate"),
            ("a.pem", "missing.key", "missing.key", ""),
            ("a.pem", "a.pem", "a.pem", "holds no private key"),
            ("a.pem", "locked.key", "locked.key", "is encrypted"),
            ("a.pem", "old-locked.key", "old-locked.key", "is encrypted"),
            ("a.pem", "wrong.key", "wrong.key", "cannot be used"),
        ] {
            let error = files.load(cert, key).unwrap_err();
            assert!(error.contains(names) && error.contains(says), "{cert} {key}: {error}");
        }
        assert!(authorities(&files.0.path().join("empty.pem")).is_err());
    }

    #[test]
    fn a_key_may_come_from_the_environment() {
        let files = files();
        let key = std::fs::read_to_string(files.0.path().join("a.key")).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let secret = Secret::Env("KEY".to_owned());
        let environment = |name: &str| (name == "KEY").then(|| key.clone());
        let chain = files.0.path().join("a.pem");
        assert!(certified_key(&chain, &secret, &provider, &environment).is_ok());
        let error = certified_key(&chain, &secret, &provider, &|_| None).unwrap_err();
        assert!(error.contains("KEY"), "{error}");
    }

    #[test]
    fn a_key_that_everybody_may_read_is_told_of() {
        let files = files();
        let path = files.0.path().join("a.key");
        let key = Secret::File(path.clone());
        let source = CertificateSource::Files { cert: files.0.path().join("a.pem"), key };
        for (mode, expected) in [(0o644, true), (0o640, false), (0o600, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposed_key(&source).is_some(), expected, "{mode:o}");
        }
    }
}
