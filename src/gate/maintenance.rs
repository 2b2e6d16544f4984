//! Routes that are not served for a while: windows that were planned in the file, and switches that
//! somebody turns while guichet runs.
//!
//! [`Switches`] belong to the instance and not to a configuration: a reload keeps them. They name
//! routes as the file does (`users.*`), so that they hold for routes that come later. While nothing
//! is planned and nothing switched on, a request pays for one look at a flag.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ipnet::IpNet;

use crate::base::{RouteId, clock};
use crate::config::model::{Config, Maintenance as Window};
use crate::observe::ScopeStates;
use crate::problem::{Cause, Problem};

/// What is under maintenance, and when.
#[derive(Debug)]
pub struct Maintenance {
    windows: Box<[Window]>,
    switches: Arc<Switches>,
    /// The languages of texts, in their order.
    languages: Box<[String]>,
}

/// What was switched on while guichet runs.
#[derive(Debug, Default)]
pub struct Switches {
    any: AtomicBool,
    list: RwLock<Vec<Switch>>,
}

/// One switch that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The name of a route, or how several begin and `*`.
    pub routes: String,
    /// When it turns itself off, in milliseconds since 1970.
    pub until: Option<u64>,
    /// Who is served all the same.
    pub allow: Vec<IpNet>,
    /// What clients are told: languages and texts, by the names of languages, for a reload may give
    /// those another order. A language without one is told the catalogue's.
    pub texts: Vec<(String, String)>,
}

impl Maintenance {
    /// The windows of a configuration, beside the switches of the instance.
    pub fn new(config: &Config, switches: Arc<Switches>) -> Self {
        let languages = config.server.languages.clone().into();
        Self { windows: config.maintenance.clone().into(), switches, languages }
    }

    /// Whether nothing is planned and nothing switched on.
    pub fn is_idle(&self) -> bool {
        self.windows.is_empty() && !self.switches.any.load(Ordering::Relaxed)
    }

    /// Lets a request pass unless its route is under maintenance at `now`, in milliseconds since
    /// 1970.
    ///
    /// # Errors
    /// It is: what it is about and when it ends, as far as somebody has said so.
    pub fn pass(
        &self,
        route: RouteId,
        name: &str,
        client: IpAddr,
        now: u64,
    ) -> Result<(), Problem> {
        let concerns = |window: &&Window| {
            let routes = window.routes.as_ref();
            is_on(window, now)
                && routes.is_none_or(|routes| routes.binary_search(&route).is_ok())
                && !lets_in(&window.allow, client)
        };
        if let Some(window) = self.windows.iter().find(concerns) {
            let refused = refusal(&window.scope, window.until, now);
            return Err(match &window.text {
                Some(text) => refused.with_texts(Arc::clone(text)),
                None => refused,
            });
        }
        let refused = self.switches.find(name, client, now, |switch| {
            let refused = refusal(&switch.routes, switch.until, now);
            if switch.texts.is_empty() {
                return refused;
            }
            refused.with_texts(switch.texts_in(&self.languages))
        });
        refused.map_or(Ok(()), Err)
    }

    /// Every window and switch, and whether it holds now: for the metrics page.
    pub fn states(self: &Arc<Self>) -> ScopeStates {
        let this = Arc::clone(self);
        ScopeStates::new(move || {
            let now = clock::unix_millis();
            let windows =
                this.windows.iter().map(|window| (window.scope.clone(), is_on(window, now)));
            let switches = this.switches.list();
            let switched = switches.into_iter().map(|switch| (switch.routes, true));
            windows.chain(switched).collect()
        })
    }
}

impl Switches {
    /// Switches maintenance on, or on with other terms; whether there was room for one more.
    pub fn turn_on(&self, switch: Switch) -> bool {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        let now = clock::unix_millis();
        list.retain(|known| known.routes != switch.routes && known.is_on(now));
        if list.len() >= MOST {
            return false;
        }
        list.push(switch);
        self.any.store(true, Ordering::Relaxed);
        true
    }

    /// Switches it off again; whether it was on.
    pub fn turn_off(&self, routes: &str) -> bool {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        let before = list.len();
        list.retain(|known| known.routes != routes);
        self.any.store(!list.is_empty(), Ordering::Relaxed);
        list.len() < before
    }

    /// What is on, in the order in which it was switched on.
    pub fn list(&self) -> Vec<Switch> {
        let now = clock::unix_millis();
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().filter(|switch| switch.is_on(now)).cloned().collect()
    }

    /// Tells of the first switch that keeps a client from a route.
    fn find<R>(
        &self,
        name: &str,
        client: IpAddr,
        now: u64,
        tell: impl FnOnce(&Switch) -> R,
    ) -> Option<R> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        if !list.iter().any(|switch| switch.is_on(now)) {
            // The last one is over: nobody has to look again. Whoever switches on waits meanwhile.
            self.any.store(false, Ordering::Relaxed);
            return None;
        }
        let keeps_out = |switch: &&Switch| {
            switch.is_on(now) && switch.concerns(name) && !lets_in(&switch.allow, client)
        };
        list.iter().find(keeps_out).map(tell)
    }
}

impl Switch {
    fn is_on(&self, now: u64) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The texts in the order of these languages; an empty one where there is none.
    fn texts_in(&self, languages: &[String]) -> Arc<[Box<str>]> {
        let text = |language: &String| {
            let found = self.texts.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(language));
            found.map(|(_, text)| text.as_str()).unwrap_or_default().into()
        };
        languages.iter().map(text).collect()
    }

    /// Whether a route of this name is meant.
    pub fn concerns(&self, name: &str) -> bool {
        match self.routes.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == self.routes,
        }
    }
}

fn lets_in(allow: &[IpNet], client: IpAddr) -> bool {
    allow.iter().any(|network| network.contains(&client.to_canonical()))
}

fn is_on(window: &Window, now: u64) -> bool {
    window.from <= now && window.until.is_none_or(|until| now < until)
}

/// Without an end the configured default stands in `Retry-After`.
fn refusal(scope: &str, until: Option<u64>, now: u64) -> Problem {
    let problem = Problem::new(Cause::Maintenance);
    let problem = problem.with_detail(format_args!("{scope} is under maintenance"));
    match until {
        Some(until) => problem.with_retry_after(Duration::from_millis(until.saturating_sub(now))),
        None => problem,
    }
}

/// Switches that may be on at the same time.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    /// 2026-12-01T02:00:00+01:00.
    const BEGIN: u64 = 1_796_086_800_000;

    fn maintenance(lines: &str) -> Maintenance {
        let text = format!(
            "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n[[maintenance]]\n{lines}\n[[route]]\n\
             name = \"users.get\"\nmatch = \"/a\"\nrespond = {{ status = 204 }}\n[[route]]\n\
             name = \"health\"\nmatch = \"/b\"\nrespond = {{ status = 204 }}\n"
        );
        let config = match crate::config::load_text("t.toml", &text, &|_| None) {
            Ok(loaded) => loaded.config,
            Err(refused) => panic!("{}", refused.human(crate::config::Colour::Never)),
        };
        Maintenance::new(&config, Arc::default())
    }

    fn passes(maintenance: &Maintenance, route: u16, client: &str, now: u64) -> bool {
        let name = ["users.get", "health"][usize::from(route)];
        maintenance.pass(RouteId(route), name, client.parse().unwrap(), now).is_ok()
    }

    #[test]
    fn a_window_holds_for_its_routes_its_time_and_whom_it_does_not_let_in() {
        let maintenance = maintenance(
            "routes = [\"users.*\"]\nfrom = 2026-12-01T02:00:00+01:00\n\
             until = 2026-12-01T04:00:00+01:00\nallow = [\"10.0.0.0/8\"]",
        );
        assert!(!maintenance.is_idle());
        for (route, client, now, expected) in [
            (0, "192.0.2.1", BEGIN - 1, true),
            (0, "192.0.2.1", BEGIN, false),
            (0, "192.0.2.1", BEGIN + 2 * HOUR - 1, false),
            (0, "192.0.2.1", BEGIN + 2 * HOUR, true),
            (1, "192.0.2.1", BEGIN, true),
            (0, "10.1.2.3", BEGIN, true),
            (0, "::ffff:10.1.2.3", BEGIN, true),
        ] {
            assert_eq!(passes(&maintenance, route, client, now), expected, "{client} {now}");
        }
        let client = "192.0.2.1".parse().unwrap();
        let refused = maintenance.pass(RouteId(0), "users.get", client, BEGIN + HOUR).unwrap_err();
        assert_eq!(refused.retry_after(), Some(Duration::from_millis(HOUR)));
    }

    #[test]
    fn the_end_stands_in_the_text_of_each_language() {
        let maintenance = maintenance(
            "until = 2026-12-01T04:00:00+01:00\n\
             text = { fr = \"Retour à {until}.\", en = \"Back at {until}.\" }",
        );
        let client = "192.0.2.1".parse().unwrap();
        let refused = maintenance.pass(RouteId(1), "health", client, BEGIN).unwrap_err();
        let text = |at| refused.message_in(crate::problem::Language(at));
        assert_eq!(text(0), Some("Retour à 2026-12-01 04:00 (UTC+01:00)."));
        assert_eq!(text(1), Some("Back at 2026-12-01 04:00 (UTC+01:00)."));
    }

    #[test]
    fn switches_turn_routes_off_and_on_and_end_by_themselves() {
        let switches = Arc::new(Switches::default());
        let languages = Box::new(["fr".to_owned(), "en".to_owned(), "de".to_owned()]);
        let maintenance =
            Maintenance { windows: Box::default(), switches: Arc::clone(&switches), languages };
        let switch = |until| Switch {
            routes: "users.*".into(),
            until,
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            texts: vec![("EN".into(), "back soon".into()), ("fr".into(), "bientôt".into())],
        };
        assert!(maintenance.is_idle() && passes(&maintenance, 0, "::1", BEGIN));
        assert!(switches.turn_on(switch(Some(BEGIN + HOUR))));
        assert!(!maintenance.is_idle());
        assert!(!passes(&maintenance, 0, "::1", BEGIN) && passes(&maintenance, 1, "::1", BEGIN));
        assert!(passes(&maintenance, 0, "::ffff:10.1.2.3", BEGIN), "it is let in");
        let refused = maintenance.pass(RouteId(0), "users.get", "::1".parse().unwrap(), BEGIN);
        let refused = refused.unwrap_err();
        let text = |at| refused.message_in(crate::problem::Language(at));
        assert_eq!((text(0), text(1), text(2)), (Some("bientôt"), Some("back soon"), None));
        assert!(passes(&maintenance, 0, "::1", BEGIN + HOUR));
        assert!(maintenance.is_idle(), "nobody has to look once the last one is over");
        assert!(switches.turn_on(switch(None)));
        assert!(!passes(&maintenance, 0, "::1", BEGIN + HOUR));
        assert_eq!(switches.list().len(), 1);
        let narrow = Switch { routes: "users.get".into(), allow: Vec::new(), ..switch(None) };
        assert!(switches.turn_on(narrow) && !passes(&maintenance, 0, "10.1.2.3", BEGIN));
        assert!(switches.turn_off("users.*") && !switches.turn_off("users.*"));
        assert!(switches.turn_off("users.get") && maintenance.is_idle());
    }

    #[test]
    fn so_many_switches_are_on_at_a_time_and_no_more() {
        let switches = Switches::default();
        let switch = |at: usize| Switch {
            routes: format!("r{at}"),
            until: None,
            allow: Vec::new(),
            texts: Vec::new(),
        };
        assert!((0..MOST).all(|at| switches.turn_on(switch(at))));
        assert!(!switches.turn_on(switch(MOST)));
        assert!(switches.turn_on(switch(7)), "it takes the place of itself");
    }
}
