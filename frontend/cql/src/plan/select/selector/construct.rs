//! Values put together from selectors: tuples, lists, sets and maps.

use std::sync::Arc;

use cellar_schema::{CqlType, Frozen, UserType};

use super::{Item, Sel, Selection};
use crate::ast::Selector;
use crate::plan::types::{self, Fit};
use crate::plan::{PlanError, Scope};

impl Selection<'_> {
    pub(super) fn tuple(
        &mut self,
        scope: &mut Scope<'_>,
        parts: &[Selector],
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        if let [only] = parts
            && !matches!(expected, Some(CqlType::Tuple(_)))
        {
            let item = self.item(scope, only, expected)?;
            return Ok(Item { name: format!("({})", item.name), ..item });
        }
        let wanted = match expected {
            Some(CqlType::Tuple(types)) => types.as_slice(),
            _ => &[],
        };
        let mut items = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            items.push(self.item(scope, part, wanted.get(index))?);
        }
        let cql_type = CqlType::Tuple(items.iter().map(|item| item.cql_type.clone()).collect());
        let name = format!("({})", names(&items));
        Ok(Item { sel: Sel::Tuple(sels(items)), cql_type, name })
    }

    pub(super) fn list(
        &mut self,
        scope: &mut Scope<'_>,
        parts: &[Selector],
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        let part = match expected {
            Some(CqlType::List(part, _)) => (**part).clone(),
            Some(CqlType::Vector(part, dimensions)) => {
                return self.vector(scope, parts, part, *dimensions);
            }
            _ => self.first(scope, parts)?.ok_or_else(|| unknown("list"))?,
        };
        let items = self.each(scope, parts, &part)?;
        let name = format!("[{}]", names(&items));
        let cql_type = CqlType::List(Box::new(part), Frozen::Yes);
        Ok(Item { sel: Sel::List(sels(items)), cql_type, name })
    }

    fn vector(
        &mut self,
        scope: &mut Scope<'_>,
        parts: &[Selector],
        part: &CqlType,
        dimensions: u16,
    ) -> Result<Item, PlanError> {
        let cql_type = CqlType::Vector(Box::new(part.clone()), dimensions);
        if parts.len() != usize::from(dimensions) {
            return Err(PlanError::invalid(format!(
                "Invalid vector literal of type {cql_type}; expected {dimensions} elements, but \
                 given {}",
                parts.len()
            )));
        }
        let items = self.each(scope, parts, part)?;
        let name = format!("[{}]", names(&items));
        Ok(Item { sel: Sel::Vector(part.clone(), sels(items)), cql_type, name })
    }

    pub(super) fn set(
        &mut self,
        scope: &mut Scope<'_>,
        parts: &[Selector],
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        let part = match expected {
            Some(CqlType::Set(part, _)) => (**part).clone(),
            Some(CqlType::Map(key, value, _)) if parts.is_empty() => {
                let cql_type = CqlType::Map(key.clone(), value.clone(), Frozen::Yes);
                let sel = Sel::Map((**key).clone(), Vec::new());
                return Ok(Item { sel, cql_type, name: "{}".to_owned() });
            }
            _ => self.first(scope, parts)?.ok_or_else(|| unknown("set"))?,
        };
        let items = self.each(scope, parts, &part)?;
        let name = format!("{{{}}}", names(&items));
        let sel = Sel::Set(part.clone(), sels(items));
        Ok(Item { sel, cql_type: CqlType::Set(Box::new(part), Frozen::Yes), name })
    }

    pub(super) fn map(
        &mut self,
        scope: &mut Scope<'_>,
        entries: &[(Selector, Selector)],
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        if let Some(CqlType::Udt(udt, _)) = expected {
            return self.user_type(scope, &Arc::clone(udt), entries);
        }
        let (key, part) = match (expected, entries.first()) {
            (Some(CqlType::Map(key, part, _)), _) => ((**key).clone(), (**part).clone()),
            (_, Some((key, part))) => (
                self.type_of(scope, key)?.ok_or_else(|| unknown("map"))?,
                self.type_of(scope, part)?.ok_or_else(|| unknown("map"))?,
            ),
            _ => return Err(unknown("map")),
        };
        let mut sels = Vec::with_capacity(entries.len());
        let mut names = Vec::with_capacity(entries.len());
        for (k, v) in entries {
            let k = self.fitting(scope, k, &key)?;
            let v = self.fitting(scope, v, &part)?;
            names.push(format!("{}: {}", k.name, v.name));
            sels.push((k.sel, v.sel));
        }
        let name = format!("{{{}}}", names.join(", "));
        let sel = Sel::Map(key.clone(), sels);
        let cql_type = CqlType::Map(Box::new(key), Box::new(part), Frozen::Yes);
        Ok(Item { sel, cql_type, name })
    }

    /// `{field: value}`, which looks like a map whose keys are columns.
    fn user_type(
        &mut self,
        scope: &mut Scope<'_>,
        udt: &Arc<UserType>,
        entries: &[(Selector, Selector)],
    ) -> Result<Item, PlanError> {
        let mut parts: Vec<Option<Item>> = udt.fields.iter().map(|_| None).collect();
        for (key, value) in entries {
            let Selector::Column(field) = key else { return Err(unknown("user type")) };
            let position = udt.fields.iter().position(|(name, _)| name == field.as_str());
            let found = position.and_then(|at| Some((parts.get_mut(at)?, udt.fields.get(at)?)));
            let Some((slot, (_, cql_type))) = found else {
                return Err(PlanError::invalid(format!(
                    "Unknown field '{field}' in value of user defined type {}",
                    udt.name
                )));
            };
            *slot = Some(self.fitting(scope, value, cql_type)?);
        }
        let mut names = Vec::new();
        let mut sels = Vec::with_capacity(parts.len());
        for (part, (field, _)) in parts.into_iter().zip(&udt.fields) {
            match part {
                Some(item) => {
                    names.push(format!("{field}: {}", item.name));
                    sels.push(item.sel);
                }
                None => sels.push(self.null()),
            }
        }
        let name = format!("{{{}}}", names.join(", "));
        let cql_type = CqlType::Udt(Arc::clone(udt), Frozen::Yes);
        Ok(Item { sel: Sel::Tuple(sels), cql_type, name })
    }

    fn null(&mut self) -> Sel {
        self.terms.push(crate::plan::term::Expr::Constant(None));
        Sel::Term(self.terms.len().saturating_sub(1))
    }

    fn each(
        &mut self,
        scope: &mut Scope<'_>,
        parts: &[Selector],
        cql_type: &CqlType,
    ) -> Result<Vec<Item>, PlanError> {
        parts.iter().map(|part| self.fitting(scope, part, cql_type)).collect()
    }

    fn fitting(
        &mut self,
        scope: &mut Scope<'_>,
        selector: &Selector,
        cql_type: &CqlType,
    ) -> Result<Item, PlanError> {
        let item = self.item(scope, selector, Some(cql_type))?;
        if types::fit(cql_type, &item.cql_type) == Fit::No {
            return Err(PlanError::invalid(format!(
                "Invalid literal: {} is not of type {cql_type}",
                item.name
            )));
        }
        Ok(item)
    }
}

fn names(items: &[Item]) -> String {
    items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn sels(items: Vec<Item>) -> Vec<Sel> {
    items.into_iter().map(|item| item.sel).collect()
}

fn unknown(kind: &str) -> PlanError {
    PlanError::invalid(format!(
        "Cannot infer type for a {kind} in selection clause (try using a cast to force a type)"
    ))
}
