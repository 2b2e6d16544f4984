//! Formats of strings: the words for them, an example, a pattern for editors, and the check.

use crate::config::value;

/// What a string must look like.
#[derive(Debug)]
pub(crate) struct Format {
    /// With its article: "an address and a port".
    pub(crate) words: &'static str,
    /// A right one, which the laws at the foot hold to the check.
    pub(crate) example: &'static str,
    /// A regular expression (ECMA 262) that every right one matches, for the JSON Schema.
    pub(crate) pattern: Option<&'static str>,
    /// Says what is wrong.
    pub(crate) check: fn(&str) -> Result<(), String>,
}

pub(super) static TEXT: Format =
    Format { words: "a string", example: "text", pattern: None, check: anything };

pub(super) static NAME: Format = Format {
    words: "a name",
    example: "users",
    pattern: Some("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"),
    check: value::name,
};

pub(super) static LANGUAGE: Format = Format {
    words: "a language tag",
    example: "fr",
    pattern: Some("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
    check: value::language,
};

pub(super) static ADDRESS: Format = Format {
    words: "an address and a port",
    example: "127.0.0.1:8080",
    pattern: Some(":[0-9]{1,5}$"),
    check: |text| value::address(text).map(drop),
};

pub(super) static NETWORK: Format = Format {
    words: "an address or a network",
    example: "10.0.0.0/8",
    pattern: Some("^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"),
    check: |text| value::network(text).map(drop),
};

pub(super) static PATH: Format =
    Format { words: "a path", example: "tls/api.pem", pattern: Some("."), check: value::path };

pub(super) static PATH_PREFIX: Format = Format {
    words: "the beginning of a path",
    example: "/v1",
    pattern: Some("^/"),
    check: value::path_prefix,
};

pub(super) static ENDPOINT: Format = Format {
    words: "an endpoint",
    example: "http://127.0.0.1:9000",
    pattern: Some("^(https?://.+|unix:/.+)$"),
    check: |text| value::endpoint(text).map(drop),
};

pub(super) static HOST_POLICY: Format = Format {
    words: "\"preserve\", \"endpoint\" or a host",
    example: "preserve",
    pattern: Some("."),
    check: |text| value::host_policy(text).map(drop),
};

pub(super) static SERVER_NAME: Format = Format {
    words: "a host name",
    example: "users.internal",
    pattern: Some("^[A-Za-z0-9_.:-]+$"),
    check: value::server_name,
};

pub(super) static DOCS: Format = Format {
    words: "an absolute URL",
    example: "https://api.example.fr/errors/",
    pattern: Some("^https?://"),
    check: value::url,
};

pub(super) static PREFIX: Format = Format {
    words: "a prefix in reverse-domain notation",
    example: "fr.ammy",
    pattern: Some("^[A-Za-z][A-Za-z0-9]*(\\.[A-Za-z][A-Za-z0-9]*)*$"),
    check: value::prefix,
};

pub(super) static CODE: Format = Format {
    words: "the name of an error code",
    example: "InvalidParameter",
    pattern: Some("^[A-Za-z][A-Za-z0-9.]*$"),
    check: anything,
};

pub(super) static NEW_CODE: Format = Format {
    words: "the name of an error code",
    example: "OutOfStock",
    pattern: Some("^[A-Z][A-Za-z0-9]{0,63}$"),
    check: value::code_name,
};

pub(super) static HEADER: Format = Format {
    words: "the name of a header",
    example: "x-trace",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    check: |text| value::kept_header(text).map(drop),
};

pub(super) static ORIGIN: Format = Format {
    words: "an origin",
    example: "https://app.example.fr",
    pattern: Some("^(\\*|null|[a-z][a-z0-9+.-]*://[^/?#@A-Z]+)$"),
    check: |text| value::origin(text).map(drop),
};

pub(super) static METHOD: Format = Format {
    words: "a method",
    example: "GET",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Z-]+$"),
    check: |text| value::method(text).map(drop),
};

pub(super) static SHARED_HEADER: Format = Format {
    words: "the name of a header",
    example: "x-trace",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    check: value::shared_header,
};

pub(super) static MEDIA_PATTERN: Format = Format {
    words: "a type of bodies",
    example: "application/json",
    pattern: Some("^[A-Za-z0-9!#$&^_.+*-]+(/[A-Za-z0-9!#$&^_.+*-]+)?$"),
    check: value::media_pattern,
};

pub(super) static POINTER: Format = Format {
    words: "a JSON pointer",
    example: "/error/code",
    pattern: Some("^(/([^~/]|~[01])*)*$"),
    check: value::pointer,
};

pub(super) static LOG_TARGET: Format = Format {
    words: "\"stdout\", \"stderr\" or a path",
    example: "stdout",
    pattern: Some("."),
    check: value::path,
};

pub(super) static ALWAYS: Format = Format {
    words: "\"error\" or \"slow:\" and a duration",
    example: "slow:1s",
    pattern: Some("^(error|slow:[0-9]+(ms|s|m|h|d))$"),
    check: |text| value::always(text).map(drop),
};

pub(super) static PERCENT: Format = Format {
    words: "a percentage",
    example: "20%",
    pattern: Some("^(100|[0-9]{1,2})%$"),
    check: |text| value::percent(text).map(drop),
};

pub(super) static PROBE: Format = Format {
    words: "a path",
    example: "/health",
    pattern: Some("^/"),
    check: |text| value::origin_path(text).map(drop),
};

pub(super) static BALANCE: Format = Format {
    words: "a way of balancing",
    example: "p2c",
    pattern: Some("^(p2c|round_robin|least|hash:header:.+)$"),
    check: |text| value::balance(text).map(drop),
};

pub(super) static RETRY_ON: Format = Format {
    words: "a failure that can be tried again",
    example: "connect",
    pattern: Some("^(connect|reset|timeout|4xx|5xx|[45][0-9]{2})$"),
    check: |text| value::retry_on(text).map(drop),
};

/// `match`, `hosts` and `rewrite` are judged with the route table, where more can be said.
pub(super) static MATCH: Format = Format {
    words: "methods and a path",
    example: "GET /v1/users/{id}",
    pattern: Some("/"),
    check: anything,
};

pub(super) static HOST: Format = Format {
    words: "a host, or `*.` and a domain",
    example: "api.example.fr",
    pattern: Some("^(\\*\\.)?[^/\\s]+$"),
    check: anything,
};

pub(super) static REWRITE: Format = Format {
    words: "a path, with captures in braces",
    example: "/people/{id}",
    pattern: Some("^/"),
    check: anything,
};

pub(super) static RATE: Format = Format {
    words: "a rate",
    example: "100/s",
    pattern: Some("^[0-9]+/[smhd]$"),
    check: |text| crate::base::parse_rate(text).map(drop),
};

pub(super) static ROUTES: Format = Format {
    words: "the name of a route, or how several begin and `*`",
    example: "users.*",
    pattern: Some("^([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?\\*?$"),
    check: value::routes,
};

pub(super) static LIMIT_KEY: Format = Format {
    words: "what a limit counts by",
    example: "header:x-tenant",
    pattern: Some("^(ip|api_key|jwt:.+|header:.+|route|gateway)$"),
    check: |text| value::limit_key(text).map(drop),
};

pub(super) static REALM: Format = Format {
    words: "a realm",
    example: "partners",
    pattern: Some("^[ !#-\\[\\]-~]{1,128}$"),
    check: value::realm,
};

pub(super) static CREDENTIAL: Format = Format {
    words: "the name of a header",
    example: "x-api-key",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    check: |text| value::credential_header(text).map(drop),
};

pub(super) static QUERY: Format = Format {
    words: "the name of a parameter",
    example: "api_key",
    pattern: Some("^[A-Za-z0-9_.~-]+$"),
    check: value::query_name,
};

pub(super) static JWKS: Format = Format {
    words: "a URL",
    example: "https://id.example.fr/jwks.json",
    pattern: Some("^https?://"),
    check: |text| value::fetched(text).map(drop),
};

pub(super) static CONSUMER: Format = Format {
    words: "the name of a caller",
    example: "billing",
    pattern: Some("^[!-~]{1,128}$"),
    check: value::consumer,
};

pub(super) static SCOPE: Format = Format {
    words: "a scope",
    example: "users:read",
    pattern: Some("^[!#-\\[\\]-~]{1,128}$"),
    check: value::scope,
};

pub(crate) static STORE_URL: Format = Format {
    words: "the address of a store",
    example: "redis://127.0.0.1:6379",
    pattern: Some("^((redis|rediss|valkey|valkeys)://|unix:/).+$"),
    check: value::store_url,
};

pub(super) static CAPTURE: Format =
    Format { words: "the name of a parameter", example: "id", pattern: Some("."), check: anything };

pub(super) static STEP: Format = Format {
    words: "a name for expressions",
    example: "lookup",
    pattern: Some("^[A-Za-z_][A-Za-z0-9_]{0,63}$"),
    check: value::step,
};

/// `call`, `when` and templates are judged with the flow, where more can be said.
pub(super) static CALL: Format = Format {
    words: "a call",
    example: "GET users:/people/${input.id}",
    pattern: Some("^([A-Z]+ [^ ]+:/.*|flow:.+)$"),
    check: anything,
};

pub(super) static EXPRESSION: Format = Format {
    words: "an expression",
    example: "input.country == 'FR'",
    pattern: Some("."),
    check: anything,
};

pub(super) static HOLE: Format = Format {
    words: "a status or an expression",
    example: "${lookup.status}",
    pattern: Some("."),
    check: anything,
};

pub(super) static TYPE: Format = Format {
    words: "a type",
    example: "object:person",
    pattern: Some("^[a-z]"),
    check: value::type_word,
};

pub(super) static SENT_HEADER: Format = Format {
    words: "the name of a header",
    example: "x-tenant",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    check: value::sent_header,
};

pub(super) static FIELD: Format = Format {
    words: "the name of a GraphQL field",
    example: "userErrors",
    pattern: Some("^[_A-Za-z][_0-9A-Za-z]{0,63}$"),
    check: value::field,
};

pub(super) static SPELLING: Format = Format {
    words: "a code as servers spell it",
    example: "BAD_USER_INPUT",
    pattern: Some("^[!-~]{1,64}$"),
    check: value::spelling,
};

fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_right() {
        for format in [
            &TEXT,
            &NAME,
            &LANGUAGE,
            &ADDRESS,
            &NETWORK,
            &PATH,
            &PATH_PREFIX,
            &ENDPOINT,
            &HOST_POLICY,
            &SERVER_NAME,
            &DOCS,
            &PREFIX,
            &CODE,
            &NEW_CODE,
            &HEADER,
            &POINTER,
            &LOG_TARGET,
            &ALWAYS,
            &MATCH,
            &HOST,
            &REWRITE,
            &RATE,
            &PERCENT,
            &ROUTES,
            &LIMIT_KEY,
            &REALM,
            &CREDENTIAL,
            &QUERY,
            &JWKS,
            &CONSUMER,
            &SCOPE,
            &STORE_URL,
            &CAPTURE,
            &STEP,
            &CALL,
            &EXPRESSION,
            &HOLE,
            &TYPE,
            &SENT_HEADER,
            &FIELD,
            &SPELLING,
        ] {
            assert_eq!((format.check)(format.example), Ok(()), "{}", format.words);
        }
    }
}
