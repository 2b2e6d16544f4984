//! F3: intent. Stub.
pub mod model;
pub mod secret;

/// STAND-IN until the configuration's own: the process's environment.
#[allow(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
pub fn system_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
