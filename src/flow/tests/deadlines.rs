//! Time: shared out from the whole to the parts, and spent side by side.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Answer, Script, loaded, ran};
use crate::base::clock;
use crate::problem::Cause;

fn slow(seconds: u64) -> Answer {
    Answer { takes: Duration::from_secs(seconds), ..Answer::new(200) }
}

fn steps(count: usize, more: &str) -> String {
    (0..count)
        .map(|at| format!("[[flow.f.step]]\nname = \"s{at}\"\ncall = \"GET app:/{at}\"\n{more}\n"))
        .collect()
}

fn script(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Script {
    let answers = answers.into_iter().map(|(name, answer)| (name.to_owned(), answer)).collect();
    Script { answers, ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_ten_takes_the_time_of_its_slowest() {
    let config = loaded(&format!("[flow.f]\ntimeout = \"1h\"\n{}", steps(10, "group = \"all\"")));
    let names: Vec<String> = (0..10).map(|at| format!("f.s{at}")).collect();
    let answers = names.iter().zip(1..).map(|(name, seconds)| (name.clone(), slow(seconds)));
    let script = Script { answers: answers.collect(), ..Script::default() };
    let began = clock::now();
    assert!(ran(&config, &script, Value::Null).await.answer.is_ok());
    assert_eq!((clock::now() - began).as_secs(), 10);
    assert_eq!(script.ended.borrow().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_a_group_is_told_at_once() {
    let config = loaded(&format!("[flow.f]\n{}", steps(3, "group = \"all\"")));
    let failing = Answer { takes: Duration::from_secs(1), ..Answer::new(503) };
    let script = script([("f.s0", slow(9)), ("f.s1", failing), ("f.s2", slow(9))]);
    let began = clock::now();
    let problem = ran(&config, &script, Value::Null).await.answer.unwrap_err();
    assert_eq!((problem.step(), (clock::now() - began).as_secs()), (Some("s1"), 1));
    assert_eq!(*script.ended.borrow(), ["f.s1"]);
}

#[tokio::test(start_paused = true)]
async fn a_tolerated_failure_gives_up_nobody() {
    let text = "[flow.f]\n\
        [[flow.f.step]]\nname = \"a\"\ngroup = \"g\"\ncall = \"GET app:/\"\nnext = \"r\"\n\
        [[flow.f.step]]\nname = \"b\"\ngroup = \"g\"\ncall = \"GET app:/\"\non_error = \"r\"\n\
        [[flow.f.result]]\nname = \"r\"\ndata = { a = \"${a.status}\", b = \"${b.ok}\" }\n";
    let config = loaded(text);
    let script = script([("f.a", slow(5)), ("f.b", Answer::new(503))]);
    let reply = ran(&config, &script, Value::Null).await.answer.unwrap();
    assert_eq!(*reply.body.value().unwrap(), json!({ "a": 200, "b": false }));
}

#[tokio::test(start_paused = true)]
async fn a_step_gets_what_is_left_and_a_flow_that_is_called_too() {
    let text = "[flow.f]\ntimeout = \"10s\"\n\
        [[flow.f.step]]\nname = \"first\"\ncall = \"GET app:/\"\n\
        [[flow.f.step]]\nname = \"inner\"\ncall = \"flow:g\"\n\
        [flow.g]\ntimeout = \"1h\"\n[[flow.g.step]]\nname = \"deep\"\ncall = \"GET app:/\"\n";
    let config = loaded(text);
    let script = script([("f.first", slow(7)), ("g.deep", slow(60))]);
    let began = clock::now();
    let problem = ran(&config, &script, Value::Null).await.answer.unwrap_err();
    assert_eq!((problem.cause(), problem.step()), (Cause::TotalTimeout, Some("inner")));
    assert_eq!((clock::now() - began).as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_step_has_a_limit_of_its_own() {
    let text = "[flow.f]\n[[flow.f.step]]\nname = \"a\"\ncall = \"GET app:/\"\ntimeout = \"2s\"\n\
        on_error = \"r\"\n[[flow.f.step]]\ncall = \"GET app:/\"\n\
        [[flow.f.result]]\nname = \"r\"\ndata = \"${a.ok}\"\n";
    let config = loaded(text);
    let script = script([("f.a", slow(60))]);
    let began = clock::now();
    let reply = ran(&config, &script, Value::Null).await.answer.unwrap();
    assert_eq!(*reply.body.value().unwrap(), json!(false));
    assert_eq!((clock::now() - began).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_gives_up_every_flow_under_way() {
    let text = "[flow.f]\n[[flow.f.step]]\ncall = \"flow:g\"\n\
        [flow.g]\n[[flow.g.step]]\ncall = \"GET app:/\"\n";
    let config = loaded(text);
    let script = script([("g.step1", slow(60))]);
    let left = tokio::time::timeout(Duration::from_secs(1), ran(&config, &script, Value::Null));
    assert!(left.await.is_err());
    assert_eq!((script.flows.get(), script.ended.borrow().len()), (2, 0));
}
