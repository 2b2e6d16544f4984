//! A matcher that a reader can check at a glance: every route is tried, the best is taken.

/// A route that has the path.
#[derive(Default)]
struct Candidate {
    /// How specific host, segments and method are; less is more so.
    key: Vec<(usize, usize, usize)>,
    captures: Vec<String>,
}

pub(super) fn ask(rows: &[(Vec<String>, String)], host: &str, path: &str, method: &str) -> String {
    let mut best: Option<Candidate> = None;
    let mut allowed = Vec::new();
    for (index, (hosts, pattern)) in rows.iter().enumerate() {
        let (methods, shape) = pattern.rsplit_once(' ').unwrap_or(("", pattern));
        let Some(mut candidate) = candidate(shape, path) else { continue };
        let rank = |known: &String| match known.strip_prefix("*.") {
            Some(tail) => host.ends_with(&format!(".{tail}")).then(|| 100 - tail.len()),
            None => (known == host).then_some(0),
        };
        let Some(host_rank) =
            (if hosts.is_empty() { Some(1000) } else { hosts.iter().filter_map(rank).min() })
        else {
            continue;
        };
        let methods: Vec<_> = methods.split(',').filter(|method| !method.is_empty()).collect();
        allowed.extend(methods.iter().map(ToString::to_string));
        let method_rank = if methods.contains(&method) {
            0
        } else if method == "HEAD" && methods.contains(&"GET") {
            1
        } else if methods.is_empty() {
            2
        } else {
            continue;
        };
        candidate.key.insert(0, (host_rank, 0, 0));
        candidate.key.push((method_rank, index, 0));
        if best.as_ref().is_none_or(|known| candidate.key < known.key) {
            best = Some(candidate);
        }
    }
    if let Some(Candidate { key, captures }) = best {
        let route = key.last().map_or(0, |(_, index, _)| *index);
        return format!("{route}({})", captures.join(","));
    }
    if allowed.is_empty() {
        return "404".into();
    }
    if allowed.iter().any(|method| method == "GET") {
        allowed.push("HEAD".into());
    }
    allowed.push("OPTIONS".into());
    allowed.sort();
    allowed.dedup();
    format!("405 {}", allowed.join(","))
}

fn candidate(shape: &str, path: &str) -> Option<Candidate> {
    let mut found = Candidate::default();
    let mut texts: Vec<&str> = path.split('/').skip(1).collect();
    for segment in shape.split('/').skip(1) {
        if segment.starts_with("{*") {
            if texts.is_empty() {
                return None;
            }
            found.captures.push(texts.join("/"));
            found.key.push((9, 0, 0));
            return Some(found);
        }
        if texts.is_empty() {
            return None;
        }
        let text = texts.remove(0);
        if let Some((prefix, _)) = segment.split_once('{') {
            let texts: Vec<_> = segment.split(['{', '}']).step_by(2).collect();
            found.captures.extend(divided(&texts, text)?);
            let length: usize = texts.iter().map(|text| text.len()).sum();
            found.key.push((5, 100 - length, 10 * (100 - prefix.len()) + texts.len()));
        } else if segment == text {
            found.key.push((0, 0, 0));
        } else {
            return None;
        }
    }
    texts.is_empty().then_some(found)
}

/// Tries every length of the first capture, the shortest first, and so on.
fn divided(texts: &[&str], text: &str) -> Option<Vec<String>> {
    let left = text.strip_prefix(texts[0])?;
    if texts.len() == 1 {
        return left.is_empty().then(Vec::new);
    }
    (1..=left.len()).find_map(|length| {
        let mut rest = divided(&texts[1..], &left[length..])?;
        rest.insert(0, left[..length].to_owned());
        Some(rest)
    })
}
