//! What a worker's gateway is made of: built at start and at every reload, where a mistake can still
//! be told, and carried to the worker's thread, where everything that is not `Send` is made.
//!
//! State that all workers share is taken over here, from the parts before: [`Parts::next`].

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::StartOptions;
use super::error::StartError;
use crate::config::Environment;
use crate::config::model::{AccessLog, Auth, AuthKind, Config, KeySource, Upstream};
use crate::gate::{Memory, Policies, Stores, Switches};
use crate::observe::{
    Expiries, Exposition, Lines, LogHandle, Lost, Names, Registers, Reloads, Witness, log,
};
use crate::proxy::{self, Gateway, OnRequest};
use crate::upstream::{self, Before, Boards, Credentials, Document, Probes, Upstreams};

/// What all gateways of a generation share.
pub(super) struct Parts {
    config: Arc<Config>,
    names: Arc<Names>,
    registers: Vec<Arc<Registers>>,
    credentials: Credentials,
    /// For what is fetched beside, by policy.
    documents: Vec<Credentials>,
    boards: Boards,
    config_hash: String,
    mark: String,
    shared: proxy::Shared,
    on_request: Option<OnRequest>,
}

/// What one worker builds its gateway from.
pub(super) struct GatewayParts {
    config: Arc<Config>,
    names: Arc<Names>,
    registers: Arc<Registers>,
    log: Option<(AccessLog, LogHandle)>,
    credentials: Credentials,
    boards: Boards,
    worker: usize,
    resolver: upstream::Names,
    mark: String,
    shared: proxy::Shared,
    on_request: Option<OnRequest>,
}

impl Parts {
    /// Reads the upstreams' certificates and keys and the stores' addresses, and makes one set of
    /// registers per worker.
    ///
    /// # Errors
    /// A file or a secret that cannot be read.
    pub(super) fn new(
        config: &Arc<Config>,
        workers: usize,
        options: &StartOptions<'_>,
    ) -> Result<Self, StartError> {
        let credentials = Credentials::load(&config.upstreams, options.environment, None)
            .map_err(|error| StartError::Upstream(error.to_string()))?;
        let policies =
            Policies::load(config, options.environment, None).map_err(StartError::Auth)?;
        let documents = documents(config, options.environment)?;
        let stores =
            Stores::new(&config.stores, options.environment, None).map_err(StartError::Store)?;
        let names = Arc::new(Names::new(config));
        let registers = (0..workers).map(|_| Arc::new(Registers::new(&names))).collect();
        Ok(Self {
            config: Arc::clone(config),
            names,
            registers,
            credentials,
            documents,
            boards: Boards::new(&config.upstreams, workers),
            config_hash: options.config_hash.clone(),
            shared: proxy::Shared::new(config, stores, policies, None),
            mark: format!("{:016x}", fastrand::u64(..)),
            on_request: options.on_request,
        })
    }

    /// The parts of another configuration, which follows this one.
    ///
    /// # Errors
    /// A file or a secret that cannot be read.
    pub(super) fn next(
        &self,
        config: &Arc<Config>,
        config_hash: String,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, StartError> {
        let before = Some((&*self.config.upstreams, &self.credentials));
        let credentials = Credentials::load(&config.upstreams, environment, before)
            .map_err(|error| StartError::Upstream(error.to_string()))?;
        let known = self.shared.policies.as_deref().map(|policies| (&*self.config, policies));
        let policies = Policies::load(config, environment, known).map_err(StartError::Auth)?;
        let documents = documents(config, environment)?;
        let stores = Stores::new(&config.stores, environment, Some(&self.shared.stores))
            .map_err(StartError::Store)?;
        let names = Arc::new(Names::new(config));
        let after = |before: &Arc<Registers>| {
            Arc::new(Registers::after(&names, Some((&self.names, before))))
        };
        let registers = self.registers.iter().map(after).collect();
        Ok(Self {
            config: Arc::clone(config),
            names,
            registers,
            credentials,
            documents,
            boards: self.boards.next(&self.config.upstreams, &config.upstreams, self.workers()),
            config_hash,
            shared: proxy::Shared::new(config, stores, policies, Some(&self.shared)),
            mark: self.mark.clone(),
            on_request: self.on_request,
        })
    }

    /// The configuration.
    pub(super) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// What was switched on by hand; the same in every generation.
    pub(super) fn switches(&self) -> Arc<Switches> {
        Arc::clone(&self.shared.switches)
    }

    /// What is known of the upstreams' endpoints.
    pub(super) fn boards(&self) -> &Boards {
        &self.boards
    }

    /// Whether there is memory for more; the same in every generation.
    pub(super) fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.shared.memory)
    }

    /// For how many workers.
    pub(super) fn workers(&self) -> usize {
        self.registers.len()
    }

    /// Has those upstreams be probed that are to be.
    pub(super) fn probe(&self, probes: &mut Probes, resolver: &upstream::Names) {
        probes.follow(&self.config.upstreams, &self.credentials, resolver, &self.boards);
    }

    /// Keeps the keys of issuers fresh, until it is dropped.
    pub(super) async fn fetch_keys(self: Arc<Self>, resolver: upstream::Names) {
        let mut issuers = JoinSet::new();
        let Some(policies) = &self.shared.policies else { return };
        let sources = policies.key_sources(&self.config.auth);
        for ((source, from, path), credentials) in sources.into_iter().zip(&self.documents) {
            match Document::new(from, path, credentials, &resolver, LONGEST_KEYS) {
                Ok(document) => {
                    let document = Rc::new(document);
                    issuers.spawn_local(source.run(move || {
                        let document = Rc::clone(&document);
                        async move { document.fetch().await }
                    }));
                }
                Err(error) => log::warn("auth", format_args!("{}: {error}", from.name)),
            }
        }
        while issuers.join_next().await.is_some() {}
    }

    /// What the metrics page is made of.
    pub(super) fn exposition(
        &self,
        certificates: &Arc<Expiries>,
        reloads: &Arc<Reloads>,
        lost: Option<Lost>,
    ) -> Exposition {
        Exposition {
            registers: self.registers.clone(),
            names: Arc::clone(&self.names),
            catalogue: Arc::clone(&self.config.errors.catalogue),
            config_hash: self.config_hash.clone(),
            states: Arc::new(self.boards.clone()),
            certificates: Arc::clone(certificates),
            concurrency: self.shared.overload.as_ref().map(|it| it.limits()).unwrap_or_default(),
            maintenance: self.shared.maintenance.states(),
            stores: self.shared.stores.states(),
            reloads: Arc::clone(reloads),
            lost,
        }
    }

    /// The parts of one worker.
    pub(super) fn of_worker(
        &self,
        index: usize,
        log: Option<LogHandle>,
        resolver: &upstream::Names,
    ) -> GatewayParts {
        GatewayParts {
            config: Arc::clone(&self.config),
            names: Arc::clone(&self.names),
            registers: Arc::clone(&self.registers[index]),
            log: self.config.observe.access_log.clone().zip(log),
            credentials: self.credentials.clone(),
            boards: self.boards.clone(),
            worker: index,
            resolver: resolver.clone(),
            mark: self.mark.clone(),
            shared: self.shared.clone(),
            on_request: self.on_request,
        }
    }
}

impl GatewayParts {
    /// Puts the gateway together, on the worker's own thread.
    ///
    /// # Errors
    /// An upstream whose name no certificate can carry.
    pub(super) fn build(
        self,
        before: Option<Before<'_>>,
        gateway: Option<&Gateway>,
    ) -> io::Result<Gateway> {
        let names = &self.names;
        let lines = self.log.map(|(settings, handle)| Lines::new(&settings, names, handle));
        let catalogue = Arc::clone(&self.config.errors.catalogue);
        let witness = Rc::new(Witness::new(self.registers, self.names, catalogue, lines));
        let known = &self.config.upstreams;
        let (credentials, resolver) = (&self.credentials, &self.resolver);
        let upstreams =
            Upstreams::new(known, credentials, resolver, &self.boards, self.worker, before)
                .map_err(io::Error::other)?;
        let (shared, on_request) = (self.shared, self.on_request);
        let mark = &self.mark;
        Ok(Gateway::new(self.config, upstreams, witness, mark, shared, on_request, gateway))
    }
}

/// What fetching the keys of each issuer needs, in the order of the policies.
fn documents(
    config: &Config,
    environment: Environment<'_>,
) -> Result<Vec<Credentials>, StartError> {
    let fetched = config.auth.iter().filter_map(|policy| match &policy.kind {
        AuthKind::Jwt(jwt) => match &jwt.keys {
            KeySource::Fetched { from, .. } => Some((policy, &**from)),
            KeySource::File(_) => None,
        },
        AuthKind::ApiKey { .. }
        | AuthKind::Basic { .. }
        | AuthKind::Mtls { .. }
        | AuthKind::Forward(_) => None,
    });
    let load = |(policy, from): (&Auth, &Upstream)| {
        Credentials::load(std::slice::from_ref(from), environment, None).map_err(|why| {
            StartError::Auth(format!("[auth.{}] jwks: {}", policy.name, why.message))
        })
    };
    fetched.map(load).collect()
}

/// Bytes of a key set.
const LONGEST_KEYS: usize = 256 << 10;
