//! The table of explanations, one row for each id.

use super::super::diagnostic::Id;
use super::Explanation;

#[rustfmt::skip]
pub(super) const fn explanation(id: Id) -> Explanation {
    match id {
        Id::Syntax => row(
            "The file is not TOML here",
            "Nothing can be read past a mistake of syntax with certainty. The most frequent ones are a text \
             without quotes, a bracket that is never closed, and a key without a value.",
            "[upstream.app]\nendpoints = [\"http://127.0.0.1:9000\"]"),
        Id::Encoding => row(
            "The file is not UTF-8",
            "TOML files are UTF-8. Editors call this an encoding, and can convert.",
            ""),
        Id::Unreadable => row(
            "The file cannot be read",
            "It is not there, it is a folder, or its rights do not allow it.",
            "guichet config init > guichet.toml"),
        Id::TooLarge => row(
            "The file is too large",
            "A file has at most 4 MiB, all files together at most 16 MiB, an OpenAPI document at most 32 MiB: what is \
             longer was named by mistake.",
            ""),
        Id::UnknownKey => row(
            "This key does not exist, or not in this table",
            "A key that nobody reads would be a setting that silently does nothing. In TOML a table goes on \
             until the next header, so a key below `[server]` belongs to it even after an empty line.",
            "version = 1          # above the first header\n\n[server]\nworkers = 4"),
        Id::WrongType => row(
            "The value is of the wrong type",
            "Each key holds one type of value. Texts stand between quotes, numbers do not; lists stand in brackets \
             even if they hold one value; a section that can occur several times has two brackets.",
            "bind = [\"127.0.0.1:8080\"]"),
        Id::MissingUnit => row(
            "A duration or a size needs its unit",
            "Nobody remembers whether a bare number was seconds or milliseconds.",
            "connect = \"500ms\"\nbody = \"2MiB\""),
        Id::MissingKey => row(
            "A key is missing that has no default",
            "Most keys can be left out; this one cannot, because no default would be right.",
            "[upstream.app]\nendpoints = [\"http://127.0.0.1:9000\"]"),
        Id::SetTwice => row(
            "A key is set twice",
            "Within a file and across included files no setting wins over another: one of the two would be lost.",
            ""),
        Id::Include => row(
            "An include does not work",
            "`include` stands in the main file only. It names files that exist, or patterns with `*` and `?`, \
             relative to the main file; at most 256 files.",
            "include = [\"conf.d/*.toml\"]"),
        Id::Version => row(
            "The version of the format is missing or unknown",
            "It tells which rules the file was written for, so that a later guichet can still read it rightly.",
            "version = 1"),
        Id::BadValue => row(
            "The value cannot be read",
            "The type is right, but the text is not of the form that this key wants.",
            "bind = [\"127.0.0.1:8080\", \"[::1]:8080\"]"),
        Id::UnknownWord => row(
            "This word is not one of those that the key knows",
            "The key chooses between a few words.",
            "plain = \"redirect\""),
        Id::OutOfRange => row(
            "The number is out of bounds",
            "It is too small to work, or too large to be meant.",
            ""),
        Id::UnknownName => row(
            "A name does not exist",
            "The file refers to something that it does not define: mostly a slip in one of the two places.",
            "[upstream.users]\nendpoints = [\"http://127.0.0.1:9000\"]\n\n[[route]]\nmatch = \"/users\"\nupstream = \"users\""),
        Id::UnknownCode => row(
            "There is no such error code",
            "A rule can only raise codes of the vocabulary, or codes that `[errors.catalogue]` adds. \
             `guichet errors` lists them.",
            "[errors.catalogue]\nOutOfStock = { status = 409, fr = \"Article épuisé.\", en = \"Out of stock.\" }"),
        Id::MissingVariable => row(
            "A variable of the environment is not set",
            "A missing variable would become an empty text, which is seldom what was meant.",
            "endpoints = [\"http://${env.APP_HOST:-127.0.0.1}:9000\"]"),
        Id::BadVariable => row(
            "`${…}` is not written rightly",
            "Only `${env.NAME}` and `${env.NAME:-default}` can stand in a value; a dollar is written `$$`.",
            "text = \"5 $$\""),
        Id::Conflict => row(
            "Two settings exclude each other",
            "Only one of them could hold, and nothing says which.",
            ""),
        Id::Incomplete => row(
            "A setting needs another one",
            "Alone it could not work: a certificate needs its key, client certificates need an authority that signs them.",
            "tls = { cert = \"tls/api.pem\", key = { file = \"tls/api.key\" } }"),
        Id::TakenAddress => row(
            "An address is bound twice",
            "Two listeners cannot share an address and a port.",
            ""),
        Id::Catalogue => row(
            "The catalogue has a gap or a fault",
            "Every error must have a text in every language of `server.languages`, with the placeholders that its code \
             knows; a new code needs a status, a built-in one keeps its own.",
            "[errors.catalogue]\nOutOfStock = { status = 409, fr = \"Article épuisé.\", en = \"Out of stock.\" }"),
        Id::NoListener => row(
            "Nothing listens",
            "Without a listener no client can connect.",
            "[listen.public]\nbind = [\"127.0.0.1:8080\"]\nplain = \"allow\""),
        Id::NoTarget => row(
            "Nothing answers a route",
            "A route needs an upstream or a fixed reply.",
            "[[route]]\nmatch = \"GET /health\"\nrespond = { text = \"ok\" }"),
        Id::TwoTargets => row(
            "Two things answer a route",
            "A route has one answer: an upstream or a fixed reply.",
            ""),
        Id::BadMatch => row(
            "The `match` of a route cannot be read",
            "It is METHODS PATH: methods separated by commas, or none for all; `{name}` stands for one segment, \
             `{*name}` for the rest.",
            "match = \"GET,POST /v1/users/{id}\""),
        Id::BadHost => row(
            "A host of a route cannot be read",
            "It is a host name, or `*.` and a domain; it has no scheme, port or path.",
            "hosts = [\"api.example.fr\", \"*.example.fr\"]"),
        Id::Unreachable => row(
            "No request can ever reach a route",
            "An earlier route takes every request that this one would: same hosts, same path, same methods.",
            ""),
        Id::UnknownCapture => row(
            "`rewrite` uses a capture that `match` does not have",
            "Only what `match` names in braces can be put into the new path.",
            "match = \"/users/{id}\"\nrewrite = \"/people/{id}\""),
        Id::UnknownParameter => row(
            "A parameter does not stand in the path",
            "`in = \"path\"` names a capture of `match`.",
            "match = \"/users/{id}\"\nparams = { id = { in = \"path\", identifier = true } }"),
        Id::BadRewrite => row(
            "`rewrite` is not a path",
            "It begins with `/` and has literal text and captures; the client's query is kept as it is.",
            "rewrite = \"/people/{id}\""),
        Id::BadRespond => row(
            "A fixed reply makes no sense",
            "Errors come from the vocabulary, so that they have a code and a text in each language; some statuses \
             have no body.",
            "respond = { code = \"Gone\" }"),
        Id::TakenName => row(
            "Two routes have the same name",
            "Logs and metrics tell routes apart by their names.",
            ""),
        Id::TwoIdentifiers => row(
            "A route has two identifiers",
            "When the upstream answers 404, one parameter is named as the cause: mark that one.",
            "params = { id = { in = \"path\", identifier = true } }"),
        Id::BadParameter => row(
            "A parameter cannot be as it is declared",
            "No value could ever fit, or a rule says nothing about values of its type, or the default would be \
             refused if a client sent it.",
            "page = { in = \"query\", type = \"integer\", min = 1, default = 1 }"),
        Id::BadBody => row(
            "A body cannot be checked as it is declared",
            "A body is JSON with a schema, or a form with fields. The schema is read and compiled with the \
             configuration: it is JSON Schema 2020-12, at most 1 MiB, and refers to files of its own folder alone.",
            "[route.body]\nschema = \"schemas/user.json\""),
        Id::BadDocument => row(
            "An OpenAPI document cannot be used",
            "It is OpenAPI 3.0 or 3.1 in one file, as YAML 1.2 or JSON, at most 32 MiB. References lead into the \
             document itself: nothing is fetched, and other files are not opened. A document that lives in several \
             files is bundled first.",
            "[[openapi]]\nfile = \"petstore.yaml\"\nupstream = \"pets\""),
        Id::MissingFile => row(
            "A file that is named here is not there",
            "`check` may run on another machine, so this is a warning; `run` will fail without the file. Paths start \
             from the folder of the file that they stand in.",
            ""),
        Id::MissingSecret => row(
            "A secret is not there",
            "`check` may run without the secrets of production, so this is a warning; `run` will fail without it.",
            ""),
        Id::BadSecret => row(
            "A secret is not written rightly",
            "Secrets never stand in the configuration, where backups and reviews would see them: the file says where \
             they are.",
            "key = { file = \"tls/api.key\" }"),
        Id::BadCallers => row(
            "A file of API keys or of users cannot be used",
            "It is TOML of its own: a [[key]] or a [[user]] for each, with a name and the digest of the key or the \
             argon2id hash of the password. Nobody would get in by an entry that cannot be read, so it is refused.",
            "[[key]]\nname = \"acme\"\nsha256 = \"…64 hexadecimal digits…\"\nscopes = [\"users:read\"]"),
        Id::LaterKey => row(
            "This key belongs to a later version",
            "The format has it, this version does not act on it. It is refused rather than ignored: a limit or a login \
             that silently does nothing is worse than none.",
            ""),
        Id::LaterWord => row(
            "This value belongs to a later version",
            "The format has it, this version does not act on it. It is refused rather than ignored.",
            ""),
        Id::BadCall => row(
            "A step does not say what it calls",
            "A call is a method, an upstream and a path, or another flow. Values stand in the path and the query, where they \
             are percent-encoded; they never choose the upstream.",
            "call = \"GET users:/people/${input.id}\""),
        Id::BadExpression => row(
            "An expression cannot be compiled",
            "What stands in `${…}` is CEL, the Common Expression Language. It is compiled with the configuration and never \
             from a request, and what it may cost is bounded: its length, and one loop within another.",
            "data = \"${lookup.body.items.filter(item, item.open)}\""),
        Id::UnknownMember => row(
            "An expression reads what does not exist",
            "It knows `input`, `identity`, `request`, and each step by its name with `body`, `status`, `headers`, `error`, \
             `warnings` and `ok`.",
            "data = \"${lookup.body.name}\""),
        Id::MayNotExist => row(
            "An expression reads what may not be there",
            "On some way that leads there the step has not run, was skipped or has failed, or the value may be absent. Such \
             a request would fail at run time, and only then.",
            "data = { note = \"${extra.ok ? extra.body.note : null}\" }"),
        Id::FlowType => row(
            "A value is not of the type that is due",
            "What is declared of inputs and objects is held against what is handed on, as far as that is known before \
             anything runs.",
            "[flow.find]\ninput = { id = \"uuid\" }"),
        Id::FlowCycle => row(
            "A flow leads back to itself",
            "A flow only goes forward, and flows call each other without circles: so whatever they do ends.",
            ""),
        Id::Unreached => row(
            "Nothing leads to a step or a result",
            "A step is reached from the one before it, or by a `next` or an `on_error` that names it; a result by its name, \
             or as the first that nobody names, after the last step.",
            "on_error = \"not_found\""),
        Id::BadGroup => row(
            "The steps of a group do not go together",
            "The steps of a group run side by side. They stand in a row, and what follows them is one place.",
            "group = \"all\""),
        Id::BadOutlet => row(
            "A result cannot be as it is written",
            "A success has a status below 400 and hands data on; an error has one from 400 on, and is that of a step or a \
             code of the vocabulary.",
            "[[flow.find.result]]\nname = \"failed\"\nerror = \"${lookup.error}\""),
        Id::Unused => row(
            "No route uses an upstream",
            "Mostly a leftover, or a route that names another upstream by a slip.",
            ""),
        Id::NothingIncluded => row(
            "An include fits no file",
            "The folder may be empty for now; a slip in the pattern looks the same.",
            "include = [\"conf.d/*.toml\"]"),
        Id::NoEffect => row(
            "A setting has no effect here",
            "Something else in the file makes it meaningless.",
            ""),
        Id::Exposed => row(
            "The admin listener can be reached from other machines",
            "It shows how the gateway is doing to everybody who can connect.",
            "[admin]\nbind = \"127.0.0.1:9180\""),
        Id::NothingServed => row(
            "No listener serves requests",
            "A listener without TLS refuses requests (426), unless it is told to allow or redirect them.",
            "[listen.plain]\nbind = [\"127.0.0.1:8080\"]\nplain = \"allow\""),
        Id::Overtaken => row(
            "A time limit is never reached",
            "A shorter limit on the whole exchange ends it first.",
            "timeout = { first_byte = \"10s\", total = \"60s\" }"),
        Id::Unenforced => row(
            "An OpenAPI document says more than is enforced",
            "Requests that break this part of it reach the upstream, which judges them itself; or the document permits \
             less than it seems to. Each kind is told once, with the first place that it stands in. Nothing is wrong with the document, so this is a note: \
             `check --strict` does not fail for it.",
            ""),
    }
}

const fn row(title: &'static str, why: &'static str, example: &'static str) -> Explanation {
    Explanation { title, why, example }
}
