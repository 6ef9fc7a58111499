//! What comes after `WITH` in `CREATE ROLE` and `ALTER ROLE`.

use std::collections::{BTreeMap, BTreeSet};

use cellar_cql::{
    ast::{Literal, PropertyValue, RoleOption},
    plan::PlanError,
};
use cellar_metadata_api::Secret;

use super::{Access, password};
use crate::error::RequestError;

/// The options of a statement, each at most once.
#[derive(Debug, Default)]
pub(super) struct Options {
    password: Option<String>,
    hashed: Option<String>,
    pub(super) login: Option<bool>,
    pub(super) superuser: Option<bool>,
    pub(super) custom: Option<BTreeMap<String, String>>,
    /// Without names it means all.
    pub(super) datacenters: Option<BTreeSet<String>>,
    /// `ACCESS FROM ALL CIDRS` was written, which changes nothing.
    cidrs: Option<()>,
}

impl Options {
    /// Reads them.
    pub(super) fn read(written: &[RoleOption]) -> Result<Self, RequestError> {
        let mut options = Self::default();
        for option in written {
            match option {
                RoleOption::Password(text) => {
                    once("PASSWORD", &mut options.password, text.to_string())?;
                }
                RoleOption::HashedPassword(text) => {
                    once("HASHED_PASSWORD", &mut options.hashed, text.to_string())?;
                }
                RoleOption::GeneratedPassword => {
                    return Err(PlanError::not_built("GENERATED PASSWORD").into());
                }
                RoleOption::Login(yes) => once("LOGIN", &mut options.login, *yes)?,
                RoleOption::Superuser(yes) => once("SUPERUSER", &mut options.superuser, *yes)?,
                RoleOption::Custom(value) => once("OPTIONS", &mut options.custom, custom(value)?)?,
                RoleOption::Datacenters(names) => {
                    let names = names.iter().flatten().map(|name| name.to_string()).collect();
                    once("DATACENTERS", &mut options.datacenters, names)?;
                }
                RoleOption::Cidrs(None) => once("CIDRS", &mut options.cidrs, ())?,
                RoleOption::Cidrs(Some(_)) => {
                    return Err(RequestError::invalid(
                        "Cellar has no CIDR groups that access could be restricted to; \
                         ACCESS FROM ALL CIDRS is what every role has",
                    ));
                }
            }
        }
        if options.password.is_some() && options.hashed.is_some() {
            return Err(RequestError::invalid(
                "Properties 'PASSWORD' and 'HASHED_PASSWORD' are mutually exclusive",
            ));
        }
        Ok(options)
    }

    /// Nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        !self.changes_password() && self.restricted().is_none() && self.cidrs.is_none()
    }

    /// Whether they are about the password.
    pub(super) fn changes_password(&self) -> bool {
        self.password.is_some() || self.hashed.is_some()
    }

    /// The first option, by its name, that a role may not change of itself.
    pub(super) fn restricted(&self) -> Option<&'static str> {
        [
            ("SUPERUSER", self.superuser.is_some()),
            ("LOGIN", self.login.is_some()),
            ("OPTIONS", self.custom.is_some()),
            ("DATACENTERS", self.datacenters.is_some()),
        ]
        .into_iter()
        .find_map(|(name, written)| written.then_some(name))
    }

    /// What the password will be checked against.
    pub(super) async fn secret(&mut self, access: &Access) -> Result<Option<Secret>, RequestError> {
        if let Some(text) = self.hashed.take() {
            let refused = || {
                RequestError::invalid(
                    "Invalid hashed password value. Please use bcrypt, at most 2^16 rounds of it, \
                     or $pbkdf2-sha512$i=…$salt$hash",
                )
            };
            return password::given(&text).map(Some).ok_or_else(refused);
        }
        match self.password.take() {
            Some(text) if text.contains('\0') => {
                Err(RequestError::invalid("A password cannot contain NUL(\\0)"))
            }
            Some(text) => access.hash(text).await.map(Some),
            None => Ok(None),
        }
    }

    /// Refuses names of data centres that the cluster does not have.
    pub(super) fn check_datacenters(&self, known: &BTreeSet<&str>) -> Result<(), RequestError> {
        let named = self.datacenters.iter().flatten();
        let unknown: Vec<&str> =
            named.map(String::as_str).filter(|name| !known.contains(name)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(RequestError::invalid(format!(
            "Invalid value(s) for DATACENTERS '[{}]',All values must be valid datacenters",
            unknown.join(", ")
        )))
    }
}

fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<(), RequestError> {
    if place.replace(value).is_some() {
        let message = format!("Multiple definition for property '{name}'");
        return Err(PlanError::syntax(message).into());
    }
    Ok(())
}

/// A map of texts; whole numbers and booleans are kept as texts.
fn custom(value: &PropertyValue) -> Result<BTreeMap<String, String>, RequestError> {
    let wrong = || RequestError::invalid("OPTIONS is a map of texts");
    let text = |value: &PropertyValue| match value {
        PropertyValue::Literal(Literal::Text(text)) => Some(text.to_string()),
        PropertyValue::Literal(Literal::Integer(number)) => Some(number.to_string()),
        PropertyValue::Literal(Literal::Boolean(yes)) => Some(yes.to_string()),
        _ => None,
    };
    let PropertyValue::Map(entries) = value else { return Err(wrong()) };
    entries
        .iter()
        .map(|(key, value)| Some((text(key)?, text(value)?)))
        .collect::<Option<_>>()
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &[RoleOption]) -> String {
        Options::read(options).unwrap_err().to_string()
    }

    #[test]
    fn an_option_is_written_once_and_a_password_in_one_way() {
        let twice = [RoleOption::Login(true), RoleOption::Login(true)];
        assert!(refused(&twice).contains("Multiple definition for property 'LOGIN'"));
        let both = [RoleOption::Password("a".into()), RoleOption::HashedPassword("b".into())];
        assert!(refused(&both).contains("are mutually exclusive"));
        assert!(Options::read(&[]).unwrap().is_empty());
    }

    #[test]
    fn restrictions_that_would_not_hold_are_refused() {
        assert!(refused(&[RoleOption::Cidrs(Some(vec!["lan".into()]))]).contains("no CIDR groups"));
        let datacenters = vec![RoleOption::Datacenters(Some(vec!["dc1".into(), "mars".into()]))];
        let options = Options::read(&datacenters).unwrap();
        let error = options.check_datacenters(&BTreeSet::from(["dc1"])).unwrap_err();
        assert!(error.to_string().contains("DATACENTERS '[mars]'"));
    }

    #[tokio::test]
    async fn hashes_of_bcrypt_and_our_own_are_taken_and_others_refused() {
        let access = Access::new(super::super::Authentication::None).unwrap();
        let hashed = |text: &str| [RoleOption::HashedPassword(text.into())];
        let bcrypt = "$2a$10$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUtG";
        let own = access.hash("x".to_owned()).await.unwrap();
        for text in [bcrypt, &own.0] {
            let mut options = Options::read(&hashed(text)).unwrap();
            assert_eq!(options.secret(&access).await.unwrap(), Some(Secret(text.to_owned())));
        }
        let mut options = Options::read(&hashed("$2a$10$short")).unwrap();
        let refused = options.secret(&access).await.unwrap_err().to_string();
        assert!(refused.contains("Invalid hashed password value"), "{refused}");
    }
}
