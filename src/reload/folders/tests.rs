use std::fs::{self, File};
use std::future::poll_fn;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

fn places(path: &Path) -> Vec<PathBuf> {
    let mut folders = BTreeSet::new();
    folders_of(path, &mut folders);
    folders.into_iter().collect()
}

/// A folder without a link on the way to it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

#[test]
fn a_file_changes_where_it_stands_and_where_the_links_to_it_stand() {
    let (_folder, at) = folder();
    for folder in ["releases/1/etc", "config/..1"] {
        fs::create_dir_all(at.join(folder)).unwrap();
    }
    fs::write(at.join("releases/1/etc/a.toml"), "").unwrap();
    fs::write(at.join("config/..1/b.toml"), "").unwrap();
    symlink("releases/1", at.join("current")).unwrap();
    symlink("..1", at.join("config/..data")).unwrap();
    symlink("..data/b.toml", at.join("config/b.toml")).unwrap();
    symlink("../current/../1/etc/a.toml", at.join("config/c.toml")).unwrap();
    let of = |path: &str| places(&at.join(path));
    let all = |paths: &[&str]| paths.iter().map(|path| at.join(path)).collect::<Vec<_>>();
    assert_eq!(of("releases/1/etc/a.toml"), all(&["releases/1/etc"]));
    assert_eq!(of("current/etc/a.toml"), [at.clone(), at.join("releases/1/etc")]);
    assert_eq!(of("config/b.toml"), all(&["config", "config/..1"]));
    let expected = [at.clone(), at.join("config"), at.join("releases/1/etc")];
    assert_eq!(of("config/c.toml"), expected, "`..` of where the link leads");
    assert_eq!(of("releases/1"), all(&["releases", "releases/1"]), "a folder, itself too");
}

#[test]
fn what_is_not_there_would_come_in_the_nearest_folder() {
    let (_folder, at) = folder();
    let here = std::slice::from_ref(&at);
    assert_eq!(places(&at.join("conf.d/a.toml")), here);
    symlink("nowhere/b", at.join("b")).unwrap();
    assert_eq!(places(&at.join("b")), here);
    symlink("circle", at.join("circle")).unwrap();
    assert_eq!(places(&at.join("circle")), here);
}

/// Whether something is told of; the clock stands still until it is certain that nothing is.
async fn is_stirred(folders: &mut Folders) -> bool {
    let stirred = poll_fn(|cx| folders.poll_stirred(cx));
    tokio::time::timeout(Duration::from_secs(1), stirred).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_a_file_is_told_and_nothing_else() {
    let (_folder, at) = folder();
    let file = at.join("a.toml");
    fs::write(&file, "one").unwrap();
    let mut log = File::create(at.join("access.log")).unwrap();
    let mut folders = Folders::new().unwrap();
    let paths = [file.clone()];
    assert!(folders.attend(&paths));
    assert!(!folders.attend(&paths), "nothing new");
    assert!(!is_stirred(&mut folders).await);
    for _ in 0..100 {
        log.write_all(b"a line\n").unwrap();
    }
    fs::read(&file).unwrap();
    assert!(!is_stirred(&mut folders).await, "a log grows, and somebody reads");
    let steps: [(&str, &dyn Fn()); 5] = [
        ("written in place", &|| fs::write(&file, "two").unwrap()),
        ("replaced", &|| {
            fs::write(at.join("new"), "three").unwrap();
            fs::rename(at.join("new"), &file).unwrap();
        }),
        ("its rights", &|| {
            fs::set_permissions(&file, file.metadata().unwrap().permissions()).unwrap()
        }),
        ("gone", &|| fs::remove_file(&file).unwrap()),
        ("back, as a link", &|| symlink("elsewhere", &file).unwrap()),
    ];
    for (what, step) in steps {
        step();
        assert!(is_stirred(&mut folders).await, "{what}");
        assert!(!is_stirred(&mut folders).await, "{what}: once");
        folders.attend(&paths);
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_replaced_is_another_one() {
    let (_folder, at) = folder();
    let (conf, paths) = (at.join("conf"), [at.join("conf/a.toml")]);
    let mut folders = Folders::new().unwrap();
    assert!(folders.attend(&paths), "the folder above");
    fs::create_dir(&conf).unwrap();
    assert!(is_stirred(&mut folders).await);
    assert!(folders.attend(&paths), "it has come");
    fs::rename(&conf, at.join("old")).unwrap();
    fs::create_dir(&conf).unwrap();
    assert!(is_stirred(&mut folders).await, "it has gone, and told so itself");
    assert!(folders.attend(&paths), "another one by the same name");
    // That nobody listens to the old one any more is told as well.
    is_stirred(&mut folders).await;
    fs::write(at.join("old/a.toml"), "").unwrap();
    assert!(!is_stirred(&mut folders).await);
    fs::write(conf.join("a.toml"), "").unwrap();
    assert!(is_stirred(&mut folders).await);
}

#[tokio::test(start_paused = true)]
async fn more_than_is_read_at_once_is_told_again_and_then_over() {
    let (_folder, at) = folder();
    let mut folders = Folders::new().unwrap();
    folders.attend(&[at.join("a.toml")]);
    for number in 0..2_000 {
        File::create(at.join(format!("a-name-of-some-length-{number}"))).unwrap();
    }
    let mut times = 0;
    while is_stirred(&mut folders).await {
        times += 1;
    }
    assert!((2..=5).contains(&times), "{times}");
}
