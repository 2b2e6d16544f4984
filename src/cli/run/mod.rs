//! `guichet run`: load, start, tell where it listens, obey signals, end with the right code.
//!
//! What is told goes to standard error, because standard output belongs to the access log.

mod signals;
mod supervisor;
mod told;
mod upgrade;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;

use self::signals::{Order, Signals};
use self::told::{listening, told, verdict, warnings};
use self::upgrade::upgrade;
use super::output::{Exit, Form, Report, complain};
use crate::admin;
use crate::config::model::Config;
use crate::config::{self, Loaded};
use crate::reload::{self, Desk, Reloader, Watching};
use crate::server::{self, Ended, Inherited, Phase, Running, StartError, StartOptions};

/// Serves until a signal ends it. A configuration without a file is never read again.
pub(super) fn run(loaded: Loaded, file: Option<&Path>, watching: Watching, form: Form) -> Report {
    complain(&warnings(&loaded, form));
    serve(loaded, file, watching, form)
}

fn serve(loaded: Loaded, file: Option<&Path>, watching: Watching, form: Form) -> Report {
    let failed = |error: io::Error| Report::failed(Exit::Failed, format!("signals: {error}"));
    let inherited = match Inherited::from_environment(&config::system_environment) {
        Ok(inherited) => inherited,
        Err(error) => {
            let sentence = format!("the sockets that were handed over cannot be used: {error}");
            return Report::failed(Exit::CannotBind, sentence);
        }
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(error),
    };
    let signals = match Signals::install(&runtime) {
        Ok(signals) => signals,
        Err(error) => return failed(error),
    };
    let (desk, asked) = reload::desk(file, &loaded.effective);
    let options = StartOptions {
        admin: Some(admin::service(Some(desk.clone()))),
        config_hash: loaded.effective.fingerprint(),
        inherited,
        ..StartOptions::new(&config::system_environment)
    };
    let (config, sources): (Arc<Config>, _) = (Arc::new(loaded.config), loaded.sources);
    let running = match server::start(Arc::clone(&config), &options) {
        Ok(running) => running,
        Err(error) => return refused(&error),
    };
    for warning in running.warnings() {
        complain(&told("warning", warning, form));
    }
    complain(&listening(&config, &running, form));
    options.inherited.ready();
    supervisor::ready();
    let reloader = Reloader::new(file, &sources, watching, running.handle(), (desk.clone(), asked));
    let end = runtime.block_on(async {
        tokio::select! {
            end = oversee(&running, signals, &desk, form) => end,
            () = reloader.run(supervisor::reloading, |outcome| {
                supervisor::ready();
                complain(&verdict(outcome, form));
            }) => End::Unasked,
        }
    });
    conclude(running, end)
}

/// How overseeing came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The instance has ended, as it was asked to.
    Asked,
    /// It was told twice and still has not ended: the process goes without it.
    Abandoned,
    /// It has ended by itself.
    Unasked,
}

async fn oversee(running: &Running, mut signals: Signals, desk: &Desk, form: Form) -> End {
    let (mut draining, mut followed) = (false, false);
    loop {
        let order = tokio::select! {
            biased;
            // Whoever asked for it: a signal, or the admin socket.
            () = running.shared().reached(Phase::Leaving), if !draining => {
                if !running.shared().was_asked_to_end() {
                    return End::Unasked;
                }
                draining = true;
                if !followed {
                    supervisor::stopping();
                }
                complain(&told("draining", "until the last exchange ends; again: now", form));
                continue;
            }
            order = signals.next() => order,
            () = running.ended() => return End::Asked,
        };
        match order {
            Order::End if draining => {
                running.stop_now();
                // Workers only have to let go; one that cannot must not hold the process.
                let ended = tokio::time::timeout(LETTING_GO, running.ended()).await;
                return if ended.is_ok() { End::Asked } else { End::Abandoned };
            }
            Order::End => running.drain(),
            Order::Reopen => running.reopen_logs(),
            Order::Reload => desk.reload_soon(),
            Order::HandOver if draining => {
                complain(&told("upgrade", "not now: this process drains", form));
            }
            Order::HandOver => match followed_by(running, &mut signals).await {
                Ok(process) => {
                    let message = format!("process {process} serves, this one ends");
                    complain(&told("upgrade", &message, form));
                    supervisor::followed_by(process);
                    followed = true;
                    running.handle().hand_over().await;
                }
                Err(error) => {
                    complain(&told("upgrade", &format!("{error}; this process stays"), form));
                }
            },
        }
    }
}

/// Has a new process follow, unless somebody wants an end meanwhile.
async fn followed_by(running: &Running, signals: &mut Signals) -> Result<u32, String> {
    let handle = running.handle();
    tokio::select! {
        process = upgrade(&handle) => process,
        () = signals.until_end() => {
            running.drain();
            Err("told to end meanwhile".to_owned())
        }
    }
}

fn conclude(running: Running, end: End) -> Report {
    let cut =
        |why| Report::failed(Exit::DeadlinePassed, format!("{why}: what was still open was cut"));
    match end {
        End::Asked => match running.join() {
            Ended::Clean => Report::fine(""),
            Ended::DeadlinePassed => cut("the drain deadline passed"),
            Ended::Stopped => cut("told twice to end"),
        },
        End::Abandoned => cut("told twice to end"),
        End::Unasked => Report::failed(Exit::Failed, "every worker has ended unasked"),
    }
}

fn refused(error: &StartError) -> Report {
    let exit = match error {
        StartError::Bind { .. } | StartError::Socket { .. } => Exit::CannotBind,
        StartError::Tls { .. }
        | StartError::Token(_)
        | StartError::Upstream(_)
        | StartError::Store(_) => Exit::Refused,
        StartError::Log { .. }
        | StartError::Thread(_)
        | StartError::Worker(_)
        | StartError::Leaving => Exit::Failed,
    };
    let help = error.hint().map_or_else(String::new, |hint| format!("\nhelp: {hint}"));
    Report::failed(exit, format!("{error}{help}"))
}

const LETTING_GO: Duration = Duration::from_secs(1);
