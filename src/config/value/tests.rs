use proptest::prelude::*;

use super::*;

fn url_of(text: &str) -> (EndpointAddress, bool, String) {
    let url = endpoint(text).unwrap_or_else(|message| panic!("{text}: {message}"));
    (url.address, url.tls, url.authority.to_str().unwrap().to_owned())
}

#[test]
fn endpoints_are_addresses_names_or_sockets() {
    let socket = |text: &str| EndpointAddress::Socket(text.parse().unwrap());
    let named = |name: &str, port| EndpointAddress::Name(name.into(), port);
    assert_eq!(
        url_of("http://127.0.0.1:9000"),
        (socket("127.0.0.1:9000"), false, "127.0.0.1:9000".into())
    );
    assert_eq!(url_of("http://[::1]:9000/"), (socket("[::1]:9000"), false, "[::1]:9000".into()));
    assert_eq!(url_of("https://[::1]"), (socket("[::1]:443"), true, "[::1]".into()));
    assert_eq!(
        url_of("http://Users_1.Local"),
        (named("users_1.local", 80), false, "users_1.local".into())
    );
    assert_eq!(url_of("https://a.b:80"), (named("a.b", 80), true, "a.b:80".into()));
    assert_eq!(
        url_of("unix:/run/app.sock"),
        (EndpointAddress::Unix("/run/app.sock".into()), false, "localhost".into())
    );
}

#[test]
fn endpoints_that_cannot_be_reached_are_refused() {
    for (text, words) in [
        ("127.0.0.1:9000", "scheme is missing"),
        ("ftp://a", "not spoken"),
        ("http://", "host is missing"),
        ("http://a:b", "no port"),
        ("http://a:0", "port 0"),
        ("http://a:99999", "no port"),
        ("http://a/v1", "no path"),
        ("http://a?x", "no path"),
        ("http://u:p@a", "no user"),
        ("http://::1:80", "IPv6"),
        ("http://[::1", "`]`"),
        ("http://[::1]x", "not a host"),
        ("http://[nope]:1", "no IPv6"),
        ("http://300.0.0.1", "no IPv4"),
        ("http://a b", "not a host"),
        ("http://é.fr", "not a host"),
        ("unix:run/app.sock", "begins with `/`"),
        ("", "scheme is missing"),
    ] {
        let message = endpoint(text).unwrap_err();
        assert!(message.contains(words), "{text}: {message}");
    }
}

#[test]
fn addresses_say_what_is_missing() {
    assert_eq!(address("[::]:80"), Ok("[::]:80".parse().unwrap()));
    for (text, words) in [
        ("8080", "127.0.0.1:8080"),
        (":8080", "0.0.0.0:8080"),
        ("*:8080", "0.0.0.0:8080"),
        ("localhost:8080", "127.0.0.1:8080"),
        ("127.0.0.1", "\"127.0.0.1:8080\""),
        ("::1", "\"[::1]:8080\""),
        ("127.0.0.1:http", "no port"),
        ("999.0.0.1:80", "no IPv4"),
        ("example.fr:80", "not resolved"),
        ("", "are needed"),
    ] {
        let message = address(text).unwrap_err();
        assert!(message.contains(words), "{text}: {message}");
    }
}

#[test]
fn networks_are_truncated_and_single_addresses_are_networks() {
    assert_eq!(network("10.1.2.3/8"), Ok("10.0.0.0/8".parse().unwrap()));
    assert_eq!(network("::1"), Ok("::1/128".parse().unwrap()));
    assert!(network("10.0.0.0/33").is_err());
}

#[test]
fn small_words() {
    assert!(name("users.get").is_ok() && name("").is_err() && name("a b").is_err());
    assert!(language("fr").is_ok() && language("pt-BR").is_ok() && language("français").is_err());
    assert!(prefix("fr.ammy").is_ok() && prefix("fr..ammy").is_err() && prefix("fr.").is_err());
    assert!(code_name("OutOfStock").is_ok() && code_name("outOfStock").is_err());
    assert!(pointer("/a/b~1c").is_ok() && pointer("a").is_err() && pointer("/a~2").is_err());
    assert!(pointer("").is_ok());
    assert_eq!(always("slow:1s"), Ok(Always::Slower(Duration::from_secs(1))));
    assert!(always("slow:1").is_err() && always("errors").is_err());
    assert!(kept_header("X-Trace").is_ok() && kept_header("content-type").is_err());
    assert!(url("https://a.fr/x").is_ok() && url("/x").is_err() && url("ftp://a").is_err());
    assert!(host_policy("api.example.fr:8080").is_ok() && host_policy("a/b").is_err());
    assert!(server_name("::1").is_ok() && server_name("a:1").is_err());
}

proptest! {
    #[test]
    fn never_panics(text in ".*") {
        let _ = (name(&text), language(&text), address(&text), network(&text), path(&text));
        let _ = (endpoint(&text), host_policy(&text), server_name(&text), url(&text));
        let _ = (prefix(&text), code_name(&text), kept_header(&text), pointer(&text), always(&text));
        let _ = (endpoint(&format!("http://{text}")), host_and_port(&text));
    }
}
