//! Parts of values by name or key, and when columns or their parts were written.

use cellar_schema::CqlType;

use super::times::{Part, Times, TimesKind};
use super::{Item, Sel, Selection, name};
use crate::ast::{Ident, Selector, Term};
use crate::plan::select::view::ColumnRef;
use crate::plan::{PlanError, Scope, column};

impl Selection<'_> {
    pub(super) fn field(
        &mut self,
        scope: &mut Scope<'_>,
        inner: &Selector,
        field: &Ident,
    ) -> Result<Item, PlanError> {
        let item = self.item(scope, inner, None)?;
        let CqlType::Udt(udt, _) = &item.cql_type else {
            return Err(PlanError::invalid(format!(
                "Invalid field selection: {} of type {} is not a user type",
                item.name, item.cql_type
            )));
        };
        let Some((index, cql_type)) = field_of(udt, field) else {
            return Err(PlanError::invalid(format!(
                "{} of type {} has no field {field}",
                item.name, item.cql_type
            )));
        };
        let (cql_type, count) = (cql_type.clone(), udt.fields.len());
        let name = format!("{}.{}", item.name, field.as_str());
        Ok(Item { sel: Sel::Field(Box::new(item.sel), index, count), cql_type, name })
    }

    pub(super) fn element(
        &mut self,
        scope: &mut Scope<'_>,
        inner: &Selector,
        key: &Term,
    ) -> Result<Item, PlanError> {
        let item = self.item(scope, inner, None)?;
        let index = self.key(scope, &item.name, &item.cql_type, key, "element")?;
        let cql_type = match &item.cql_type {
            CqlType::Map(_, part, _) | CqlType::Set(part, _) => (**part).clone(),
            other => other.clone(),
        };
        let name = format!("{}[{}]", item.name, name::term(key));
        Ok(Item { sel: Sel::Element(Box::new(item.sel), item.cql_type, index), cql_type, name })
    }

    pub(super) fn slice(
        &mut self,
        scope: &mut Scope<'_>,
        inner: &Selector,
        from: Option<&Term>,
        to: Option<&Term>,
    ) -> Result<Item, PlanError> {
        let item = self.item(scope, inner, None)?;
        let (start, end, name) = self.bounds(scope, &item.name, &item.cql_type, (from, to))?;
        let cql_type = item.cql_type.clone();
        let sel = Sel::Slice(Box::new(item.sel), item.cql_type, start, end);
        Ok(Item { sel, cql_type, name })
    }

    /// The terms between which the keys of a slice lie, and what the slice is called.
    fn bounds(
        &mut self,
        scope: &mut Scope<'_>,
        selected: &str,
        cql_type: &CqlType,
        (from, to): (Option<&Term>, Option<&Term>),
    ) -> Result<(Option<usize>, Option<usize>, String), PlanError> {
        let mut bound = |term: Option<&Term>| {
            term.map(|term| self.key(scope, selected, cql_type, term, "slice")).transpose()
        };
        let (start, end) = (bound(from)?, bound(to)?);
        let written = |term: Option<&Term>| term.map(name::term).unwrap_or_default();
        Ok((start, end, format!("{selected}[{}..{}]", written(from), written(to))))
    }

    /// The term that is a key of a set or map.
    fn key(
        &mut self,
        scope: &mut Scope<'_>,
        selected: &str,
        cql_type: &CqlType,
        term: &Term,
        what: &str,
    ) -> Result<usize, PlanError> {
        let (receiver, key_type) = match cql_type {
            CqlType::Map(key, ..) => (format!("key({selected})"), key),
            CqlType::Set(element, _) => (format!("value({selected})"), element),
            CqlType::List(..) => {
                let title = if what == "slice" { "Slice" } else { "Element" };
                return Err(PlanError::invalid(format!(
                    "{title} selection is only allowed on sets and maps, but {selected} is a list"
                )));
            }
            other => {
                return Err(PlanError::invalid(format!(
                    "Invalid {what} selection: {selected} of type {other} is not a collection"
                )));
            }
        };
        if *term == Term::Null {
            return Err(PlanError::invalid(format!(
                "Invalid null value for {what} selection on {selected}"
            )));
        }
        self.bound_term(scope, term, &receiver, (**key_type).clone())
    }

    /// `WRITETIME` and its kin.
    pub(super) fn times(
        &mut self,
        scope: &mut Scope<'_>,
        kind: TimesKind,
        inner: &Selector,
    ) -> Result<Item, PlanError> {
        let target = match inner {
            Selector::Column(name) => Some(name),
            Selector::Element(inner, _)
            | Selector::Slice(inner, ..)
            | Selector::Field(inner, _) => match &**inner {
                Selector::Column(name) => Some(name),
                _ => None,
            },
            _ => None,
        };
        let Some(target) = target else {
            return Err(PlanError::not_built(format!("{} of such a part", kind.name())));
        };
        let column = ColumnRef::of(column(self.table, target)?);
        if column.is_key() {
            return Err(PlanError::invalid(format!(
                "Cannot use selection function {} on PRIMARY KEY part {}",
                kind.name(),
                column.name
            )));
        }
        let (part, shown) = match inner {
            Selector::Element(_, key) => {
                let index = self.key(scope, &column.name, &column.cql_type, key, "element")?;
                (Part::Element(index), format!("{}[{}]", column.name, name::term(key)))
            }
            Selector::Slice(_, from, to) => {
                let bounds = (from.as_ref(), to.as_ref());
                let (from, to, shown) =
                    self.bounds(scope, &column.name, &column.cql_type, bounds)?;
                (Part::Slice(from, to), shown)
            }
            Selector::Field(_, field) => {
                let found = match &column.cql_type {
                    CqlType::Udt(udt, _) => field_of(udt, field),
                    _ => None,
                };
                if !matches!(column.cql_type, CqlType::Udt(..)) {
                    return Err(PlanError::invalid(format!(
                        "Invalid field selection: {} of type {} is not a user type",
                        column.name, column.cql_type
                    )));
                }
                let index = found.and_then(|(index, _)| u16::try_from(index).ok());
                let Some(index) = index else {
                    return Err(PlanError::invalid(format!(
                        "{} of type {} has no field {field}",
                        column.name, column.cql_type
                    )));
                };
                (Part::Field(index), format!("{}.{}", column.name, field.as_str()))
            }
            _ => (Part::Whole, column.name.clone()),
        };
        self.read(column.clone());
        let name = format!("{}({shown})", kind.name());
        let times = Times { kind, column, part };
        let cql_type = times.cql_type();
        Ok(Item { sel: Sel::Times(times), cql_type, name })
    }
}

fn field_of<'u>(udt: &'u cellar_schema::UserType, field: &Ident) -> Option<(usize, &'u CqlType)> {
    let fields = udt.fields.iter().enumerate();
    fields
        .map(|(index, (name, t))| (index, name, t))
        .find_map(|(index, name, cql_type)| (name == field.as_str()).then_some((index, cql_type)))
}
