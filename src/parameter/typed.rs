//! Values of JSON with declared types: what flows hand to each other and to clients.
//!
//! An object leaves with the members that were declared, and no others: what an upstream adds one
//! day does not reach a client by accident.

use serde_json::Value;

use super::{Fault, Kind, Rule};
use crate::base::ObjectId;

/// A declared value: a member of an object, an input, what a flow returns.
#[derive(Debug)]
pub struct Field {
    /// Name, bounds, and whether it may be absent or is a list.
    pub rule: Rule,
    /// What it is.
    pub form: Form,
    /// The type as written.
    pub word: Box<str>,
}

/// What a declared value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text, a number or a boolean, as the rule says.
    Scalar,
    /// Anything that JSON can write.
    Any,
    /// An object of which nothing is known.
    Object,
    /// An object that is declared.
    Declared(ObjectId),
}

/// `[object.NAME]`.
#[derive(Debug)]
pub struct Object {
    /// The name in the file.
    pub name: String,
    /// Its members, in file order.
    pub fields: Box<[Field]>,
}

/// Where a value is not as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// A JSON pointer.
    pub pointer: String,
    /// What is wrong there.
    pub fault: Fault,
    /// The type that is due.
    pub due: Box<str>,
}

impl Object {
    /// The member of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| *field.rule.name == *name)
    }
}

impl Field {
    /// Judges a value, and takes away what is not declared.
    ///
    /// # Errors
    /// The first place that is not as declared.
    pub fn admit(&self, value: &mut Value, objects: &[Object]) -> Result<(), Misfit> {
        if !self.rule.repeated {
            return self.admit_one(value, objects);
        }
        let Value::Array(items) = value else { return Err(self.misfit(Fault::Form)) };
        for (at, item) in items.iter_mut().enumerate() {
            self.admit_one(item, objects).map_err(|misfit| misfit.below(&at.to_string()))?;
        }
        Ok(())
    }

    fn admit_one(&self, value: &mut Value, objects: &[Object]) -> Result<(), Misfit> {
        match self.form {
            Form::Any => Ok(()),
            Form::Object if value.is_object() => Ok(()),
            Form::Object => Err(self.misfit(Fault::Form)),
            Form::Scalar => self.judge(value).map_err(|fault| self.misfit(fault)),
            Form::Declared(id) => {
                let (Some(object), Value::Object(members)) =
                    (objects.get(usize::from(id.0)), value)
                else {
                    return Err(self.misfit(Fault::Form));
                };
                members.retain(|name, _| object.field(name).is_some());
                for field in &object.fields {
                    let name = &*field.rule.name;
                    match members.get_mut(name) {
                        None | Some(Value::Null) if field.rule.optional => {}
                        None => return Err(field.misfit(Fault::Missing).below(name)),
                        Some(member) => {
                            field.admit(member, objects).map_err(|misfit| misfit.below(name))?
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// Judges a text, a number or a boolean.
    ///
    /// # Errors
    /// It is another thing, or not of the declared form.
    pub fn judge(&self, value: &Value) -> Result<(), Fault> {
        match (&self.rule.kind, value) {
            (Kind::Integer { .. } | Kind::Number { .. }, Value::Number(number)) => {
                self.rule.judge(&number.to_string())
            }
            (Kind::Boolean, Value::Bool(yes)) => {
                self.rule.judge(if *yes { "true" } else { "false" })
            }
            (Kind::Integer { .. } | Kind::Number { .. } | Kind::Boolean, _) => Err(Fault::Form),
            (_, Value::String(text)) => self.rule.judge(text),
            (_, _) => Err(Fault::Form),
        }
    }

    /// A text that was judged, in the type that it has in JSON.
    pub fn typed(&self, text: &str) -> Value {
        let plain = || Value::String(text.to_owned());
        match self.rule.kind {
            Kind::Integer { .. } | Kind::Number { .. } | Kind::Boolean
                if self.form == Form::Scalar =>
            {
                serde_json::from_str(text).unwrap_or_else(|_| plain())
            }
            Kind::Integer { .. }
            | Kind::Number { .. }
            | Kind::Boolean
            | Kind::String { .. }
            | Kind::Date
            | Kind::DateTime
            | Kind::Uuid
            | Kind::Email
            | Kind::Siret
            | Kind::Siren
            | Kind::Iban => plain(),
        }
    }

    /// A misfit of the whole value.
    pub fn misfit(&self, fault: Fault) -> Misfit {
        let list = if self.rule.repeated { "a list of " } else { "" };
        Misfit { pointer: String::new(), fault, due: format!("{list}{}", self.word).into() }
    }
}

impl Misfit {
    fn below(mut self, name: &str) -> Self {
        self.pointer = super::json::below(name, &self.pointer);
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::Place;

    fn field(name: &str, kind: Kind, form: Form) -> Field {
        Field { rule: Rule::new(name, Place::Body, kind), form, word: "x".into() }
    }

    fn text() -> Kind {
        Kind::String { least: 1, most: usize::MAX, pattern: None }
    }

    fn objects() -> Vec<Object> {
        let mut siret = field("siret", Kind::Siret, Form::Scalar);
        siret.rule.optional = true;
        let mut tags = field("tags", text(), Form::Scalar);
        tags.rule.repeated = true;
        tags.rule.optional = true;
        let mut child = field("child", text(), Form::Declared(ObjectId(0)));
        child.rule.optional = true;
        let age = field("age", Kind::Integer { min: 0, max: 200 }, Form::Scalar);
        vec![Object { name: "person".into(), fields: [age, siret, tags, child].into() }]
    }

    fn admitted(mut value: Value) -> Result<Value, (String, Fault)> {
        let person = field("", text(), Form::Declared(ObjectId(0)));
        match person.admit(&mut value, &objects()) {
            Ok(()) => Ok(value),
            Err(misfit) => Err((misfit.pointer, misfit.fault)),
        }
    }

    #[test]
    fn what_is_not_declared_does_not_leave() {
        let value = json!({ "age": 3, "secret": 1, "child": { "age": 1, "secret": 2 } });
        assert_eq!(admitted(value), Ok(json!({ "age": 3, "child": { "age": 1 } })));
    }

    #[test]
    fn the_first_place_that_does_not_fit_is_named() {
        let faults = [
            (json!({}), "/age", Fault::Missing),
            (json!({ "age": "3" }), "/age", Fault::Form),
            (json!({ "age": 3, "tags": ["a", 1] }), "/tags/1", Fault::Form),
            (json!({ "age": 3, "tags": "a" }), "/tags", Fault::Form),
            (json!({ "age": 3, "child": { "age": 300 } }), "/child/age", Fault::Form),
            (json!([]), "", Fault::Form),
        ];
        for (value, pointer, fault) in faults {
            assert_eq!(admitted(value), Err((pointer.to_owned(), fault)));
        }
    }

    #[test]
    fn an_optional_member_may_be_null_or_gone() {
        assert!(admitted(json!({ "age": 3, "siret": null })).is_ok());
        assert!(admitted(json!({ "age": 3, "siret": "1" })).is_err());
    }

    #[test]
    fn texts_of_a_query_get_their_type() {
        let typed = |kind, text: &str| field("x", kind, Form::Scalar).typed(text);
        assert_eq!(typed(Kind::Integer { min: 0, max: 9 }, "7"), json!(7));
        assert_eq!(typed(Kind::Boolean, "true"), json!(true));
        assert_eq!(typed(Kind::Siret, "73282932000074"), json!("73282932000074"));
    }
}
