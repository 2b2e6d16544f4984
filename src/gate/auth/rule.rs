//! What a route wants of its callers, held against what its policies say.

use std::sync::Arc;

use http::header::WWW_AUTHENTICATE;

use super::identity::Identity;
use super::jwt::Patience;
use super::said::{Look, Question, Refusal, Said};
use super::{Call, Callers, Shown};
use crate::base::AuthId;
use crate::config::model::{AuthRule, Need};
use crate::observe::{AuthResult, Witness};
use crate::problem::{BuiltIn, Cause, Problem};

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision {
    /// This is who calls.
    Known(Arc<Identity>),
    /// It may not pass.
    Refused(Problem),
    /// Somebody has to be asked first.
    Ask(Inquiry),
}

/// What has to be asked before a rule can decide.
#[derive(Debug)]
pub struct Inquiry {
    policy: AuthId,
    question: Question,
}

impl Callers {
    /// Has the policies of a route look at a request.
    pub fn decide(&self, rule: &AuthRule, shown: &Shown<'_>, witness: &Witness) -> Decision {
        self.decide_with(rule, shown, &[], witness)
    }

    /// Asks whoever has to be asked, until the rule has decided.
    ///
    /// # Errors
    /// The request may not pass.
    pub async fn inquire(
        &self,
        rule: &AuthRule,
        shown: &Shown<'_>,
        first: Inquiry,
        witness: &Witness,
        call: &impl Call,
    ) -> Result<Arc<Identity>, Problem> {
        let mut answers = Vec::new();
        let mut inquiry = first;
        loop {
            let said = self.ask(inquiry.policy, inquiry.question, shown, call).await;
            answers.push((inquiry.policy, said));
            match self.decide_with(rule, shown, &answers, witness) {
                Decision::Known(identity) => return Ok(identity),
                Decision::Refused(problem) => return Err(problem),
                Decision::Ask(next) => inquiry = next,
            }
        }
    }

    fn decide_with(
        &self,
        rule: &AuthRule,
        shown: &Shown<'_>,
        answers: &[(AuthId, Said)],
        witness: &Witness,
    ) -> Decision {
        let mut refusals: Vec<(AuthId, Refusal)> = Vec::new();
        let mut known: Option<Arc<Identity>> = None;
        for id in &rule.policies {
            let answer =
                answers.iter().find(|(asked, _)| asked == id).map(|(_, said)| said.clone());
            let look = || self.policies.get(*id).look(shown, self.recent(*id), Patience::Some);
            let said = match answer.map_or_else(look, Look::Said) {
                Look::Said(said) => said,
                Look::Ask(question) => return Decision::Ask(Inquiry { policy: *id, question }),
            };
            match said {
                Said::Known(identity) => match rule.need {
                    Need::Any if identity.may(&rule.scopes) => {
                        witness.auth_decided(*id, AuthResult::Passed);
                        return Decision::Known(identity);
                    }
                    Need::Any => refusals.push((*id, lacking(rule))),
                    Need::All => {
                        known = Some(match known {
                            None => identity,
                            Some(before) => Arc::new(Identity::clone(&before).and(&identity)),
                        });
                    }
                },
                Said::Refused(refusal) => refusals.push((*id, refusal)),
            }
        }
        if let (Some(identity), true) = (known, refusals.is_empty()) {
            if identity.may(&rule.scopes) {
                identity.by.iter().for_each(|id| witness.auth_decided(*id, AuthResult::Passed));
                return Decision::Known(identity);
            }
            refusals.push((identity.by[0], lacking(rule)));
        }
        for (id, refusal) in &refusals {
            witness.auth_decided(*id, refusal.result());
        }
        Decision::Refused(self.problem(rule, &refusals))
    }

    /// The one refusal that says most, with what the client can do about it.
    fn problem(&self, rule: &AuthRule, refusals: &[(AuthId, Refusal)]) -> Problem {
        let main = refusals.iter().rev().max_by_key(|(_, refusal)| refusal.weight());
        // A rule without policies was refused with the file.
        let Some((id, main)) = main else { return Cause::AuthMissing.into() };
        let name = &self.policies.get(*id).name;
        let mut problem =
            Problem::new(main.cause).with_detail(format_args!("{name}: {}", main.detail));
        if let Some(wait) = main.retry_after() {
            problem = problem.with_retry_after(wait);
        }
        let code = main.cause.code();
        if code != BuiltIn::Unauthorized && code != BuiltIn::Forbidden {
            return problem;
        }
        for (id, refusal) in refusals.iter().filter(|(_, refusal)| refusal.cause.code() == code) {
            for value in self.policies.get(*id).challenges(refusal, rule) {
                problem = problem.with_header(WWW_AUTHENTICATE, value);
            }
        }
        problem
    }
}

fn lacking(rule: &AuthRule) -> Refusal {
    Refusal::new(Cause::InsufficientScope, format!("all of {} are needed", rule.scopes.join(", ")))
}
