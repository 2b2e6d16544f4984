//! `[auth.NAME]`, and `auth` of a route.

use std::time::Duration;

use super::{Default, Key, Kind, Others, POSITIVE, Shape, format};
use crate::config::callers::Callers;

pub(super) static AUTH: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&ONE),
        doc: "a way to find out who a caller is, under the name that routes, logs and metrics use",
        example: ("partners", ""),
    }),
};

/// What each type has beside `type`, `realm` and `pass`.
pub(crate) const OF_TYPE: &[(&str, &[&str])] = &[
    ("api_key", &["header", "query", "keys"]),
    ("basic", &["users"]),
    ("jwt", &["issuer", "audience", "jwks", "ca", "algorithms", "leeway", "consumer", "scopes"]),
    ("mtls", &["clients"]),
    ("forward", &["upstream", "path", "method", "send", "take", "consumer", "timeout", "cache"]),
];

static ONE: Shape = Shape::of(&[
    Key::new(
        "type",
        Kind::Words {
            now: &["api_key", "basic", "jwt", "mtls", "forward"],
            later: &[],
        },
        Default::Required,
        "api_key, basic, jwt, mtls (the client's certificate) or forward (an upstream is asked)",
    )
    .also(&["kind", "method", "scheme"])
    .example("\"api_key\""),
    Key::new(
        "realm",
        Kind::Text(&format::REALM),
        Default::None("the name of the table"),
        "what WWW-Authenticate calls it",
    )
    .example("\"partners\""),
    Key::new(
        "pass",
        Kind::Bool,
        Default::Value("false"),
        "whether the upstream gets the credentials, too; api_key, basic and jwt",
    )
    .also(&["forward", "hide_credentials", "forward_payload"]),
    Key::new(
        "header",
        Kind::Text(&format::CREDENTIAL),
        Default::None("x-api-key, unless `query` is set"),
        "api_key: the header that carries the key",
    )
    .also(&["key_names", "key_in_header"])
    .example("\"x-api-key\""),
    Key::new(
        "query",
        Kind::Text(&format::QUERY),
        Default::None("the key stands in a header"),
        "api_key: the parameter of the query that carries the key",
    )
    .also(&["key_in_query", "param"])
    .example("\"api_key\""),
    Key::new(
        "keys",
        Kind::Secret,
        Default::None("needed by api_key"),
        "api_key: the file of digests, names and scopes; `guichet key new` makes an entry",
    )
    .also(&["key", "api_keys", "consumers"])
    .example("{ file = \"keys.toml\" }"),
    Key::new(
        "users",
        Kind::Secret,
        Default::None("needed by basic"),
        "basic: the file of users, with argon2id hashes of their passwords",
    )
    .also(&["user", "htpasswd", "auth_basic_user_file", "passwords"])
    .example("{ file = \"users.toml\" }"),
    Key::new(
        "issuer",
        Kind::Text(&format::TEXT),
        Default::None("needed by jwt"),
        "jwt: what `iss` must be",
    )
    .also(&["iss"])
    .example("\"https://id.example.fr\""),
    Key::new(
        "audience",
        Kind::List { of: &Kind::Text(&format::TEXT), least: 1 },
        Default::None("needed by jwt"),
        "jwt: `aud` must have one of these",
    )
    .also(&["aud", "audiences"])
    .example("[\"api\"]"),
    Key::new(
        "jwks",
        Kind::Either(&[Kind::Text(&format::JWKS), Kind::Secret]),
        Default::None("needed by jwt"),
        "jwt: the URL of the issuer's keys, or { file = … }",
    )
    .also(&["jwks_uri", "jwks_url", "keyset", "remote_jwks", "public_key"])
    .example("\"https://id.example.fr/.well-known/jwks.json\""),
    Key::new(
        "ca",
        Kind::Text(&format::PATH),
        Default::None("the system's"),
        "jwt: PEM file of the authorities that are trusted for `jwks`",
    )
    .example("\"tls/ca.pem\""),
    Key::new(
        "algorithms",
        Kind::List {
            of: &Kind::Words {
                now: &[
                    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
                ],
                later: &[],
            },
            least: 1,
        },
        Default::None("RS256 and ES256"),
        "jwt: which signatures count; the key decides among them, never the token",
    )
    .also(&["algorithm", "alg", "algs"])
    .example("[\"RS256\", \"ES256\"]"),
    Key::new(
        "leeway",
        Kind::Duration { least: Duration::ZERO },
        Default::None("30s"),
        "jwt: how far the issuer's clock may differ",
    )
    .also(&["clock_skew", "skew"])
    .example("\"30s\""),
    Key::new(
        "consumer",
        Kind::Text(&format::TEXT),
        Default::None("sub"),
        "jwt: the claim that names the caller; forward: the header of the answer",
    )
    .also(&["claim", "user", "consumer_claim"])
    .example("\"sub\""),
    Key::new(
        "scopes",
        Kind::Text(&format::TEXT),
        Default::None("scope"),
        "jwt: the claim that lists scopes, as words or as a list",
    )
    .also(&["scope", "scopes_claim"])
    .example("\"scope\""),
    Key::new(
        "clients",
        Kind::Tables(&CLIENT),
        Default::None("every certificate that the listener trusts"),
        "mtls: who is known, by which name of its certificate",
    )
    .also(&["client", "subjects", "allow"]),
    Key::new(
        "upstream",
        Kind::Text(&format::NAME),
        Default::None("needed by forward"),
        "forward: who is asked",
    )
    .also(&["backend", "url", "address", "auth_request"])
    .example("\"app\""),
    Key::new("path", Kind::Text(&format::PROBE), Default::None("/"), "forward: what is asked for")
        .also(&["uri"])
        .example("\"/verify\""),
    Key::new(
        "method",
        Kind::Words { now: &["GET", "HEAD", "POST"], later: &[] },
        Default::None("GET"),
        "forward: how it is asked; without a body",
    )
    .example("\"GET\""),
    Key::new(
        "send",
        Kind::List { of: &Kind::Text(&format::CREDENTIAL), least: 1 },
        Default::None("authorization and cookie"),
        "forward: headers of the request that it gets, beside X-Forwarded-Method, -Host, -Uri and -For",
    )
    .also(&["headers", "authRequestHeaders", "allowed_headers"])
    .example("[\"authorization\"]"),
    Key::new(
        "take",
        Kind::List { of: &Kind::Text(&format::HEADER), least: 1 },
        Default::None("none"),
        "forward: headers of its answer that the upstream of the route gets",
    )
    .also(&["authResponseHeaders", "allowed_upstream_headers", "auth_request_set"])
    .example("[\"x-user\"]"),
    Key::new(
        "timeout",
        POSITIVE,
        Default::None("1s"),
        "forward: how long the answer may take",
    )
    .example("\"1s\""),
    Key::new(
        "cache",
        Kind::Duration { least: Duration::ZERO },
        Default::None("0s: every request is asked for"),
        "forward: how long a yes holds for the same credentials",
    )
    .also(&["ttl", "cache_time"])
    .example("\"10s\""),
]);

static CLIENT: Shape = Shape::of(&[
    Key::new(
        "san",
        Kind::Text(&format::TEXT),
        Default::None("`cn` says who it is"),
        "a subject alternative name of its certificate: DNS, URI or e-mail",
    )
    .also(&["dns", "uri", "spiffe", "subject_alt_name"])
    .example("\"billing.internal\""),
    Key::new(
        "cn",
        Kind::Text(&format::TEXT),
        Default::None("`san` says who it is"),
        "the common name of its certificate",
    )
    .also(&["subject", "common_name"])
    .example("\"billing\""),
    Key::new(
        "name",
        Kind::Text(&format::CONSUMER),
        Default::None("the name of the certificate"),
        "what it is called in logs and towards upstreams",
    )
    .example("\"billing\""),
    Key::new(
        "scopes",
        Kind::List { of: &Kind::Text(&format::SCOPE), least: 0 },
        Default::Value("[]"),
        "what it may do",
    ),
]);

pub(super) static RULE: Shape = Shape::of(&[
    Key::new(
        "any",
        Kind::List { of: &Kind::Text(&format::NAME), least: 1 },
        Default::None("`all` names them"),
        "names of [auth.*]: the first that knows the caller decides",
    )
    .also(&["one_of", "or"])
    .example("[\"partners\"]"),
    Key::new(
        "all",
        Kind::List { of: &Kind::Text(&format::NAME), least: 1 },
        Default::None("`any` names them"),
        "names of [auth.*]: each of them must know the caller, the first names it",
    )
    .also(&["every", "and"])
    .example("[\"partners\"]"),
    Key::new(
        "scopes",
        Kind::List { of: &Kind::Text(&format::SCOPE), least: 0 },
        Default::Value("[]"),
        "what the caller must be allowed to do, all of it; else Forbidden",
    )
    .also(&["scope", "roles", "permissions"]),
]);

/// The files that `keys` and `users` name. Digests and hashes are judged where nothing can show them.
pub(crate) static CALLERS: &[(Callers, Shape)] = &[
    (
        Callers::Keys,
        Shape::of(&[Key::new(
            "key",
            Kind::Tables(&KEY),
            Default::Required,
            "an API key, one [[key]] for each",
        )
        .also(&["keys"])]),
    ),
    (
        Callers::Users,
        Shape::of(&[Key::new(
            "user",
            Kind::Tables(&USER),
            Default::Required,
            "a user, one [[user]] for each",
        )
        .also(&["users"])]),
    ),
];

static KEY: Shape = Shape::of(&[
    NAME,
    Key::new("sha256", Kind::Any, Default::Required, "SHA-256 of the key, in hexadecimal digits")
        .also(&["digest", "hash", "key"])
        .example("\"…\""),
    SCOPES,
    Key::new("expires", Kind::Moment, Default::None("never"), "the last moment of the key"),
]);

static USER: Shape = Shape::of(&[
    NAME,
    Key::new("password", Kind::Any, Default::Required, "argon2id of the password, a PHC string")
        .also(&["hash", "password_hash"])
        .example("\"$argon2id$…\""),
    SCOPES,
]);

const NAME: Key = Key::new("name", Kind::Text(&format::CONSUMER), Default::Required, "whose it is")
    .example("\"acme\"");

static ONE_SCOPE: Kind = Kind::Text(&format::SCOPE);

const SCOPES: Key = Key::new(
    "scopes",
    Kind::List { of: &ONE_SCOPE, least: 0 },
    Default::Value("[]"),
    "what its owner may do",
);
