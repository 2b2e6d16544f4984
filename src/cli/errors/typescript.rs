//! The catalogue as TypeScript, to be copied into a client.

use std::fmt::Write as _;

use crate::problem::Catalogue;

/// The whole module.
pub(super) fn render(catalogue: &Catalogue) -> String {
    let mut out = String::from(HEAD);
    for code in catalogue.codes() {
        // Writing into a String cannot fail; a code holds letters, digits and `.-_` only.
        let _ = write!(out, "\n  | \"{}\"", catalogue.full_code_text(code));
    }
    out.push_str(TYPES);
    for code in catalogue.codes() {
        let status = catalogue.code_status(code);
        let _ = writeln!(out, "  \"{}\": {status},", catalogue.full_code_text(code));
    }
    out.push_str(FOOT);
    out
}

const HEAD: &str = "// Written by `guichet errors --format typescript`; do not edit by hand.

/** What went wrong, for programs. */
export type ErrorCode =";

const TYPES: &str = ";

/** A parameter that is not as declared. */
export interface ErrorParameter {
  /** Its name; for a body a JSON pointer. */
  name: string;
  in: \"path\" | \"query\" | \"header\" | \"cookie\" | \"body\";
  code: ErrorCode;
  reason: \"missing\" | \"empty\" | \"invalid\" | \"unknown\";
  message: string;
}

/** An error, as `application/json`. */
export interface ErrorBody {
  code: ErrorCode;
  /** What went wrong, for people, in the language of the request. */
  message: string;
  status: number;
  /** Names this exchange in the operator's log. */
  request_id: string;
  /** At most 50. */
  parameters?: ErrorParameter[];
  /** true where sending the same request again can help, false where that would be unsafe. */
  retryable?: boolean;
  /** Seconds to wait before trying again. */
  retry_after?: number;
  /** The step of a flow that failed. */
  step?: string;
}

/** An error, as `application/problem+json` (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  code: ErrorCode;
  request_id: string;
  parameters?: ErrorParameter[];
  retry_after?: number;
  step?: string;
}

/** The status that each code has by nature. */
export const errorStatus: Readonly<Record<ErrorCode, number>> = {
";

const FOOT: &str = "};

/** Whether a parsed body is an error with a code known here. */
export function isErrorBody(body: unknown): body is ErrorBody {
  return (
    typeof body === \"object\" &&
    body !== null &&
    \"code\" in body &&
    typeof body.code === \"string\" &&
    Object.prototype.hasOwnProperty.call(errorStatus, body.code)
  );
}
";
