//! Certificates that change on disk are read anew, without a restart and without a connection lost.
//!
//! The control thread looks at the files once a second ([`FileWatch`]), and no sooner: a certificate and
//! its key are two files, and the second needs its time. What was read is offered to the next handshake.
//! What cannot be used is told of once, in the operational log, and what was offered before stays.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{Offer, TlsListener};
use crate::base::{FileWatch, clock};
use crate::config::model::{
    CertificateSource, ClientAuth, Config, Listener, Protocols, Security, Tls,
};
use crate::observe::{Expiries, log};
use crate::server::StartError;

/// The control thread's end of every TLS listener.
pub(in crate::server) struct Renewal {
    config: Arc<Config>,
    watched: Vec<Watched>,
    environment: HashMap<String, String>,
    expiries: Arc<Expiries>,
}

/// What one look brought.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// Read and offered.
    Renewed(String),
    /// Offered, but somebody should look at it.
    Warning(String),
    /// Not usable: what was offered before stays.
    Kept(String),
}

/// One listener's files.
#[derive(Clone)]
struct Watched {
    /// Its place in the configuration.
    listener: usize,
    offer: Arc<watch::Sender<Arc<Offer>>>,
    files: FileWatch,
    /// When certificates of guichet's own making are made anew, in seconds since 1970.
    remake: Option<i64>,
}

impl Renewal {
    /// Reads the files of every listener; what each worker needs is given beside, by `ListenerId`.
    ///
    /// # Errors
    /// A listener's file that cannot be used.
    pub(in crate::server) fn load(
        config: &Arc<Config>,
        environment: &dyn Fn(&str) -> Option<String>,
        warnings: &mut Vec<String>,
    ) -> Result<(Vec<Option<TlsListener>>, Self), StartError> {
        let (listeners, renewal) = Self::read(config, environment, warnings, None)?;
        renewal.tell_expiries();
        Ok((listeners, renewal))
    }

    /// The same for another configuration, which follows this one. A listener whose `tls` says what
    /// it said keeps what it offers, ticket keys included, and what is known of its files. Nothing is
    /// told before [`Self::take_over`].
    ///
    /// # Errors
    /// A listener's file that cannot be used.
    pub(in crate::server) fn next(
        &self,
        config: &Arc<Config>,
        environment: &dyn Fn(&str) -> Option<String>,
        warnings: &mut Vec<String>,
    ) -> Result<(Vec<Option<TlsListener>>, Self), StartError> {
        Self::read(config, environment, warnings, Some(self))
    }

    /// Another configuration is the one of now.
    pub(in crate::server) fn take_over(&mut self, next: Self) {
        *self = next;
        self.tell_expiries();
    }

    fn read(
        config: &Arc<Config>,
        environment: &dyn Fn(&str) -> Option<String>,
        warnings: &mut Vec<String>,
        before: Option<&Self>,
    ) -> Result<(Vec<Option<TlsListener>>, Self), StartError> {
        // The environment is looked at while guichet starts and never again, so what was asked of
        // it is kept for those who read a file again.
        let known = before.map(|before| before.environment.clone());
        let kept = RefCell::new(known.unwrap_or_default());
        let environment = |name: &str| {
            let value = environment(name)?;
            kept.borrow_mut().insert(name.to_owned(), value.clone());
            Some(value)
        };
        let mut watched = Vec::new();
        let mut listeners = Vec::with_capacity(config.listeners.len());
        for (place, listener) in config.listeners.iter().enumerate() {
            let Some((tls, protocols)) = tls_of(listener) else {
                listeners.push(None);
                continue;
            };
            if let Some(known) = before.and_then(|before| before.unchanged(listener)) {
                listeners.push(Some(TlsListener(known.offer.subscribe())));
                watched.push(Watched { listener: place, ..known.clone() });
                continue;
            }
            let files = FileWatch::new(paths(tls, &environment));
            let offer = Offer::load(tls, protocols, &environment, warnings)
                .map_err(|message| StartError::Tls { listener: listener.name.clone(), message })?;
            let (offer, receiver) = watch::channel(Arc::new(offer));
            listeners.push(Some(TlsListener(receiver)));
            let offer = Arc::new(offer);
            let remake = remake(tls);
            watched.push(Watched { listener: place, offer, files, remake });
        }
        let environment = kept.into_inner();
        let expiries = before.map_or_else(Arc::default, |before| Arc::clone(&before.expiries));
        let config = Arc::clone(config);
        Ok((listeners, Self { config, watched, environment, expiries }))
    }

    /// What is watched for a listener whose name, `tls` and protocols are the same.
    fn unchanged(&self, now: &Listener) -> Option<&Watched> {
        self.watched.iter().find(|watched| {
            let before = &self.config.listeners[watched.listener];
            before.name == now.name && tls_of(before) == tls_of(now)
        })
    }

    /// What the metrics page says of the certificates; it follows every renewal.
    pub(in crate::server) fn expiries(&self) -> &Arc<Expiries> {
        &self.expiries
    }

    /// Looks at the files for as long as the instance lives.
    pub(in crate::server) async fn run(renewal: Rc<RefCell<Self>>) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let all = renewal.borrow_mut().look();
            for news in all {
                match news {
                    News::Renewed(words) => log::info("certificate", words),
                    News::Warning(words) => log::warn("certificate", words),
                    News::Kept(words) => log::error("certificate", words),
                }
            }
        }
    }

    /// One look at every file.
    fn look(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        let environment = |name: &str| self.environment.get(name).cloned();
        for watched in &mut self.watched {
            let listener = &self.config.listeners[watched.listener];
            if let Some((tls, protocols)) = tls_of(listener).filter(|_| watched.is_due()) {
                let name = &listener.name;
                watched.remake = remake(tls);
                watched.renew(name, tls, protocols, &environment, &mut news);
            }
        }
        if !news.is_empty() {
            self.tell_expiries();
        }
        news
    }

    fn tell_expiries(&self) {
        let mut all = Vec::new();
        for watched in &self.watched {
            let offer = watched.offer.borrow();
            let named = offer.certificates().expiries();
            all.extend(named.map(|(name, not_after)| (name.to_owned(), not_after)));
        }
        self.expiries.set(all);
    }
}

impl Watched {
    /// Whether the files have changed and settled, or time has run out for what was made here.
    fn is_due(&mut self) -> bool {
        let changed = self.files.has_changed();
        let old = self.remake.is_some_and(|at| at <= clock::unix_seconds());
        changed || old
    }

    fn renew(
        &mut self,
        name: &str,
        tls: &Tls,
        protocols: Protocols,
        environment: &dyn Fn(&str) -> Option<String>,
        news: &mut Vec<News>,
    ) {
        self.files.was_read();
        let mut warnings = Vec::new();
        let made = Offer::load(tls, protocols, environment, &mut warnings).and_then(|made| {
            let (new, old) = (made.certificates(), self.offer.borrow());
            match new.over().filter(|_| old.certificates().over().is_none()) {
                Some(over) => Err(over),
                None => Ok(made),
            }
        });
        match made {
            Ok(made) => {
                let held = made.certificates().described();
                news.push(News::Renewed(format!("[listen.{name}] tls: read anew: {held}")));
                let warned = |words| News::Warning(format!("[listen.{name}] tls: {words}"));
                news.extend(warnings.into_iter().map(warned));
                self.offer.send_replace(Arc::new(made));
            }
            Err(message) => news.push(News::Kept(format!(
                "[listen.{name}] tls: {message}; what was read before is still served"
            ))),
        }
    }
}

fn tls_of(listener: &Listener) -> Option<(&Tls, Protocols)> {
    match &listener.security {
        Security::Plain(_) => None,
        Security::Tls(tls) => Some((tls, listener.protocols)),
    }
}

/// The files that an offer is made of.
fn paths(tls: &Tls, environment: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for source in &tls.certificates {
        match source {
            CertificateSource::SelfSigned(_) => {}
            CertificateSource::Files { cert, key } => {
                paths.push(cert.clone());
                paths.extend(key.path(environment));
            }
        }
    }
    match tls.client_auth {
        ClientAuth::None => {}
        ClientAuth::Optional | ClientAuth::Required => paths.extend(tls.client_ca.clone()),
    }
    paths
}

fn remake(tls: &Tls) -> Option<i64> {
    let made_here = tls.certificates.iter().any(|source| match source {
        CertificateSource::SelfSigned(_) => true,
        CertificateSource::Files { .. } => false,
    });
    made_here.then(|| clock::unix_seconds() + REMAKE)
}

const EVERY: Duration = Duration::from_secs(1);
/// Thirty days, in seconds: a third of what a certificate made here is valid.
const REMAKE: i64 = 30 * 86_400;
