//! The metrics: one row each, with the laws of the table at its foot.
//!
//! Names are a contract with operators' dashboards and alerts; `tests/golden/metrics.txt` holds
//! them. Only metrics whose facts exist are here.

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: FamilyKind,
    /// One sentence for operators.
    pub help: &'static str,
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Only grows.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Spread over buckets.
    Histogram,
}

impl FamilyKind {
    /// The word of `# TYPE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Family {
    /// Every metric, in the order of the page.
    pub const ALL: &'static [Self] = &[
        BUILD_INFO,
        CONFIG_INFO,
        CONFIG_RELOADS,
        REQUESTS,
        REQUEST_DURATION,
        OVERHEAD,
        IN_FLIGHT,
        ERRORS,
        OUTCOMES,
        WOULD_CHANGE,
        OPENAPI_RESPONSES,
        GRAPHQL_OPERATIONS,
        GRPC_REQUESTS,
        CONNECTIONS,
        CONNECTION_FAILURES,
        AUTH,
        LIMIT_DECISIONS,
        LIMIT_KEYS_FORGOTTEN,
        STORE_UP,
        STORE_FALLBACKS,
        SHED,
        CONCURRENCY_LIMIT,
        MAINTENANCE_ACTIVE,
        UPSTREAM_REQUESTS,
        UPSTREAM_DURATION,
        UPSTREAM_RETRIES,
        UPSTREAM_ENDPOINT_UP,
        UPSTREAM_BREAKER_STATE,
        UPSTREAM_CONNECTIONS,
        FLOW_RUNS,
        FLOW_STEP,
        CERTIFICATE_EXPIRY,
        LOG_LINES_DROPPED,
        SERIES_LEFT_OUT,
        PROCESS_CPU,
        PROCESS_OPEN_FDS,
        PROCESS_MAX_FDS,
        PROCESS_VIRTUAL_MEMORY,
        PROCESS_RESIDENT_MEMORY,
        PROCESS_START_TIME,
    ];
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: FamilyKind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: FamilyKind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: FamilyKind::Histogram, help }
}

pub(super) const BUILD_INFO: Family =
    gauge("guichet_build_info", "Always 1; the label says which version runs.");
pub(super) const CONFIG_INFO: Family =
    gauge("guichet_config_info", "Always 1; the label is the hash of the running configuration.");
pub(super) const CONFIG_RELOADS: Family = counter(
    "guichet_config_reloads_total",
    "How often the configuration was read again: applied, or refused as a whole.",
);
pub(super) const REQUESTS: Family = counter(
    "guichet_requests_total",
    "Exchanges that have ended, by the status that the client got; none if it left before one.",
);
pub(super) const REQUEST_DURATION: Family =
    histogram("guichet_request_duration_seconds", "Time from the request to the end of its reply.");
pub(super) const OVERHEAD: Family = histogram(
    "guichet_overhead_seconds",
    "The part of that time in which no upstream was waited for.",
);
pub(super) const IN_FLIGHT: Family =
    gauge("guichet_requests_in_flight", "Exchanges under way on each route.");
pub(super) const ERRORS: Family = counter(
    "guichet_errors_total",
    "Errors by their code and by whose fault they are; the same words stand in body and log.",
);
pub(super) const OUTCOMES: Family =
    counter("guichet_outcomes_total", "Exchanges that have ended, by how they ended.");
pub(super) const WOULD_CHANGE: Family = counter(
    "guichet_normalise_would_change_total",
    "Upstream errors that passed untouched under normalise = \"observe\", by the code they would \
     have got.",
);
pub(super) const OPENAPI_RESPONSES: Family = counter(
    "guichet_openapi_responses_total",
    "Answers of upstreams that were compared with their OpenAPI document, by what is wrong first; \
     unread where a body was not judged.",
);
pub(super) const GRAPHQL_OPERATIONS: Family = counter(
    "guichet_graphql_operations_total",
    "GraphQL operations by what they do and by how they ended; unknown where the upstream alone knows the document.",
);
pub(super) const GRPC_REQUESTS: Family = counter(
    "guichet_grpc_requests_total",
    "gRPC calls that have ended, by method and status; other where a method has no label of its \
     own, none where the status stands in the body (gRPC-Web).",
);
pub(super) const CONNECTIONS: Family =
    gauge("guichet_connections", "Open client connections, by what they speak.");
pub(super) const CONNECTION_FAILURES: Family = counter(
    "guichet_connection_failures_total",
    "Client connections that failed before a request could be read.",
);
pub(super) const AUTH: Family = counter(
    "guichet_auth_total",
    "What a policy said of a request: passed, or why not; the rest of a refusal stands in the log.",
);
pub(super) const LIMIT_DECISIONS: Family = counter(
    "guichet_limit_decisions_total",
    "Requests that a rate limit let pass, or refused; a refusal counts where the wait is longest.",
);
pub(super) const LIMIT_KEYS_FORGOTTEN: Family = counter(
    "guichet_limit_keys_forgotten_total",
    "Callers that a rate limit forgot too early because it remembers no more than its keys.",
);
pub(super) const STORE_UP: Family =
    gauge("guichet_store_up", "1 while the store of shared limits answers in time.");
pub(super) const STORE_FALLBACKS: Family = counter(
    "guichet_store_fallbacks_total",
    "Requests that a limit decided by on_down, because its store did not answer in time.",
);
pub(super) const SHED: Family = counter(
    "guichet_shed_total",
    "What was given up for want of room; no route where a connection carried no request.",
);
pub(super) const CONCURRENCY_LIMIT: Family = gauge(
    "guichet_concurrency_limit",
    "Exchanges that the gateway, a route or an upstream may carry at once, fixed or adaptive.",
);
pub(super) const MAINTENANCE_ACTIVE: Family = gauge(
    "guichet_maintenance_active",
    "1 while these routes are under maintenance, planned or switched on.",
);
pub(super) const UPSTREAM_REQUESTS: Family = counter(
    "guichet_upstream_requests_total",
    "Attempts at an upstream, by the status of its answer; none if no answer came.",
);
pub(super) const UPSTREAM_DURATION: Family = histogram(
    "guichet_upstream_duration_seconds",
    "Time of one attempt, up to the head of the answer or to its failure.",
);
pub(super) const UPSTREAM_RETRIES: Family = counter(
    "guichet_upstream_retries_total",
    "Attempts that were followed by another one, by the cause of their failure; budget_spent: that were not, because retry.budget was spent.",
);
pub(super) const UPSTREAM_ENDPOINT_UP: Family =
    gauge("guichet_upstream_endpoint_up", "1 while the endpoint may be chosen.");
pub(super) const UPSTREAM_BREAKER_STATE: Family = gauge(
    "guichet_upstream_breaker_state",
    "0 while calls go through, 1 while one at a time does, 2 while all are refused.",
);
pub(super) const UPSTREAM_CONNECTIONS: Family =
    gauge("guichet_upstream_connections", "Connections to an upstream, by what they are doing.");
pub(super) const FLOW_RUNS: Family = counter(
    "guichet_flow_runs_total",
    "Runs of flows, by the result that left: a name of the file, or last-reply, failed-step, no-value, given-up.",
);
pub(super) const FLOW_STEP: Family = histogram(
    "guichet_flow_step_seconds",
    "Time of one step of a flow, from its expressions to the end of its reply or to its failure.",
);
pub(super) const CERTIFICATE_EXPIRY: Family = gauge(
    "guichet_tls_certificate_expiry_timestamp_seconds",
    "When a listener's certificate expires, in seconds since 1970.",
);
pub(super) const LOG_LINES_DROPPED: Family = counter(
    "guichet_log_lines_dropped_total",
    "Access log lines lost because the target was too slow or refused them.",
);
pub(super) const SERIES_LEFT_OUT: Family = counter(
    "guichet_series_left_out_total",
    "Events counted here alone because a bounded table of label sets was full.",
);
pub(super) const PROCESS_CPU: Family =
    counter("process_cpu_seconds_total", "CPU time, user and system together.");
pub(super) const PROCESS_OPEN_FDS: Family = gauge("process_open_fds", "Open file descriptors.");
pub(super) const PROCESS_MAX_FDS: Family =
    gauge("process_max_fds", "Most file descriptors that may be open.");
pub(super) const PROCESS_VIRTUAL_MEMORY: Family =
    gauge("process_virtual_memory_bytes", "Virtual memory.");
pub(super) const PROCESS_RESIDENT_MEMORY: Family =
    gauge("process_resident_memory_bytes", "Resident memory.");
pub(super) const PROCESS_START_TIME: Family =
    gauge("process_start_time_seconds", "When the process started, in seconds since 1970.");

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_say_their_kind() {
        let names: HashSet<_> = Family::ALL.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), Family::ALL.len());
        for Family { name, kind, help } in Family::ALL {
            assert!(name.starts_with("guichet_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == FamilyKind::Counter, "{name}");
            assert!(*kind != FamilyKind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}");
        }
    }
}
