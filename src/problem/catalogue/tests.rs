//! What a catalogue accepts, refuses and says.

use std::time::Duration;

use http::header::ALLOW;
use proptest::prelude::*;

use super::*;
use crate::problem::{Cause, Place, Reason};

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn entry(name: &str, status: Option<u16>, texts: &[(&str, &str)]) -> Override {
    let own = |(tag, text): &(&str, &str)| ((*tag).to_owned(), (*text).to_owned());
    Override { name: name.into(), status, texts: texts.iter().map(own).collect() }
}

fn build(languages: &[&str], overrides: &[Override]) -> Result<Catalogue, Vec<CatalogueError>> {
    Catalogue::new("fr.ammy", Some("https://api.example.fr/errors/"), &tags(languages), overrides)
}

fn refused(languages: &[&str], overrides: &[Override]) -> Vec<String> {
    let errors = build(languages, overrides).expect_err("this must be refused");
    let place = |part: Option<String>| part.unwrap_or_else(|| "-".into());
    errors
        .into_iter()
        .map(|error| format!("{} {}: {}", place(error.name), place(error.language), error.message))
        .collect()
}

const FR: Language = Language(0);
const EN: Language = Language(1);

#[test]
fn the_order_of_the_table_is_the_order_of_the_type() {
    for (at, code) in BuiltIn::ALL.iter().enumerate() {
        assert_eq!(*code as usize, at);
    }
}

#[test]
fn a_built_in_code_has_name_code_link_and_titles() {
    let catalogue = build(&["fr", "en"], &[]).unwrap();
    let code = Code::BuiltIn(BuiltIn::InvalidParameter);
    assert_eq!(catalogue.name(code), "InvalidParameter");
    assert_eq!(catalogue.full_code(code), "fr.ammyInvalidParameter");
    assert_eq!(catalogue.link(code), Some("https://api.example.fr/errors/InvalidParameter"));
    assert_eq!(catalogue.title(code, FR), "Paramètre invalide");
    assert_eq!(catalogue.title(code, EN), "Invalid parameter");
    assert_eq!(catalogue.code_by_name("InvalidParameter"), Some(code));
    assert_eq!(catalogue.code_by_name("fr.ammyInvalidParameter"), Some(code));
    assert_eq!(catalogue.code_by_full("fr.ammyInvalidParameter"), Some(code));
    assert_eq!(catalogue.code_by_full("InvalidParameter"), None);
    assert_eq!(catalogue.code_by_name("fr.ammyinvalidParameter"), None);
    assert_eq!(catalogue.code_by_name("fr.ammy"), None);
    assert_eq!(catalogue.codes().count(), 33);
}

#[test]
fn an_added_code_means_what_its_status_means() {
    let text = [("fr", "Cet article n’est plus disponible."), ("en", "No longer available.")];
    let added = [entry("OutOfStock", Some(409), &text), entry("NoCredit", Some(402), &text)];
    let catalogue = build(&["fr", "en"], &added).unwrap();
    let code = catalogue.code_by_name("OutOfStock").unwrap();
    assert_eq!(code, Code::Custom(CustomId(0)));
    assert_eq!(catalogue.code_status(code), 409);
    assert_eq!(catalogue.graphql(code), "bad_request");
    assert_eq!(catalogue.grpc(code), GrpcStatus::Aborted);
    assert_eq!(catalogue.title(code, FR), "Conflit");
    assert_eq!(catalogue.when(code, FR), None);
    let problem = Problem::new(Cause::UpstreamStatus).with_code(code);
    assert_eq!(catalogue.message(&problem, EN), "No longer available.");
    assert_eq!(catalogue.status(&problem), 409);
    let other = catalogue.code_by_full("fr.ammyNoCredit").unwrap();
    assert_eq!(catalogue.grpc(other), GrpcStatus::FailedPrecondition);
    assert_eq!(catalogue.codes().last(), Some(other));
    assert_eq!(catalogue.customs().len(), 2);
}

#[test]
fn a_code_of_a_lost_generation_reads_as_a_server_error() {
    let catalogue = build(&["fr", "en"], &[]).unwrap();
    assert_eq!(catalogue.name(Code::Custom(CustomId(7))), "ServerError");
    assert_eq!(catalogue.title(Code::Custom(CustomId(7)), Language(9)), "Erreur interne");
}

#[test]
fn the_most_precise_sayable_text_is_said() {
    let catalogue = build(&["fr", "en"], &[]).unwrap();
    let bare = Problem::new(Cause::Configured).with_code(BuiltIn::InvalidParameter);
    assert_eq!(catalogue.message(&bare, EN), "A parameter is not in the expected format.");
    assert!(matches!(catalogue.message(&bare, EN), Cow::Borrowed(_)));
    let named = bare.clone().with_argument("parameter", "since");
    assert_eq!(
        catalogue.message(&named, EN),
        "The parameter “since” is not in the expected format."
    );
    let whole = bare.with_violation(Violation {
        name: "since".into(),
        place: Some(Place::Query),
        code: BuiltIn::InvalidParameter,
        reason: Reason::Invalid,
        expected: vec!["une date".into(), "a date".into()],
    });
    assert_eq!(
        catalogue.message(&whole, FR),
        "Le paramètre «\u{a0}since\u{a0}» n’a pas le format attendu\u{a0}: une date."
    );
    assert_eq!(
        catalogue.message(&whole, EN),
        "The parameter “since” is not in the expected format: a date."
    );
}

#[test]
fn a_message_of_the_problem_stands_as_it_is() {
    let catalogue = build(&["fr", "en"], &[]).unwrap();
    let problem = Problem::new(Cause::UpstreamStatus).with_message("{parameter} sold out");
    assert_eq!(catalogue.message(&problem, FR), "{parameter} sold out");
}

#[test]
fn facts_of_the_problem_fill_placeholders() {
    let texts = [("fr", "{in}|{allow}|{step}|{line}|{column}|{status}|{retry_after}|{limit}")];
    let catalogue = build(&["fr"], &[entry("Conflict", None, &texts)]).unwrap();
    let problem = Problem::new(Cause::Configured)
        .with_code(BuiltIn::Conflict)
        .with_violation(Violation {
            name: "x".into(),
            place: Some(Place::Body),
            code: BuiltIn::InvalidParameter,
            reason: Reason::Invalid,
            expected: Vec::new(),
        })
        .with_header(ALLOW, HeaderValue::from_static("GET, HEAD"))
        .with_step("lookup")
        .with_location(3, 14)
        .with_retry_after(Duration::from_secs(2));
    assert_eq!(
        catalogue.message(&problem, FR),
        "La requête est en conflit avec l’état actuel de la ressource."
    );
    let problem = problem.with_argument("limit", "2 Mio");
    assert_eq!(
        catalogue.message(&problem, FR),
        "le corps de la requête|GET, HEAD|lookup|3|14|409|2\u{a0}secondes|2 Mio"
    );
}

#[test]
fn waits_are_rounded_up_in_words() {
    let texts = [("fr", "{retry_after}"), ("en", "{retry_after}")];
    let catalogue = build(&["fr", "en"], &[entry("Gone", None, &texts)]).unwrap();
    let wait = |millis| {
        let problem = Problem::new(Cause::Configured)
            .with_code(BuiltIn::Gone)
            .with_retry_after(Duration::from_millis(millis));
        let said = |language| catalogue.message(&problem, language).replace('\u{a0}', " ");
        (said(FR), said(EN))
    };
    for (millis, french, english) in [
        (0, "1 seconde", "1 second"),
        (1_000, "1 seconde", "1 second"),
        (1_001, "2 secondes", "2 seconds"),
        (60_000, "1 minute", "1 minute"),
        (90_000, "90 secondes", "90 seconds"),
        (120_000, "2 minutes", "2 minutes"),
        (121_000, "3 minutes", "3 minutes"),
        (3_600_000, "1 heure", "1 hour"),
        (7_200_000, "2 heures", "2 hours"),
        (86_400_000, "1 jour", "1 day"),
        (172_800_001, "3 jours", "3 days"),
    ] {
        assert_eq!(wait(millis), (french.into(), english.into()), "{millis}");
    }
}

#[test]
fn long_values_are_cut_between_characters() {
    let catalogue = build(&["fr"], &[]).unwrap();
    let problem = Problem::new(Cause::Configured)
        .with_code(BuiltIn::MissingParameter)
        .with_argument("parameter", "é".repeat(4000));
    let message = catalogue.message(&problem, FR);
    assert_eq!(message.matches('é').count(), 128);
    assert!(message.contains('…'));
}

#[test]
fn languages_are_chosen_with_the_first_as_fallback() {
    let catalogue = build(&["fr", "en"], &[]).unwrap();
    let choose = |text| catalogue.choose_language(Some(&HeaderValue::from_static(text)));
    assert_eq!(choose("en-GB,en;q=0.9"), EN);
    assert_eq!(choose("de"), FR);
    assert_eq!(catalogue.choose_language(None), FR);
    let odd = HeaderValue::from_bytes(b"en\xff").unwrap();
    assert_eq!(catalogue.choose_language(Some(&odd)), FR);
    assert_eq!(catalogue.content_language(EN).unwrap(), "en");
}

#[test]
fn a_regional_language_speaks_its_primary_one() {
    let added = [entry("OutOfStock", Some(409), &[("fr", "Épuisé.")])];
    let catalogue = build(&["fr-CA"], &added).unwrap();
    assert_eq!(catalogue.title(Code::BuiltIn(BuiltIn::Gone), FR), "Ressource supprimée");
    assert_eq!(catalogue.content_language(FR).unwrap(), "fr-CA");
}

#[test]
fn a_foreign_language_needs_every_text() {
    let some = [entry("Gone", None, &[("de", "Weg.")])];
    assert_eq!(
        refused(&["de"], &some),
        ["- de: guichet itself speaks fr and en only; for another language, [errors.catalogue] \
          must hold a text for every code: InvalidResource and 31 more lack one"]
    );
    let all: Vec<_> = BuiltIn::ALL
        .iter()
        .map(|code| entry(code.row().name, None, &[("de", "In {retry_after}, {parameter}.")]))
        .collect();
    let catalogue = build(&["de"], &all).unwrap();
    let problem = Problem::new(Cause::Configured).with_retry_after(Duration::from_secs(3));
    assert_eq!(catalogue.message(&problem, FR), "In 3\u{a0}s, ….");
    assert_eq!(catalogue.title(problem.code(), FR), "Server error");
}

#[test]
fn every_mistake_of_the_operator_is_reported_at_once() {
    let overrides = [
        entry("Gone", Some(410), &[("fr", "Parti."), ("en", "Gone.")]),
        entry("TooManyRequest", None, &[("fr", "Trop."), ("en", "Too many.")]),
        entry("OutOfStock", Some(200), &[("fr", "Épuisé."), ("en", "Sold out.")]),
        entry("Unregistered", Some(499), &[("fr", "Épuisé."), ("en", "Sold out.")]),
        entry("out of stock", Some(409), &[("fr", "Épuisé."), ("en", "Sold out.")]),
        entry("Lonely", Some(409), &[("fr", "Seul.")]),
        entry("Mixed", Some(409), &[("fr", "{parameter}"), ("en", "{limit}")]),
        entry("Typo", Some(409), &[("fr", "{paramtre}"), ("en", "{")]),
        entry("Blank", Some(409), &[("fr", " "), ("en", "x"), ("e", "x"), ("EN", "x")]),
        entry("Mixed", Some(409), &[]),
    ];
    let said = refused(&["fr", "en"], &overrides);
    let expected = [
        "Gone -: Gone is built in",
        "TooManyRequest -: a new code needs a status, such as `status = 409`; did you mean the \
         built-in TooManyRequests?",
        "OutOfStock -: 200 is not a registered error status",
        "Unregistered -: 499 is not a registered error status",
        "out of stock -: a name is made of",
        "Lonely en: the text in the configured language `en` is missing",
        "Mixed en: the placeholders differ between languages: `fr` has {parameter}, `en` has \
         {limit}",
        "Typo fr: unknown placeholder {paramtre}",
        "Typo en: a brace stands alone",
        "Blank fr: the text is empty",
        "Blank e: this is no language tag",
        "Blank EN: this language stands twice",
        "Mixed -: this entry stands twice",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn prefix_link_and_languages_are_checked() {
    let errors = Catalogue::new("fr ammy", Some("ftp://x"), &tags(&["fr", "FR", "x y"]), &[]);
    assert_eq!(errors.unwrap_err().len(), 4);
    assert_eq!(Catalogue::new("", None, &[], &[]).unwrap_err().len(), 1);
    assert!(Catalogue::new("", None, &tags(&["en"]), &[]).is_ok());
}

proptest! {
    #[test]
    fn building_never_panics(
        prefix in ".{0,8}", docs in ".{0,8}", tag in ".{0,5}", name in ".{0,8}", text in ".{0,20}",
        status in proptest::option::of(0u16..1000),
    ) {
        let entries = [entry(&name, status, &[(&tag, &text), ("fr", &text)])];
        let _ = Catalogue::new(&prefix, Some(&docs), &[tag, "fr".into()], &entries);
    }
}
