use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::config::load_text;
use crate::config::model::Config;

fn config(lines: &str) -> Config {
    let text = format!(
        "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n[[route]]\n\
         match = \"/\"\nrespond = {{ text = \"ok\" }}\n{lines}"
    );
    load_text("t.toml", &text, &|_| None)
        .unwrap_or_else(|refused| panic!("{}", refused.human(crate::config::Colour::Never)))
        .config
}

const FORM: &str = "strict = true\n[route.body.fields]\nemail = { type = \"email\" }\n\
    age = { type = \"integer\", min = 0, optional = true }\nphoto = { optional = true }\n\
    tag = { repeated = true, optional = true }";

fn typed(config: &Config, content_type: &str) -> Result<Option<Media>, Problem> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
    media(config.routes[0].body.as_ref().unwrap(), &headers, &Method::POST)
}

fn said(config: &Config, content_type: &str, body: &[u8]) -> String {
    let rule = config.routes[0].body.as_ref().unwrap();
    let media = typed(config, content_type).unwrap().unwrap();
    let Err(problem) = judge_body(rule, &media, body) else { return "fine".to_owned() };
    let said: Vec<_> = problem
        .violations()
        .iter()
        .map(|one| format!("{} {}", one.name, one.reason.as_str()))
        .collect();
    if said.is_empty() { problem.detail().unwrap().to_owned() } else { said.join(", ") }
}

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=\"b b\"";

#[test]
fn forms_are_judged_as_queries_are() {
    let config = config(FORM);
    for (body, expected) in [
        ("email=a%40b.fr&age=0&tag=x&tag=y", "fine"),
        ("age=-1&other=1&tag=", "email missing, age invalid, tag empty, other unknown"),
        ("email=a@b.fr&email=a@b.fr", "email invalid"),
        ("email=%", "email invalid"),
        ("", " missing"),
    ] {
        assert_eq!(said(&config, URLENCODED, body.as_bytes()), expected, "{body}");
    }
    assert_eq!(said(&config, URLENCODED, b"email=\xff"), "the form is not UTF-8");
}

fn multipart(parts: &[(&str, &str)]) -> String {
    let mut body = "preamble\r\n".to_owned();
    for (head, content) in parts {
        body += &format!("--b b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    }
    body + "--b b--\r\nepilogue"
}

#[test]
fn parts_are_judged_by_their_names_and_files_only_have_to_be_there() {
    let config = config(FORM);
    let email = ("name=\"email\"", "a@b.fr");
    for (parts, expected) in [
        (vec![email], "fine"),
        (vec![email, ("name=photo; filename=\"a;b.png\"", "\0\r\n--b\r\n")], "fine"),
        (vec![("name=\"email\"; filename=\"a\"", "a@b.fr")], "email invalid"),
        (vec![email, email], "email invalid"),
        (vec![("name=\"e\\\"\"", ""), email], "e\" unknown"),
        (vec![("name=\"e\\\\\"", ""), email], "a part has no name"),
        (vec![("name=\"email\"; name=\"x\"", "")], "Content-Disposition cannot be read"),
        (vec![("filename=\"x\"", "")], "a part has no name"),
    ] {
        assert_eq!(said(&config, MULTIPART, multipart(&parts).as_bytes()), expected, "{parts:?}");
    }
    for (body, expected) in [
        ("x", "no part begins"),
        ("--b bx", "a delimiter does not end its line"),
        ("--b b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "a part does not end"),
        ("--b b\r\n\r\nx\r\n--b b--", "a part has not one Content-Disposition"),
        ("--b b--", "email missing"),
    ] {
        assert_eq!(said(&config, MULTIPART, body.as_bytes()), expected, "{body}");
    }
    let many = multipart(&vec![("name=tag", "x"); 1001]);
    assert_eq!(said(&config, MULTIPART, many.as_bytes()), "more than a thousand parts");
}

#[test]
fn other_media_types_are_told_what_is_read() {
    let form = config(FORM);
    for right in [URLENCODED, "Application/X-WWW-Form-Urlencoded;Charset=UTF-8", MULTIPART] {
        assert!(typed(&form, right).is_ok(), "{right}");
    }
    for wrong in [
        "text/plain",
        "application/json",
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a",
        "application/x-www-form-urlencoded; charset=latin1",
    ] {
        let refused = typed(&form, wrong).unwrap_err();
        assert_eq!(refused.cause(), Cause::MediaType, "{wrong}");
        assert_eq!(refused.headers()[0].0, "accept-post");
    }
    let told = |method: Method| {
        let headers = HeaderMap::new();
        let rule = form.routes[0].body.as_ref().unwrap();
        media(rule, &headers, &method).unwrap_err().headers()[0].0.to_string()
    };
    assert_eq!(told(Method::PATCH), "accept-patch");
    assert_eq!(told(Method::PUT), "accept");
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("s.json");
    std::fs::write(&schema, r#"{ "type": "object", "required": ["a"] }"#).unwrap();
    let json = config(&format!("[route.body]\nschema = \"{}\"", schema.display()));
    for right in ["application/json", "application/merge-patch+json; charset=\"utf-8\"", "a/b+json"]
    {
        assert!(typed(&json, right).is_ok(), "{right}");
    }
    for wrong in ["application/jsonp", "a/+json", "application/json; charset=utf-16", "json"] {
        assert!(typed(&json, wrong).is_err(), "{wrong}");
    }
    assert_eq!(said(&json, "application/json", b"{\"a\":1}"), "fine");
    assert_eq!(said(&json, "application/json", b"{}"), "/a missing");
    assert!(said(&json, "application/json", b"{").contains("EOF"));
    let rule = json.routes[0].body.as_ref().unwrap();
    let mut coded = HeaderMap::new();
    coded.insert("content-encoding", HeaderValue::from_static("gzip"));
    let refused = media(rule, &coded, &Method::PUT).unwrap_err();
    assert_eq!(refused.headers()[0].0, "accept-encoding");
}

proptest! {
    #[test]
    fn any_body_of_any_type_is_judged(
        body in proptest::collection::vec(any::<u8>(), 0..80),
        like in "(--b( b)?(--)?|\r\n|Content-Disposition: form-data; name=\"?a\"?|;|=|x){0,12}",
        line in "[ -~]{0,40}",
    ) {
        let mut count = 0;
        for body in [&body[..], like.as_bytes()] {
            let _ = multipart::parts(body, "b b", &mut |part| count += part.content.len());
        }
        prop_assert!(count <= body.len() + like.len());
        let _ = media::parameters(&line);
    }
}
