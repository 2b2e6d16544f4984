//! Addresses of e-mail as HTML's `<input type=email>` takes them, which is what people can type: a
//! dot-atom, an `@`, a host name. No quoted parts, no comments, ASCII alone.

/// Whether this is an address, of at most 254 bytes (RFC 5321, section 4.5.3.1).
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    text.len() <= 254
        && local.len() <= 64
        && local.split('.').all(atom)
        && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        for right in [
            "a@b",
            "ada@example.fr",
            "ada+news@mail.example.fr",
            "o'neil@example.ie",
            "a.b.c@d-e.f",
        ] {
            assert!(is_email(right), "{right}");
        }
        let long = format!("{}@example.fr", "a".repeat(65));
        let longer = format!("a@{}fr", "abcdefgh.".repeat(30));
        for wrong in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c.fr",
            "a@b..fr",
            "a..b@c.fr",
            ".a@b.fr",
            "a.@b.fr",
            "a@-b.fr",
            "a@b-.fr",
            "a@b.fr.",
            "a@b@c.fr",
            "\"a\"@b.fr",
            "é@b.fr",
            "a@é.fr",
            "a@b.fr\n",
            &long,
            &longer,
        ] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,60}") {
            let _ = is_email(&text);
        }
    }
}
