//! Looks at files that change in every way.

use std::fs;

use super::super::tests::Authority;
use super::*;
use crate::config::secret::Secret;
use crate::server::tests::tls_config;

struct Rig {
    authority: Authority,
    renewal: Renewal,
    listener: TlsListener,
}

impl Rig {
    fn new() -> Self {
        let authority = Authority::new();
        Self::of(authority.tls(&["api.fr"], ClientAuth::None), authority)
    }

    fn of(tls: Tls, authority: Authority) -> Self {
        let config = Arc::new(tls_config(tls));
        let (mut listeners, renewal) = Renewal::load(&config, &|_| None, &mut Vec::new()).unwrap();
        let listener = listeners.remove(0).unwrap();
        Self { authority, renewal, listener }
    }

    /// Looks twice, because files have to settle.
    fn look(&mut self) -> Vec<News> {
        let mut news = self.renewal.look();
        news.extend(self.renewal.look());
        news
    }

    fn path(&self, name: &str) -> PathBuf {
        self.authority.folder().join(name)
    }
}

fn kept(news: &[News]) -> &str {
    match news {
        [News::Kept(words)] => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_that_do_not_change_are_not_read_again() {
    let mut rig = Rig::new();
    let before = rig.listener.offer();
    assert_eq!(rig.look(), []);
    assert!(Arc::ptr_eq(&before, &rig.listener.offer()));
}

#[test]
fn a_new_pair_is_offered_once_it_has_settled() {
    let mut rig = Rig::new();
    let before = rig.listener.offer();
    rig.authority.source("api.fr");
    assert_eq!(rig.renewal.look(), [], "it may still be written");
    let news = rig.renewal.look();
    assert!(
        matches!(&news[0], News::Renewed(words) if words.contains("api.fr until ")),
        "{news:?}"
    );
    assert!(!Arc::ptr_eq(&before, &rig.listener.offer()));
    assert_eq!(rig.look(), []);
}

#[test]
fn a_bad_pair_is_told_of_once_and_the_old_one_stays() {
    let mut rig = Rig::new();
    let before = rig.listener.offer();
    let good = fs::read(rig.path("api.fr.pem")).unwrap();
    let broken = |rig: &mut Rig, words: &str| {
        let news = rig.look();
        assert!(kept(&news).contains(words), "{news:?}");
        assert_eq!(rig.look(), [], "once");
        assert!(Arc::ptr_eq(&before, &rig.listener.offer()));
    };
    fs::write(rig.path("api.fr.pem"), "garbage").unwrap();
    broken(&mut rig, "holds no certificate");
    rig.authority.source("other.fr");
    fs::copy(rig.path("other.fr.pem"), rig.path("api.fr.pem")).unwrap();
    broken(&mut rig, "does not belong to the certificate");
    fs::remove_file(rig.path("api.fr.pem")).unwrap();
    broken(&mut rig, "cannot read the certificate file");
    fs::write(rig.path("api.fr.pem"), good).unwrap();
    assert!(matches!(&rig.look()[0], News::Renewed(_)), "and it recovers");
}

#[test]
fn a_certificate_that_is_over_does_not_replace_one_that_is_not() {
    let mut rig = Rig::new();
    rig.authority.source_until("api.fr", 2002);
    let news = rig.look();
    assert!(kept(&news).contains("expired at 2002-01-01"), "{news:?}");
}

#[test]
fn expiries_follow() {
    let mut rig = Rig::new();
    let ends = |rig: &Rig| rig.renewal.expiries().list();
    let before = ends(&rig);
    assert_eq!(before.len(), 1);
    rig.authority.source_until("api.fr", 2035);
    assert_eq!(ends(&rig), before);
    rig.look();
    assert_eq!(ends(&rig), [("api.fr".to_owned(), 2_051_222_400)]);
}

#[test]
fn authorities_of_clients_are_read_anew_as_well() {
    let authority = Authority::new();
    let mut rig = Rig::of(authority.tls(&["api.fr"], ClientAuth::Required), authority);
    fs::write(rig.path("ca.pem"), "garbage").unwrap();
    assert!(kept(&rig.look()).contains("ca.pem"));
    let other = Authority::new();
    fs::copy(other.folder().join("ca.pem"), rig.path("ca.pem")).unwrap();
    assert!(matches!(&rig.look()[0], News::Renewed(_)));
}

#[test]
fn certificates_made_here_are_made_anew_in_time() {
    let authority = Authority::new();
    let mut tls = authority.tls(&[], ClientAuth::None);
    tls.certificates = vec![CertificateSource::SelfSigned(vec!["localhost".to_owned()])];
    let mut rig = Rig::of(tls, authority);
    let before = rig.listener.offer();
    assert_eq!(rig.look(), []);
    rig.renewal.watched[0].remake = Some(clock::unix_seconds());
    assert!(matches!(&rig.look()[..], [News::Renewed(_)]));
    assert!(!Arc::ptr_eq(&before, &rig.listener.offer()));
}

#[test]
fn a_key_from_the_environment_is_kept_for_the_next_reading() {
    let authority = Authority::new();
    let mut tls = authority.tls(&["api.fr"], ClientAuth::None);
    let key = fs::read_to_string(authority.folder().join("api.fr.key")).unwrap();
    let cert = authority.folder().join("api.fr.pem");
    let pair = CertificateSource::Files { cert: cert.clone(), key: Secret::Env("KEY".into()) };
    tls.certificates = vec![pair];
    let config = Arc::new(tls_config(tls));
    let environment = |name: &str| (name == "KEY").then(|| key.clone());
    let (_listeners, mut renewal) = Renewal::load(&config, &environment, &mut Vec::new()).unwrap();
    let same = fs::read(&cert).unwrap();
    fs::remove_file(&cert).unwrap();
    fs::write(&cert, same).unwrap();
    renewal.look();
    assert!(matches!(&renewal.look()[..], [News::Renewed(_)]));
}

#[tokio::test(start_paused = true)]
async fn new_files_are_offered_within_two_seconds() {
    let Rig { authority, renewal, listener } = Rig::new();
    let before = listener.offer();
    let mut run = std::pin::pin!(Renewal::run(Rc::new(RefCell::new(renewal))));
    let mut pass = async |millis| {
        let time = tokio::time::timeout(Duration::from_millis(millis), &mut run);
        time.await.unwrap_err();
    };
    pass(1).await;
    authority.source("api.fr");
    pass(1_998).await;
    assert!(Arc::ptr_eq(&before, &listener.offer()), "one look finds them, the next one settled");
    pass(2).await;
    assert!(!Arc::ptr_eq(&before, &listener.offer()));
}
