//! Prometheus' text exposition format, version 0.0.4.

use super::counter::{Bounds, Spread};
use super::metrics::Family;

/// A metrics page being written.
#[derive(Debug, Default)]
pub(super) struct Page(String);

/// Labels of one sample, in the order of the contract.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Page {
    /// Begins a metric: its `# HELP` and `# TYPE`.
    pub(super) fn family(&mut self, family: &Family) {
        let Family { name, kind, help } = family;
        self.0.push_str("# HELP ");
        self.0.push_str(name);
        self.0.push(' ');
        escape(help, Quotes::Plain, &mut self.0);
        self.0.push_str("\n# TYPE ");
        self.0.push_str(name);
        self.0.push(' ');
        self.0.push_str(kind.as_str());
        self.0.push('\n');
    }

    /// One sample with a whole number.
    pub(super) fn number(&mut self, family: &Family, labels: Labels<'_>, value: u64) {
        self.sample(family.name, "", labels, None, itoa::Buffer::new().format(value));
    }

    /// One sample with any number.
    pub(super) fn float(&mut self, family: &Family, labels: Labels<'_>, value: f64) {
        self.sample(family.name, "", labels, None, &value.to_string());
    }

    /// The samples of one histogram.
    pub(super) fn histogram(
        &mut self,
        family: &Family,
        labels: Labels<'_>,
        bounds: &Bounds,
        spread: &Spread,
    ) {
        let mut so_far = 0;
        for (bound, count) in bounds.labels().chain(["+Inf"]).zip(spread.buckets) {
            so_far += count;
            let value = &itoa::Buffer::new().format(so_far).to_owned();
            self.sample(family.name, "_bucket", labels, Some(("le", bound)), value);
        }
        let sum = seconds(spread.nanos).to_string();
        self.sample(family.name, "_sum", labels, None, &sum);
        self.sample(family.name, "_count", labels, None, itoa::Buffer::new().format(so_far));
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: Labels<'_>,
        last: Option<(&str, &str)>,
        value: &str,
    ) {
        self.0.push_str(name);
        self.0.push_str(suffix);
        let mut separator = '{';
        for (label, value) in labels.iter().copied().chain(last) {
            self.0.push(separator);
            self.0.push_str(label);
            self.0.push_str("=\"");
            escape(value, Quotes::Escaped, &mut self.0);
            self.0.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.0.push('}');
        }
        self.0.push(' ');
        self.0.push_str(value);
        self.0.push('\n');
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Plain,
    Escaped,
}

fn escape(text: &str, quotes: Quotes, out: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes == Quotes::Escaped => out.push_str("\\\""),
            _ => out.push(character),
        }
    }
}

/// A sum in seconds: precise enough for years of nanoseconds.
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics;

    #[test]
    fn labels_are_escaped_so_that_a_name_cannot_forge_a_sample() {
        let mut page = Page::default();
        page.number(&metrics::IN_FLIGHT, &[("route", "a\"b\\c\nd\r é")], 3);
        let expected = "guichet_requests_in_flight{route=\"a\\\"b\\\\c\\nd\r é\"} 3\n";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn buckets_are_cumulative_and_agree_with_the_count() {
        let mut spread = Spread { nanos: 1_500_000_000, ..Spread::default() };
        (spread.buckets[0], spread.buckets[14]) = (2, 1);
        let mut page = Page::default();
        page.histogram(
            &metrics::UPSTREAM_DURATION,
            &[("upstream", "u")],
            Bounds::EXCHANGE,
            &spread,
        );
        let page = page.finish();
        let name = "guichet_upstream_duration_seconds";
        assert!(page.starts_with(&format!("{name}_bucket{{upstream=\"u\",le=\"0.0005\"}} 2\n")));
        assert!(page.contains(&format!("{name}_bucket{{upstream=\"u\",le=\"10\"}} 2\n")));
        assert!(page.ends_with(&format!(
            "{name}_bucket{{upstream=\"u\",le=\"+Inf\"}} 3\n{name}_sum{{upstream=\"u\"}} 1.5\n\
             {name}_count{{upstream=\"u\"}} 3\n"
        )));
    }

    #[test]
    fn a_metric_without_labels_has_no_braces() {
        let mut page = Page::default();
        page.family(&metrics::WOULD_CHANGE);
        page.float(&metrics::PROCESS_CPU, &[], 0.25);
        let page = page.finish();
        assert!(page.contains("under normalise = \"observe\", by"));
        assert!(page.ends_with("\nprocess_cpu_seconds_total 0.25\n"));
    }
}
