//! The catalogue as OpenAPI 3.1 components, to refer to from the document of an API.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{plain_message, reading_language};
use crate::problem::{Catalogue, Code};

/// A document with components only.
pub(super) fn document(catalogue: &Catalogue) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Errors",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Written by `guichet errors --format openapi`. Refer to \
                            `#/components/responses/Error404` and its siblings.",
        },
        "paths": {},
        "components": {
            "schemas": {
                "ErrorCode": code_schema(catalogue),
                "Error": error_schema(),
                "Problem": problem_schema(),
                "Parameter": parameter_schema(),
            },
            "headers": headers(),
            "responses": responses(catalogue),
        },
    })
}

fn code_schema(catalogue: &Catalogue) -> Value {
    let codes: Vec<_> = catalogue.codes().map(|code| catalogue.full_code_text(code)).collect();
    json!({ "type": "string", "description": "What went wrong, for programs.", "enum": codes })
}

/// The house shape.
fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "An error, as `application/json`.",
        "required": ["code", "message", "status", "request_id"],
        "properties": {
            "code": reference("ErrorCode"),
            "message": said("What went wrong, for people, in the language of the request."),
            "status": status_schema(),
            "request_id": said("Names this exchange in the operator's log."),
            "parameters": parameters_schema(),
            "retryable": {
                "type": "boolean",
                "description": "true where sending the same request again can help, false where \
                                that would be unsafe; absent otherwise.",
            },
            "retry_after": wait_schema(),
            "step": said("The step of a flow that failed."),
        },
    })
}

/// RFC 9457.
fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "An error, as `application/problem+json` (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference" },
            "title": said("The short name of the code."),
            "status": status_schema(),
            "detail": said("What went wrong, for people, in the language of the request."),
            "instance": { "type": "string", "format": "uri" },
            "code": reference("ErrorCode"),
            "request_id": said("Names this exchange in the operator's log."),
            "parameters": parameters_schema(),
            "retry_after": wait_schema(),
            "step": said("The step of a flow that failed."),
        },
    })
}

fn parameter_schema() -> Value {
    json!({
        "type": "object",
        "description": "A parameter that is not as declared.",
        "required": ["name", "in", "code", "reason", "message"],
        "properties": {
            "name": said("Its name; for a body a JSON pointer."),
            "in": { "type": "string", "enum": ["path", "query", "header", "cookie", "body"] },
            "code": reference("ErrorCode"),
            "reason": { "type": "string", "enum": ["missing", "empty", "invalid", "unknown"] },
            "message": said("What is wrong with it, for people."),
        },
    })
}

fn headers() -> Value {
    json!({
        "error-code": { "required": true, "schema": reference("ErrorCode") },
        "x-request-id": { "required": true, "schema": { "type": "string" } },
        "retry-after": {
            "description": "Seconds to wait before trying again.",
            "schema": { "type": "integer", "minimum": 1 },
        },
    })
}

/// One response per status, with an example of each of its codes.
fn responses(catalogue: &Catalogue) -> Value {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in catalogue.codes() {
        by_status.entry(catalogue.code_status(code)).or_default().push(code);
    }
    let named = by_status
        .into_iter()
        .map(|(status, codes)| (format!("Error{status}"), response(catalogue, status, &codes)));
    Value::Object(named.collect())
}

fn response(catalogue: &Catalogue, status: u16, codes: &[Code]) -> Value {
    let language = reading_language(catalogue);
    let titles: Vec<_> = codes.iter().map(|code| catalogue.title(*code, language)).collect();
    let mut examples = Map::new();
    for code in codes {
        let example = json!({
            "summary": catalogue.title(*code, language),
            "value": {
                "code": catalogue.full_code_text(*code),
                "message": plain_message(catalogue, *code, language),
                "status": status,
                "request_id": "01930000-0000-7000-8000-000000000000",
            },
        });
        examples.insert(catalogue.name(*code).to_owned(), example);
    }
    let mut headers = json!({
        "error-code": { "$ref": "#/components/headers/error-code" },
        "x-request-id": { "$ref": "#/components/headers/x-request-id" },
    });
    if matches!(status, 429 | 503) {
        headers["retry-after"] = json!({ "$ref": "#/components/headers/retry-after" });
    }
    json!({
        "description": titles.join("; "),
        "headers": headers,
        "content": {
            "application/json": { "schema": reference("Error"), "examples": examples },
            "application/problem+json": { "schema": reference("Problem") },
        },
    })
}

fn status_schema() -> Value {
    json!({ "type": "integer", "minimum": 400, "maximum": 599 })
}

fn parameters_schema() -> Value {
    json!({ "type": "array", "maxItems": 50, "items": reference("Parameter") })
}

fn wait_schema() -> Value {
    json!({
        "type": "integer",
        "minimum": 1,
        "description": "Seconds to wait before trying again.",
    })
}

fn said(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
