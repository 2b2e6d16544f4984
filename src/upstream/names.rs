//! Names: asked on the control side, remembered by each worker, re-asked when their time is over.
//!
//! A worker never blocks on a name and never resolves one itself: it sends a question over a
//! bounded queue. The last good answer serves until a better one comes, however old it is; a name
//! that nobody knows makes its endpoint unhealthy and nothing else.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// The way to the resolver on the control side. Cheap to clone, one for each worker.
#[derive(Clone, Debug)]
pub struct Names {
    questions: mpsc::Sender<Question>,
}

/// One question, with the way back.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) name: Arc<str>,
    pub(super) reply: oneshot::Sender<Result<Answer, String>>,
}

/// What a name stands for, and for how long.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ttl: Duration,
}

impl Names {
    /// Starts the resolver on the control side's runtime. It reads `/etc/resolv.conf` and the
    /// hosts file, and ends when the last `Names` is dropped.
    pub fn spawn(runtime: &Handle) -> Self {
        let (questions, mut queue) = mpsc::channel::<Question>(QUEUE);
        runtime.spawn(async move {
            let resolver = resolver().map(Arc::new);
            let slots = Arc::new(Semaphore::new(AT_ONCE));
            while let Some(question) = queue.recv().await {
                // The semaphore is never closed; without a permit there is nothing to do anyway.
                let Ok(permit) = Arc::clone(&slots).acquire_owned().await else { return };
                let resolver = resolver.clone();
                #[allow(clippy::disallowed_methods, reason = "the control side is Send")]
                tokio::spawn(async move {
                    let answer = match &resolver {
                        Ok(resolver) => look_up(resolver, &question.name).await,
                        Err(error) => Err(error.clone()),
                    };
                    // Nobody waits any more if the worker is gone.
                    let _ = question.reply.send(answer);
                    drop(permit);
                });
            }
        });
        Self { questions }
    }

    /// A resolver that a test answers for.
    #[cfg(test)]
    pub(super) fn scripted() -> (Self, mpsc::Receiver<Question>) {
        let (questions, queue) = mpsc::channel(QUEUE);
        (Self { questions }, queue)
    }

    async fn ask(&self, name: Arc<str>) -> Result<Answer, String> {
        let (reply, answer) = oneshot::channel();
        self.questions
            .try_send(Question { name, reply })
            .map_err(|_| String::from("the resolver is overloaded or gone"))?;
        answer.await.unwrap_or_else(|_| Err(String::from("the resolver is gone")))
    }
}

/// A name as one worker knows it.
pub(super) struct Known {
    name: Arc<str>,
    names: Names,
    addresses: RefCell<Rc<[IpAddr]>>,
    fresh_until: Cell<Option<Instant>>,
    failure: RefCell<Option<Rc<str>>>,
    asking: Cell<bool>,
    answered: Notify,
}

impl Known {
    pub(super) fn new(name: &str, names: Names) -> Rc<Self> {
        Rc::new(Self {
            name: name.into(),
            names,
            addresses: RefCell::new(Rc::new([])),
            fresh_until: Cell::new(None),
            failure: RefCell::new(None),
            asking: Cell::new(false),
            answered: Notify::new(),
        })
    }

    /// The addresses: at once if any are known, however old, else after one answer.
    ///
    /// # Errors
    /// What the resolver said, for the log.
    pub(super) async fn addresses(self: &Rc<Self>, now: Instant) -> Result<Rc<[IpAddr]>, Rc<str>> {
        let known = self.glance(now);
        if !known.is_empty() {
            return Ok(known);
        }
        if self.asking.get() {
            self.answered.notified().await;
        }
        let known = Rc::clone(&self.addresses.borrow());
        if !known.is_empty() {
            return Ok(known);
        }
        Err(self.failure.borrow().clone().unwrap_or_else(|| "no address".into()))
    }

    /// The addresses as they are known, perhaps none; asks again where their time is over.
    pub(super) fn glance(self: &Rc<Self>, now: Instant) -> Rc<[IpAddr]> {
        if self.fresh_until.get().is_none_or(|until| now >= until) {
            self.refresh(now);
        }
        Rc::clone(&self.addresses.borrow())
    }

    /// Asks in the background, unless somebody is asking already.
    fn refresh(self: &Rc<Self>, now: Instant) {
        if self.asking.replace(true) {
            return;
        }
        let known = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let answer = known.names.ask(Arc::clone(&known.name)).await;
            known.learn(answer, now);
            known.asking.set(false);
            known.answered.notify_waiters();
        });
    }

    fn learn(&self, answer: Result<Answer, String>, now: Instant) {
        let ttl = match answer {
            Ok(answer) if !answer.addresses.is_empty() => {
                *self.addresses.borrow_mut() = answer.addresses.into();
                *self.failure.borrow_mut() = None;
                answer.ttl.clamp(TTL_FLOOR, TTL_CAP)
            }
            Ok(_) => {
                *self.failure.borrow_mut() = Some("the name has no address".into());
                TTL_FLOOR
            }
            Err(error) => {
                *self.failure.borrow_mut() = Some(error.into());
                TTL_FLOOR
            }
        };
        self.fresh_until.set(Some(now + ttl));
    }
}

fn resolver() -> Result<TokioResolver, String> {
    let builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        // Without /etc/resolv.conf the hosts file still counts.
        Resolver::builder_with_config(ResolverConfig::default(), TokioRuntimeProvider::default())
    });
    builder.build().map_err(|error| error.to_string())
}

async fn look_up(resolver: &TokioResolver, name: &str) -> Result<Answer, String> {
    let found = resolver.lookup_ip(name).await.map_err(|error| error.to_string())?;
    #[allow(clippy::disallowed_methods, reason = "hickory's times are of the system's clock")]
    let now = std::time::Instant::now();
    let ttl = found.valid_until().saturating_duration_since(now);
    Ok(Answer { addresses: found.iter().take(ADDRESSES).collect(), ttl })
}

/// Questions that may wait for the resolver, over all workers.
const QUEUE: usize = 256;

/// Questions that are asked at the same time.
const AT_ONCE: usize = 32;

/// Addresses of one name that are kept.
const ADDRESSES: usize = 32;

/// An answer is believed for at least this long; so is a failure.
const TTL_FLOOR: Duration = Duration::from_secs(1);

/// An answer is believed for at most this long.
const TTL_CAP: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;

    fn run<F: Future>(test: F) -> F::Output {
        tokio::runtime::LocalRuntime::new().unwrap().block_on(test)
    }

    impl Known {
        async fn settled(&self) {
            while self.asking.get() {
                tokio::task::yield_now().await;
            }
        }
    }

    fn answer(text: &str, seconds: u64) -> Result<Answer, String> {
        let addresses = vec![text.parse().unwrap()];
        Ok(Answer { addresses, ttl: Duration::from_secs(seconds) })
    }

    #[test]
    fn one_question_serves_all_who_wait() {
        run(async {
            let (names, mut queue) = Names::scripted();
            let known = Known::new("api.test", names);
            let now = clock::now();
            let serve = async {
                let question = queue.recv().await.unwrap();
                assert_eq!(&*question.name, "api.test");
                question.reply.send(answer("10.0.0.1", 60)).unwrap();
            };
            let (one, two, ()) = tokio::join!(known.addresses(now), known.addresses(now), serve);
            assert_eq!(one.unwrap(), two.unwrap());
            assert!(queue.try_recv().is_err());
        });
    }

    #[test]
    fn an_old_answer_serves_while_a_new_one_is_fetched_and_when_that_fails() {
        run(async {
            let (names, mut queue) = Names::scripted();
            let known = Known::new("api.test", names);
            let start = clock::now();
            let at = |millis| start + Duration::from_millis(millis);
            let serve = async {
                let question = queue.recv().await.unwrap();
                question.reply.send(answer("10.0.0.1", 0)).unwrap();
            };
            let (first, ()) = tokio::join!(known.addresses(start), serve);
            let first = first.unwrap();

            assert_eq!(known.addresses(at(999)).await.unwrap(), first);
            assert!(!known.asking.get(), "the floor of one second holds");

            assert_eq!(known.addresses(at(1001)).await.unwrap(), first);
            queue.recv().await.unwrap().reply.send(Err("servfail".into())).unwrap();
            known.settled().await;
            assert_eq!(known.addresses(at(2000)).await.unwrap(), first);

            assert_eq!(known.addresses(at(2002)).await.unwrap(), first);
            queue.recv().await.unwrap().reply.send(answer("10.0.0.2", 9999)).unwrap();
            known.settled().await;
            let second = known.addresses(at(2003)).await.unwrap();
            assert_eq!(second[0], "10.0.0.2".parse::<IpAddr>().unwrap());

            assert_eq!(known.addresses(at(2002) + TTL_CAP).await.unwrap(), second);
            assert!(queue.recv().await.is_some(), "the cap of five minutes holds");
        });
    }

    #[test]
    fn an_unknown_name_is_an_error_that_is_not_asked_again_at_once() {
        run(async {
            let (names, mut queue) = Names::scripted();
            let known = Known::new("nowhere.test", names);
            let serve = async {
                queue.recv().await.unwrap().reply.send(Err("no such name".into())).unwrap();
            };
            let (first, ()) = tokio::join!(known.addresses(clock::now()), serve);
            assert_eq!(&*first.unwrap_err(), "no such name");
            assert_eq!(&*known.addresses(clock::now()).await.unwrap_err(), "no such name");
            assert!(queue.try_recv().is_err());
        });
    }

    #[test]
    fn a_full_queue_is_a_failure_and_not_a_wait() {
        run(async {
            let (names, _queue) = Names::scripted();
            for _ in 0..QUEUE {
                let (reply, _) = oneshot::channel();
                names.questions.try_send(Question { name: "x".into(), reply }).unwrap();
            }
            let known = Known::new("api.test", names);
            assert!(known.addresses(clock::now()).await.is_err());
        });
    }

    #[test]
    fn localhost_is_known_without_a_network() {
        let control = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let names = Names::spawn(control.handle());
        let worker = tokio::runtime::LocalRuntime::new().unwrap();
        let found =
            worker.block_on(async { Known::new("localhost", names).addresses(clock::now()).await });
        assert!(found.unwrap().iter().all(IpAddr::is_loopback));
    }
}
