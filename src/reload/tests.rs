//! Files that change under a running instance, and when they are read.

use std::cell::RefCell;
use std::fs;
use std::future::poll_fn;
use std::os::unix::fs::symlink;
use std::pin::pin;

use tempfile::TempDir;

use super::*;
use crate::base::clock;
use crate::server::tests::handle;

const TEXT: &str = "version = 1\ninclude = [\"conf.d/*.toml\"]\n\
                    [listen.a]\nbind = [\"127.0.0.1:0\"]\n\
                    [store.s]\nurl = { file = \"url\" }\n\
                    [[route]]\nmatch = \"/\"\nrespond = { status = 204 }\n";

/// A folder with a file, and a secret that it names.
fn folder() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (file, secret) = (folder.path().join("guichet.toml"), folder.path().join("url"));
    fs::write(&secret, "redis://127.0.0.1:1").unwrap();
    fs::write(&file, TEXT).unwrap();
    (folder, file, secret)
}

/// For an instance that refuses whatever it is asked for, which is told as well as all else.
fn reloader(file: &Path, every: Duration) -> Reloader {
    let Ok(loaded) = config::load(file, &|_| None) else { panic!("a good file") };
    let at_desk = desk(Some(file), &loaded.effective);
    let instance = handle(loaded.config, loaded.effective.fingerprint());
    let reloader = Reloader::new(Some(file), &loaded.sources, Watching::Always, instance, at_desk);
    Reloader { every, ..reloader }
}

fn configuration_with(status: u16) -> String {
    TEXT.replace("204", &status.to_string())
}

/// Where the system tells of nothing.
#[tokio::test(start_paused = true)]
async fn what_has_changed_is_read_once_it_has_settled_within_two_seconds() {
    let (_folder, file, secret) = folder();
    let (told, start) = (RefCell::new(Vec::new()), clock::now());
    let tell = |_: &Verdict| told.borrow_mut().push((clock::now() - start).as_millis());
    let mut run = pin!(reloader(&file, EVERY).run_by(Looks::new(None, EVERY), || {}, tell));
    let mut pass = async |millis| {
        let time = tokio::time::timeout(Duration::from_millis(millis), &mut run);
        assert!(time.await.is_err());
        std::mem::take(&mut *told.borrow_mut())
    };
    assert!(pass(500).await.is_empty());
    fs::write(&secret, "redis://127.0.0.1:2").unwrap();
    assert_eq!(pass(5_000).await, [2_000], "a secret, found by one look, read at the next");
    fs::write(&file, configuration_with(2004)).unwrap();
    assert_eq!(pass(5_000).await, [7_000], "a file of the configuration");
    for times in 1..10 {
        fs::write(&file, format!("# {}\n", "x".repeat(times))).unwrap();
        assert!(pass(1_000).await.is_empty(), "somebody still writes it");
    }
    assert_eq!(pass(5_000).await.len(), 1);
    fs::write(&file, TEXT).unwrap();
    assert!(pass(5_000).await.is_empty(), "what serves already is no news");
}

/// Where it does. Events of files that are written while the clock stands still are there before it
/// goes on.
#[tokio::test(start_paused = true)]
async fn what_the_system_tells_of_is_read_a_tenth_of_a_second_after_the_last_write() {
    let (_folder, file, secret) = folder();
    let (told, start) = (RefCell::new(Vec::new()), clock::now());
    let tell = |_: &Verdict| told.borrow_mut().push((clock::now() - start).as_millis());
    let mut run = pin!(reloader(&file, EVERY).run(|| {}, tell));
    let mut pass = async |millis| {
        let time = tokio::time::timeout(Duration::from_millis(millis), &mut run);
        assert!(time.await.is_err());
        std::mem::take(&mut *told.borrow_mut())
    };
    assert!(pass(500).await.is_empty());
    fs::write(&file, configuration_with(2004)).unwrap();
    assert_eq!(pass(5_000).await, [600]);
    for times in 1..50 {
        fs::write(&file, format!("# {}\n", "x".repeat(times))).unwrap();
        assert!(pass(50).await.is_empty(), "somebody still writes it");
    }
    let last = (clock::now() - start).as_millis() - 50;
    let read = pass(5_000).await;
    assert!(read.len() == 1 && (100..=200).contains(&(read[0] - last)), "{read:?} {last}");
    fs::write(&secret, "redis://127.0.0.1:2").unwrap();
    let written = (clock::now() - start).as_millis();
    let read = pass(5_000).await;
    assert!(read.len() == 1 && read[0] - written >= 1_000, "a secret has its time: {read:?}");
}

/// On real files and by the real clock. Nobody looks within the hour, so whatever is read here was told
/// of.
#[tokio::test]
async fn whatever_becomes_of_the_files_is_told_of_and_read() {
    let (folder, link, _secret) = folder();
    let at = |path: &str| folder.path().join(path);
    // As Kubernetes lays a ConfigMap out.
    fs::create_dir(at("..1")).unwrap();
    fs::rename(&link, at("..1/guichet.toml")).unwrap();
    symlink("..1", at("..data")).unwrap();
    symlink("..data/guichet.toml", &link).unwrap();
    let told = RefCell::new(String::new());
    let tell = |verdict: &Verdict| told.borrow_mut().push_str(&verdict.text);
    let mut run = pin!(reloader(&link, Duration::from_secs(3600)).run(|| {}, tell));
    let mut comes = async |words: &str| {
        let heard = poll_fn(|cx| {
            assert!(run.as_mut().poll(cx).is_pending());
            let heard = told.borrow().contains(words);
            if heard { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        let patience = Duration::from_secs(15);
        let heard = tokio::time::timeout(patience, heard).await;
        assert!(heard.is_ok(), "{words} in {}", told.borrow());
        told.borrow_mut().clear();
    };
    let write = |path: &str, status| fs::write(at(path), configuration_with(status)).unwrap();
    // Written before anybody listens: the first look finds it.
    write("..1/guichet.toml", 2001);
    comes("2001").await;
    write("..1/guichet.toml", 2002);
    comes("2002").await;
    write("..1/new", 2003);
    fs::rename(at("..1/new"), at("..1/guichet.toml")).unwrap();
    comes("2003").await;
    fs::create_dir(at("..2")).unwrap();
    write("..2/guichet.toml", 2004);
    symlink("..2", at("..tmp")).unwrap();
    fs::rename(at("..tmp"), at("..data")).unwrap();
    comes("2004").await;
    write("..2/guichet.toml", 2005);
    comes("2005").await;
    fs::remove_file(at("..2/guichet.toml")).unwrap();
    comes("guichet.toml").await;
    write("..2/guichet.toml", 2006);
    comes("2006").await;
    fs::remove_dir_all(at("..2")).unwrap();
    comes("guichet.toml").await;
    fs::create_dir(at("..2")).unwrap();
    fs::write(at("..2/guichet.toml"), TEXT).unwrap();
    // A folder that was not there when the file was read first.
    fs::create_dir(at("conf.d")).unwrap();
    fs::write(at("conf.d/more.toml"), "[[route]]\nmatch = \"/m\"\nrespond = { status = 2007 }\n")
        .unwrap();
    comes("2007").await;
}
