use super::*;

mod naive;
mod properties;

type Row<'a> = (&'a [&'a str], &'a str);

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::default();
    for (index, row) in rows.iter().enumerate() {
        add(&mut table, index, *row).unwrap();
    }
    table
}

fn add(table: &mut Table, index: usize, (hosts, pattern): Row<'_>) -> Result<(), TableError> {
    let hosts: Vec<_> = hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect();
    table.insert(id(index), &hosts, &Pattern::parse(pattern).unwrap())
}

fn id(index: usize) -> RouteId {
    RouteId(u16::try_from(index).unwrap())
}

/// `0(42)` for route 0 with the capture `42`, `405 GET,HEAD,OPTIONS`, or `404`.
fn ask(table: &Table, request: &str) -> String {
    let (method, url) = request.split_once(' ').unwrap();
    let (host, path) = url.split_at(url.find('/').unwrap());
    match table.lookup(host, path, &Method::from_bytes(method.as_bytes()).unwrap()) {
        Lookup::Found(Match { route, captures }) => {
            let texts: Vec<_> =
                (0..captures.len()).map(|index| captures.of(index, path).unwrap()).collect();
            assert_eq!(captures.of(captures.len(), path), None);
            assert_eq!(captures.is_empty(), texts.is_empty());
            format!("{}({})", route.0, texts.join(","))
        }
        Lookup::WrongMethod(methods) => {
            let names: Vec<_> = methods.iter().map(Method::as_str).collect();
            format!("405 {}", names.join(","))
        }
        Lookup::NotFound => "404".into(),
    }
}

fn check(rows: &[Row<'_>], asked: &[(&str, &str)]) {
    let table = table(rows);
    for (request, answer) in asked {
        assert_eq!(ask(&table, request), *answer, "{request}");
    }
}

#[test]
fn nearer_patterns_are_those_that_a_look_up_has_left() {
    let table = table(&[
        (&[], "GET,PUT /users/me"),
        (&[], "DELETE /users/{id}"),
        (&[], "PATCH /users/m{rest}"),
        (&["a.test"], "POST /{*rest}"),
        (&["a.test"], "GET /other"),
    ]);
    let nearer = |host: &str, path: &str, method: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let Lookup::Found(found) = table.lookup(host, path, &method) else { panic!() };
        let methods = table.nearer(host, path, found.route);
        methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",")
    };
    assert_eq!(nearer("b", "/users/me", "DELETE"), "GET,HEAD,OPTIONS,PATCH,PUT");
    assert_eq!(nearer("b", "/users/me", "PATCH"), "GET,HEAD,OPTIONS,PUT");
    assert_eq!(nearer("b", "/users/mine", "DELETE"), "OPTIONS,PATCH");
    assert_eq!(nearer("A.test", "/users/me", "DELETE"), "GET,HEAD,OPTIONS,PATCH,POST,PUT");
    for (path, method) in [("/users/me", "GET"), ("/users/7", "DELETE")] {
        assert_eq!(nearer("b", path, method), "");
    }
}

#[test]
fn the_more_specific_path_wins() {
    let rows: &[Row<'_>] = &[
        (&[], "/{*rest}"),
        (&[], "/users/{id}"),
        (&[], "/users/me"),
        (&[], "/users/{id}.json"),
        (&[], "/users/u-{id}.json"),
        (&[], "/users/u-{id}"),
        (&[], "/users/{id}/posts"),
    ];
    check(
        rows,
        &[
            ("GET a/users/me", "2()"),
            ("GET a/users/42", "1(42)"),
            ("GET a/users/42.json", "3(42)"),
            ("GET a/users/u-42.json", "4(42)"),
            ("GET a/users/u-42", "5(42)"),
            ("GET a/users/u-", "1(u-)"),
            ("GET a/users/.json", "1(.json)"),
            ("GET a/users/42/posts", "6(42)"),
            ("GET a/users/42/likes", "0(users/42/likes)"),
            ("GET a/users/", "0(users/)"),
            ("GET a/users", "0(users)"),
            ("GET a/", "0()"),
        ],
    );
}

#[test]
fn branches_that_lead_nowhere_are_left_again() {
    let rows: &[Row<'_>] = &[
        (&[], "/a/b/c"),
        (&[], "/{x}/b/d"),
        (&[], "/a/{y}/e"),
        (&[], "/{x}/{y}/{z}"),
        (&[], "/a/{*rest}"),
    ];
    check(
        rows,
        &[
            ("GET h/a/b/c", "0()"),
            ("GET h/a/b/e", "2(b)"),
            ("GET h/a/b/d", "4(b/d)"),
            ("GET h/z/b/d", "1(z)"),
            ("GET h/z/b/x", "3(z,b,x)"),
            ("GET h/z/b", "404"),
            ("GET h/a", "404"),
            ("GET h/a/", "4()"),
        ],
    );
}

#[test]
fn a_rest_may_be_empty_and_a_capture_may_not() {
    let rows: &[Row<'_>] = &[(&[], "/files/{*path}"), (&[], "/{name}")];
    check(
        rows,
        &[
            ("GET h/files/", "0()"),
            ("GET h/files/a/b", "0(a/b)"),
            ("GET h/files/a/", "0(a/)"),
            ("GET h/files", "1(files)"),
            ("GET h/", "404"),
        ],
    );
}

#[test]
fn captures_of_one_segment_are_divided_where_the_text_between_stands_first() {
    let rows: &[Row<'_>] = &[
        (&[], "/{both}"),
        (&[], "/{from}...{to}"),
        (&[], "/v{major}.{minor}.{patch}"),
        (&[], "/v{major}.{minor}"),
    ];
    check(
        rows,
        &[
            ("GET h/main...next", "1(main,next)"),
            ("GET h/a....b", "1(a,.b)"),
            ("GET h/a...b...c", "1(a,b...c)"),
            ("GET h/...b", "0(...b)"),
            ("GET h/....b", "1(.,b)"),
            ("GET h/a...", "0(a...)"),
            ("GET h/v1.2", "3(1,2)"),
            ("GET h/v1.2.3", "2(1,2,3)"),
            ("GET h/v1.2.3.4", "2(1,2,3.4)"),
            ("GET h/v1..2", "3(1,.2)"),
            ("GET h/v1.2.", "3(1,2.)"),
            ("GET h/v1...2", "2(1,.,2)"),
        ],
    );
}

#[test]
fn trailing_slashes_count() {
    check(
        &[(&[], "/a"), (&[], "/b/")],
        &[
            ("GET h/a", "0()"),
            ("GET h/a/", "404"),
            ("GET h/b", "404"),
            ("GET h/b/", "1()"),
            ("GET h/A", "404"),
        ],
    );
}

#[test]
fn methods_share_a_shape_whatever_their_names() {
    let rows: &[Row<'_>] = &[
        (&[], "GET /users/{id}"),
        (&[], "PUT,PATCH /users/{user}"),
        (&[], "/users/{any}"),
        (&[], "GET /only"),
        (&[], "POST,GET /both"),
        (&[], "HEAD /both"),
        (&[], "PURGE /purge"),
    ];
    check(
        rows,
        &[
            ("GET h/users/1", "0(1)"),
            ("HEAD h/users/1", "0(1)"),
            ("PATCH h/users/1", "1(1)"),
            ("DELETE h/users/1", "2(1)"),
            ("HEAD h/only", "3()"),
            ("POST h/only", "405 GET,HEAD,OPTIONS"),
            ("OPTIONS h/only", "405 GET,HEAD,OPTIONS"),
            ("HEAD h/both", "5()"),
            ("PUT h/both", "405 GET,HEAD,OPTIONS,POST"),
            ("GET h/purge", "405 OPTIONS,PURGE"),
            ("HEAD h/purge", "405 OPTIONS,PURGE"),
            ("get h/only", "405 GET,HEAD,OPTIONS"),
        ],
    );
}

#[test]
fn a_wrong_method_is_the_answer_only_when_no_pattern_takes_the_request() {
    let rows: &[Row<'_>] = &[
        (&["api.fr"], "GET /v1/users"),
        (&["api.fr"], "DELETE /v1/{x}"),
        (&["*.fr"], "PUT /v1/users"),
        (&[], "POST /{*rest}"),
    ];
    check(
        rows,
        &[
            ("GET api.fr/v1/users", "0()"),
            ("DELETE api.fr/v1/users", "1(users)"),
            ("PUT api.fr/v1/users", "2()"),
            ("POST api.fr/v1/users", "3(v1/users)"),
            ("PATCH api.fr/v1/users", "405 DELETE,GET,HEAD,OPTIONS,POST,PUT"),
            ("PATCH other/v1/users", "405 OPTIONS,POST"),
        ],
    );
}

#[test]
fn hosts_go_from_the_exact_to_none() {
    let rows: &[Row<'_>] = &[
        (&[], "/x"),
        (&["*.example.fr"], "/x"),
        (&["*.v1.example.fr"], "/x"),
        (&["api.v1.example.fr", "[2001:DB8::1]"], "/x"),
        (&["*.example.fr"], "/y"),
        (&["192.0.2.1"], "/x"),
    ];
    check(
        rows,
        &[
            ("GET api.v1.example.fr/x", "3()"),
            ("GET API.v1.Example.FR./x", "3()"),
            ("GET b.v1.example.fr/x", "2()"),
            ("GET v1.example.fr/x", "1()"),
            ("GET a.b.c.example.fr/x", "1()"),
            ("GET api.v1.example.fr/y", "4()"),
            ("GET example.fr/x", "0()"),
            ("GET example.fr/y", "404"),
            ("GET evilexample.fr/y", "404"),
            ("GET 192.0.2.1/x", "5()"),
            ("GET [2001:db8:0::1]/x", "3()"),
            ("GET /x", "0()"),
        ],
    );
}

#[test]
fn routes_that_nobody_reaches_are_refused() {
    let mut table = table(&[
        (&[], "GET /x/{id}"),
        (&[], "POST /x/{id}"),
        (&["a.fr"], "/y"),
        (&["b.fr"], "/y"),
        (&[], "/z/{*rest}"),
    ]);
    let mut next = 5;
    let mut refused = |hosts: &[&str], pattern: &str| {
        next += 1;
        add(&mut table, next, (hosts, pattern)).err().map(|error| error.shadowed_by.0)
    };
    assert_eq!(refused(&[], "GET /x/{other}"), Some(0));
    assert_eq!(refused(&[], "POST,GET /x/{id}"), Some(0));
    assert_eq!(refused(&[], "POST /x/{id}"), Some(1));
    assert_eq!(refused(&["b.fr", "a.fr"], "/y"), Some(2));
    assert_eq!(refused(&[], "/z/{*all}"), Some(4));
    // Reached: another method, another host, another shape, or more than what is taken.
    assert_eq!(refused(&[], "PUT,GET /x/{id}"), None);
    assert_eq!(refused(&[], "HEAD /x/{id}"), None);
    assert_eq!(refused(&[], "/x/{id}"), None);
    assert_eq!(refused(&["a.fr"], "GET /x/{id}"), None);
    assert_eq!(refused(&["a.fr", "c.fr"], "/y"), None);
    assert_eq!(refused(&["a.fr"], "GET /y"), None);
    assert_eq!(refused(&[], "/y"), None);
    assert_eq!(refused(&[], "/x/{*rest}"), None);
    assert_eq!(refused(&[], "/z/{one}"), None);
    // What was refused left nothing behind.
    assert_eq!(refused(&["c.fr"], "/y"), Some(15));
    assert_eq!(ask(&table, "GET b.fr/y"), "3()");
}

#[test]
fn every_route_says_why_it_does_not_match() {
    use Verdict as V;
    let table = table(&[
        (&["api.fr"], "GET /users/{id}"),
        (&["api.fr"], "POST /users/{id}"),
        (&["*.fr"], "/{*rest}"),
        (&["b.fr"], "GET /users/{id}"),
        (&["api.fr"], "GET /posts"),
        (&[], "GET /users/me"),
    ]);
    let verdicts = |host: &str, path: &str, method: Method| -> Vec<Verdict> {
        let all = table.explain(host, path, &method);
        assert!(all.iter().enumerate().all(|(index, (route, _))| *route == id(index)));
        all.into_iter().map(|(_, verdict)| verdict).collect()
    };
    assert_eq!(
        verdicts("API.fr", "/users/me", Method::GET),
        [
            V::Matched,
            V::MethodDiffers,
            V::LessSpecific,
            V::HostDiffers,
            V::PathDiffers,
            V::LessSpecific
        ]
    );
    assert_eq!(
        verdicts("other", "/users/me", Method::DELETE),
        [
            V::HostDiffers,
            V::HostDiffers,
            V::HostDiffers,
            V::HostDiffers,
            V::HostDiffers,
            V::MethodDiffers
        ]
    );
}

#[test]
fn odd_questions_have_an_answer() {
    let table = table(&[(&[], "/{*rest}")]);
    let long = format!("/{}", "a".repeat(usize::from(u16::MAX)));
    for path in ["", "*", "a", &long] {
        assert!(matches!(table.lookup("h", path, &Method::GET), Lookup::NotFound));
    }
    let longest = &long[..usize::from(u16::MAX)];
    let Lookup::Found(found) = table.lookup("h", longest, &Method::GET) else { panic!() };
    assert_eq!(found.captures.of(0, longest), longest.get(1..));
}
