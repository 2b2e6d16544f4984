mod responses;
mod schemas;

use proptest::prelude::*;

use super::*;
use crate::config::model::Target;
use crate::config::{Colour, Loaded, Refused, Severity, load_text_in};
use crate::route::Lookup;

const FRAME: &str = "version = 1\n[listen.main]\nbind = [\"127.0.0.1:8080\"]\nplain = \"allow\"\n\
    [upstream.app]\nendpoints = [\"http://127.0.0.1:9000\"]\n";
const AUTH: &str = "[auth.api_key]\ntype = \"api_key\"\nkeys = { env = \"KEYS\" }\n";
const TOKENS: &str = "[auth.BotToken]\ntype = \"api_key\"\nkeys = { env = \"KEYS\" }\n\
    [auth.OAuth2]\ntype = \"jwt\"\nissuer = \"https://a.test\"\naudience = [\"b\"]\n\
    jwks = \"https://a.test/keys\"\n";

fn corpora() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/openapi")
}

fn loaded(lines: &str) -> Result<Loaded, Refused> {
    load_text_in(&corpora(), "guichet.toml", &format!("{FRAME}{lines}"), &|_| None)
}

fn taken(lines: &str) -> Loaded {
    loaded(lines).unwrap_or_else(|refused| panic!("{}", refused.human(Colour::Never)))
}

/// A document of its own, and what is said of it.
fn judged(document: &str, lines: &str) -> Result<Loaded, Refused> {
    let folder = tempfile::tempdir().unwrap();
    let name = if document.starts_with('{') { "api.json" } else { "api.yaml" };
    std::fs::write(folder.path().join(name), document).unwrap();
    let text = format!("{FRAME}[[openapi]]\nfile = \"{name}\"\nupstream = \"app\"\n{lines}\n");
    load_text_in(folder.path(), "guichet.toml", &text, &|_| None)
}

fn route_of(loaded: &Loaded, method: &str, path: &str) -> Option<String> {
    let method = method.parse().unwrap();
    match loaded.config.table.lookup("a.test", path, &method) {
        Lookup::Found(found) => Some(loaded.config.route(found.route).name.clone()),
        Lookup::WrongMethod(_) | Lookup::NotFound => None,
    }
}

/// Asks for every operation by its path, each name filled in with a text of its own.
fn all_are_reached(loaded: &Loaded, least: usize) {
    let mut count = 0;
    for route in &loaded.config.routes {
        let (method, path) = route.pattern.split_once(' ').unwrap();
        let mut asked = String::new();
        let mut left = path;
        while let Some((before, rest)) = left.split_once('{') {
            asked.push_str(before);
            asked.push_str("zz9");
            left = rest.split_once('}').unwrap().1;
        }
        asked.push_str(left);
        assert_eq!(route_of(loaded, method, &asked).as_ref(), Some(&route.name), "{asked}");
        assert!(matches!(route.target, Target::Upstream(_)));
        count += 1;
    }
    assert!(count >= least, "{count}");
}

#[test]
fn the_petstore_of_30() {
    let loaded = taken("[[openapi]]\nfile = \"petstore-3.0.yaml\"\nupstream = \"app\"\n");
    all_are_reached(&loaded, 3);
    assert_eq!(loaded.warnings, []);
    let names: Vec<_> = loaded.config.routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["listPets", "createPets", "showPetById"]);
    let list = &loaded.config.routes[0];
    assert_eq!(list.pattern, "GET /v1/pets");
    let rule = &list.params.as_ref().unwrap().rules[0];
    assert!(rule.optional && rule.judge("100").is_ok() && rule.judge("101").is_err());
    assert!(rule.judge("-2147483649").is_err(), "int32 bounds it from below");
    let body = loaded.config.routes[1].body.as_ref().unwrap();
    assert!(body.json.is_some() && !body.may_be_form() && !body.optional);
    assert!(loaded.config.routes[2].params.is_none(), "a text in the path is not looked at");
}

#[test]
fn the_petstore_of_31() {
    let lines = "[[openapi]]\nfile = \"petstore-3.1.yaml\"\nupstream = \"app\"\nprefix = \"/new\"\n\
        name = \"pets\"\nstrict = true\nbody_limit = \"1KiB\"\n";
    let loaded = taken(&format!("{AUTH}{lines}"));
    all_are_reached(&loaded, 5);
    assert_eq!(route_of(&loaded, "GET", "/new/api/pets/1").unwrap(), "pets.showPet");
    let [list, create, show, change, photo] = &*loaded.config.routes else { panic!() };
    assert!(list.auth.is_some() && show.auth.is_none(), "`security: []` opens an operation");
    let params = list.params.as_ref().unwrap();
    let names: Vec<_> = params.rules.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["X-Tenant", "limit", "tag", "since"]);
    assert!(params.strict && params.rules[1].fallback.is_some() && params.rules[2].repeated);
    assert!(params.rules[1].judge("100").is_ok() && params.rules[1].judge("101").is_err());
    assert!(params.rules[2].judge("cat").is_ok() && params.rules[2].judge("cow").is_err());
    let schema = create.body.as_ref().unwrap().json.as_ref().unwrap();
    let wrong =
        |text: &str| !matches!(schema.judge(text.as_bytes(), &[]), crate::parameter::Verdict::Fine);
    assert!(!wrong(r#"{"name":"a","parents":[{"name":"b"}]}"#), "`id` is for responses");
    assert!(wrong(r#"{"name":"a","parents":[{"name":""}]}"#));
    assert!(change.body.as_ref().unwrap().optional);
    let fields = photo.body.as_ref().unwrap().fields().unwrap();
    assert!(fields.strict && fields.rules.iter().map(|rule| rule.optional).eq([false, true, true]));
    assert_eq!(
        (photo.body.as_ref().unwrap().limit, photo.params.as_ref().unwrap().rules.len()),
        (1024, 2)
    );
    assert!(show.rewrite.is_some(), "the upstream does not know the prefix");
}

#[test]
fn a_large_public_document() {
    let lines = "[[openapi]]\nfile = \"discord/openapi.json\"\nupstream = \"app\"\n";
    let loaded = taken(&format!("{TOKENS}{lines}"));
    all_are_reached(&loaded, 242);
    let bodies = loaded.config.routes.iter().filter(|route| route.body.is_some()).count();
    assert!(bodies > 70, "{bodies}");
    let said = loaded.warnings.iter().filter(|found| found.id == Id::Unenforced);
    assert!(said.clone().count() > 0 && said.clone().all(|found| found.span.is_some()));
}

#[test]
fn a_larger_one_of_30() {
    let loaded = taken("[[openapi]]\nfile = \"github/openapi.json\"\nupstream = \"app\"\n");
    all_are_reached(&loaded, 1223);
    let bodies = loaded.config.routes.iter().filter(|route| route.body.is_some()).count();
    assert!(bodies > 330, "{bodies}");
    assert!(loaded.warnings.iter().all(|found| found.severity == Severity::Note));
    let compare = "/repos/a/b/compare/";
    let asked = |spec: &str| route_of(&loaded, "GET", &format!("{compare}{spec}")).unwrap();
    assert_eq!(asked("main...next"), "repos-compare-commits");
    assert_eq!(asked("main"), "repos-compare-commits-with-basehead");
}

#[test]
fn what_is_not_enforced_is_told_once_with_its_place() {
    let many: String = (0..50)
        .map(|at| {
            format!(
                "  /p{at}:\n    get:\n      parameters:\n      - {{in: query, name: f, schema: \
                 {{type: object}}}}\n"
            )
        })
        .collect();
    let loaded = judged(&format!("openapi: 3.1.0\npaths:\n{many}"), "strict = true").unwrap();
    let said: Vec<_> = loaded.warnings.iter().map(|found| found.message.clone()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("objects"), "{said:?}");
    assert!(!loaded.config.routes[0].params.as_ref().is_some_and(|params| params.strict));
}

#[test]
fn bad_documents_are_refused_with_their_place() {
    let of = |paths: &str| format!("openapi: 3.1.0\npaths:\n  /a:\n    get: {paths}\n");
    let mut wrong = Vec::new();
    for (document, says, at) in [
        ("openapi: 2.0\npaths: {}\n".to_owned(), "reads OpenAPI 3.0 and 3.1", "2.0"),
        ("swagger: '2.0'\n".to_owned(), "Swagger 2.0", "swagger"),
        ("a: 1\n".to_owned(), "`openapi: 3.1.0` is missing", ""),
        ("a: [\n".to_owned(), "not YAML", ""),
        ("{\"openapi\": \"3.1.0\",, }".to_owned(), "not JSON", ","),
        (
            of("{parameters: [{$ref: 'other.yaml#/x'}]}"),
            "references to other files",
            "'other.yaml#/x'",
        ),
        (
            of("{parameters: [{$ref: 'https://a.test/x'}]}"),
            "nothing is fetched",
            "'https://a.test/x'",
        ),
        (of("{parameters: [{$ref: '#/x'}]}"), "leads nowhere", "'#/x'"),
        (
            of("{parameters: [{in: body, name: b}]}"),
            "`path`, `query`, `header` or `cookie`",
            "body",
        ),
        (
            of("{parameters: [{in: path, name: b, required: true, schema: {}}]}"),
            "no parameter in the path named `b`",
            "b",
        ),
        (
            of("{parameters: [{in: query, name: b, schema: {type: integer, default: x}}]}"),
            "would be refused",
            "x",
        ),
        (
            of("{requestBody: {content: {application/json: {schema: {type: 7}}}}}"),
            "cannot be used",
            "",
        ),
        (
            of("{requestBody: {content: {application/json: {schema: {$ref: '#/paths'}}}}}")
                + "x: 1\nx: 2\n",
            "twice",
            "x",
        ),
        (of("{security: [{k: []}]}"), "no scheme `k`", "k"),
        (
            of("{security: [{k: []}]}") + "components: {securitySchemes: {k: {type: http}}}\n",
            "there is no `[auth.k]`",
            "k",
        ),
        ("openapi: 3.0.1\npaths: {a: {get: {}}}\n".to_owned(), "begins with `/`", "a"),
        ("openapi: 3.0.1\npaths: {}\n".to_owned(), "no operation", "\"api.yaml\""),
    ] {
        let Err(refused) = judged(&document, "") else {
            wrong.push(format!("taken: {says}"));
            continue;
        };
        let mut found = refused.diagnostics.iter().filter(|found| found.message.contains(says));
        let fits = found.any(|found| {
            let span = found.span.clone().unwrap();
            at.is_empty() || &refused.sources.text(found.file)[span] == at
        });
        if !fits {
            wrong.push(format!("{says}, at {at}\n{}", refused.human(Colour::Never)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let gone = loaded("[[openapi]]\nfile = \"none.yaml\"\nupstream = \"app\"\n").unwrap_err();
    assert_eq!(gone.diagnostics[0].id, Id::Unreadable);
}

#[test]
fn security_is_bound_by_name_or_left() {
    let document = "openapi: 3.0.0\npaths: {/a: {get: {security: [{k: []}, {o: []}]}}}\n\
        components: {securitySchemes: {k: {type: apiKey}, o: {type: http, scheme: basic}}}\n";
    let bound = judged(document, &format!("auth = {{ k = \"api_key\", o = \"api_key\" }}\n{AUTH}"));
    let refused = bound.unwrap_err();
    assert!(refused.human(Colour::Never).contains("asks for another kind"));
    let left = judged(document, "auth = false").unwrap();
    assert!(left.config.routes[0].auth.is_none());
    let watched = judged(document, "mode = \"observe\"").unwrap();
    assert!(watched.config.routes[0].auth.is_none() && watched.config.routes[0].is_observed);
}

#[test]
fn a_client_chooses_what_its_body_is() {
    let document = "openapi: 3.1.0\npaths: {/a: {post: {requestBody: {content: {\
        application/json: {schema: {type: object, required: [n]}}, \
        multipart/form-data: {schema: {properties: {n: {type: integer}}, required: [n]}}}}}}, \
        /b: {post: {requestBody: {required: true, content: {application/json: {schema: \
        {type: object}}, text/csv: {}}}}}, /c: {post: {requestBody: {content: {text/csv: {}}}}}, \
        /d: {post: {requestBody: {content: {application/json: {schema: {type: object}}, \
        application/a+json: {schema: {type: array}}, multipart/form-data: {schema: {properties: \
        {n: {}}}}}}}}}\n";
    let loaded = judged(document, "body_limit = \"1KiB\"").unwrap();
    let [either, others, unread, several] = &*loaded.config.routes else { panic!() };
    let rule = either.body.as_ref().unwrap();
    assert!(rule.json.is_some() && rule.fields().unwrap().rules.len() == 1);
    assert!(!rule.others && rule.optional && rule.limit == 1024);
    let rule = others.body.as_ref().unwrap();
    assert!(rule.json.is_some() && !rule.may_be_form() && rule.others && !rule.optional);
    assert!(unread.body.is_none());
    let said: Vec<_> = loaded.warnings.iter().map(|found| &*found.message).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|said| said.ends_with("neither JSON nor a form")), "{said:?}");
    let rule = several.body.as_ref().unwrap();
    assert!(
        rule.json.is_none() && rule.multipart.is_some() && rule.others,
        "either kind of JSON passes"
    );
}

#[test]
fn what_stands_beside_a_document_holds_for_every_operation() {
    let document = "openapi: 3.0.0\npaths: {/a: {get: {}, post: {}}}\n";
    let lines = "cors = { origins = [\"https://a.test\"], methods = [\"GET\", \"POST\"] }\n\
                 compress = true\ntimeout = \"1s\"";
    let loaded = judged(document, lines).unwrap();
    assert_eq!(loaded.warnings, []);
    for route in &loaded.config.routes {
        assert_eq!(route.cors.as_ref().unwrap().methods.len(), 2);
        assert!(route.compress.is_some() && route.timeout.is_some());
    }
}

#[test]
fn a_route_by_hand_stands_before_its_operation() {
    let document = "openapi: 3.0.0\npaths: {/a: {get: {operationId: a}, post: {operationId: b}}}\n";
    let by_hand = "[[route]]\nname = \"a\"\nmatch = \"GET /a\"\nrespond = { text = \"a\" }";
    let loaded = judged(document, by_hand).unwrap();
    let names: Vec<_> = loaded.config.routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
}

#[test]
fn a_thousand_operations_load() {
    let mut text = "openapi: 3.0.3\npaths:\n".to_owned();
    for at in 0..1000 {
        text.push_str(&format!(
            "  /r{at}/{{id}}:\n    post:\n      operationId: op{at}\n      parameters:\n      \
             - {{in: path, name: id, required: true, schema: {{type: integer}}}}\n      \
             - {{in: query, name: q, schema: {{type: string, pattern: '^a+$'}}}}\n      \
             requestBody: {{content: {{application/json: {{schema: {{type: object, properties: \
             {{a: {{$ref: '#/components/schemas/A'}}}}}}}}}}}}\n"
        ));
    }
    text.push_str("components: {schemas: {A: {type: string, nullable: true, maxLength: 5}}}\n");
    all_are_reached(&judged(&text, "").unwrap(), 1000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One bite out of a good document, or one piece of it somewhere else.
    #[test]
    fn no_document_makes_the_loader_panic(from in 0usize..3500, length in 0usize..60, to in 0usize..3500) {
        let text = include_str!("../../../tests/corpora/openapi/petstore-3.1.yaml");
        let cut = |at: usize| text.floor_char_boundary(at.min(text.len()));
        let (from, end, to) = (cut(from), cut(from + length), cut(to));
        let without = format!("{}{}", &text[..from], &text[end..]);
        let moved = format!("{}{}{}", &text[..to], &text[from..end], &text[to..]);
        for document in [without, moved] {
            let _ = judged(&document, "strict = true");
        }
    }
}
