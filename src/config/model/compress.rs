//! `[[route]] compress`, checked: which replies are made smaller on their way.

/// `compress`.
#[derive(Debug)]
pub struct Compress {
    /// Bodies below this many bytes stay as they are.
    pub min_size: u64,
    /// Types of bodies, in small letters, without parameters: `text/*`, `*+json`, or one type.
    pub types: Box<[Box<str>]>,
    /// Whether browsers send credentials to this route by themselves, and a page of somebody else could
    /// measure what it makes them ask for.
    pub ambient: bool,
}

impl Compress {
    /// Whether bodies of this type, without parameters, are made smaller.
    pub fn takes(&self, essence: &str) -> bool {
        let fits = |pattern: &str| match pattern.split_once('*') {
            Some((front, end)) => {
                essence.len() >= front.len() + end.len()
                    && starts(essence, front)
                    && starts(&essence[essence.len() - end.len()..], end)
            }
            None => essence.eq_ignore_ascii_case(pattern),
        };
        essence.is_ascii() && self.types.iter().any(|pattern| fits(pattern))
    }
}

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|front| front.eq_ignore_ascii_case(with))
}
