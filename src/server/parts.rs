//! What a worker's gateway is made of: built at start and at every reload, where a mistake can still
//! be told, and carried to the worker's thread, where everything that is not `Send` is made.
//!
//! State that all workers share is taken over here, from the parts before: [`Parts::next`].

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::StartOptions;
use super::error::StartError;
use crate::config::model::{AccessLog, Config};
use crate::gate::{Memory, Stores, Switches};
use crate::observe::{
    Expiries, Exposition, Lines, LogHandle, Lost, Names, Registers, Reloads, Witness,
};
use crate::proxy::{self, Gateway, OnRequest};
use crate::upstream::{self, Before, Boards, Credentials, Probes, Upstreams};

/// What all gateways of a generation share.
pub(super) struct Parts {
    config: Arc<Config>,
    names: Arc<Names>,
    registers: Vec<Arc<Registers>>,
    credentials: Credentials,
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
        let stores =
            Stores::new(&config.stores, options.environment, None).map_err(StartError::Store)?;
        let names = Arc::new(Names::new(config));
        let registers = (0..workers).map(|_| Arc::new(Registers::new(&names))).collect();
        Ok(Self {
            config: Arc::clone(config),
            names,
            registers,
            credentials,
            boards: Boards::new(&config.upstreams, workers),
            config_hash: options.config_hash.clone(),
            shared: proxy::Shared::new(config, stores, None),
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
            boards: self.boards.next(&self.config.upstreams, &config.upstreams, self.workers()),
            config_hash,
            shared: proxy::Shared::new(config, stores, Some(&self.shared)),
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

    /// Whether there is memory for more; the same in every generation.
    pub(super) fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.shared.memory)
    }

    /// What is known of the upstreams' endpoints.
    pub(super) fn boards(&self) -> &Boards {
        &self.boards
    }

    /// For how many workers.
    pub(super) fn workers(&self) -> usize {
        self.registers.len()
    }

    /// Has those upstreams be probed that are to be.
    pub(super) fn probe(&self, probes: &mut Probes, resolver: &upstream::Names) {
        probes.follow(&self.config.upstreams, &self.credentials, resolver, &self.boards);
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
    pub(super) fn build(self, before: Option<Before<'_>>) -> io::Result<Gateway> {
        let names = &self.names;
        let lines = self.log.map(|(settings, handle)| Lines::new(&settings, names, handle));
        let catalogue = Arc::clone(&self.config.errors.catalogue);
        let witness = Rc::new(Witness::new(self.registers, self.names, catalogue, lines));
        let known = &self.config.upstreams;
        let (credentials, resolver) = (&self.credentials, &self.resolver);
        let upstreams =
            Upstreams::new(known, credentials, resolver, &self.boards, self.worker, before)
                .map_err(io::Error::other)?;
        Ok(Gateway::new(self.config, upstreams, witness, &self.mark, self.shared, self.on_request))
    }
}
