//! Media types as fields and documents write them (RFC 9110, section 8.3.1).

/// The type without its parameters, in small letters.
pub fn essence(line: &str) -> String {
    line.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a body of this type, without parameters and in small letters, is JSON (RFC 6839, section 3.1).
pub fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_name_or_its_suffix() {
        for (line, expected) in [
            ("application/json", true),
            (" Application/JSON ; charset=utf-8", true),
            ("application/problem+json", true),
            ("application/jsonp", false),
            ("text/json", false),
            ("text/plain;a=+json", false),
            ("", false),
        ] {
            assert_eq!(is_json(&essence(line)), expected, "{line}");
        }
    }
}
