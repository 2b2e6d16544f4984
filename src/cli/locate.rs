//! Which configuration is meant when nobody says it outright.

use std::path::{Path, PathBuf};

use super::output::{Exit, Report};

/// The file to read: the command's own argument or `-c`, `$GUICHET_CONFIG`, `./guichet.toml`,
/// `/etc/guichet/guichet.toml`. The last two count only where they exist.
///
/// # Errors
/// Two files were named, or none was found: what to do about it.
pub(super) fn configuration(
    argument: Option<&Path>,
    option: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<PathBuf, Report> {
    if let (Some(argument), Some(option)) = (argument, option)
        && argument != option
    {
        let (argument, option) = (argument.display(), option.display());
        let sentence =
            format!("two configurations are named, {argument} and -c {option}: give one");
        return Err(Report::failed(Exit::Usage, sentence));
    }
    if let Some(named) = argument.or(option) {
        return Ok(named.to_owned());
    }
    if let Some(named) = environment(VARIABLE).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let found = PLACES.iter().map(Path::new).find(|place| place.is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        let sentence = format!(
            "no configuration: ${VARIABLE} is not set, and there is neither {}.\n\
             help: `guichet config init > guichet.toml` writes one to begin with, \
             `guichet demo` needs none",
            PLACES.join(" nor ")
        );
        Report::failed(Exit::Refused, sentence)
    })
}

const VARIABLE: &str = "GUICHET_CONFIG";
const PLACES: [&str; 2] = ["./guichet.toml", "/etc/guichet/guichet.toml"];

#[cfg(test)]
mod tests {
    use super::*;

    fn located(argument: Option<&str>, option: Option<&str>, variable: Option<&str>) -> String {
        let environment = |name: &str| {
            assert_eq!(name, VARIABLE);
            variable.map(str::to_owned)
        };
        match configuration(argument.map(Path::new), option.map(Path::new), &environment) {
            Ok(path) => path.display().to_string(),
            Err(report) => format!("exit {}", report.exit as u8),
        }
    }

    #[test]
    fn the_nearest_wish_wins() {
        assert_eq!(located(Some("a"), None, Some("e")), "a");
        assert_eq!(located(None, Some("c"), Some("e")), "c");
        assert_eq!(located(Some("a"), Some("a"), None), "a");
        assert_eq!(located(Some("a"), Some("c"), None), "exit 2");
        assert_eq!(located(None, None, Some("e")), "e");
    }

    #[test]
    fn without_any_wish_the_usual_places_are_tried() {
        // The tests run in the project's folder, which has no guichet.toml of its own.
        for variable in [None, Some("")] {
            let found = located(None, None, variable);
            assert!(found == "exit 3" || found == PLACES[1], "{found}");
        }
    }
}
