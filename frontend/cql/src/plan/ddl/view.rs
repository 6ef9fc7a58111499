//! `CREATE MATERIALIZED VIEW` and `ALTER MATERIALIZED VIEW`.

use cellar_metadata_api::{Command, NewView, NewViewRelation};
use cellar_schema::{ColumnKind, Order, Table};
use uuid::Uuid;

use super::options::Options;
use super::{drop_home, home, property};
use crate::ast::{
    AlterView, CreateView, Ident, InValues, Relation, RelationTest, SelectClause, Selector, Target,
    Term,
};
use crate::plan::select::{check_view_filter, symbol, term_name};
use crate::plan::{PlanError, Scope};

pub(super) fn create(
    scope: &mut Scope<'_>,
    create: &CreateView,
    new_id: Uuid,
) -> Result<Command, PlanError> {
    let keyspace = home(scope, &create.name)?;
    let of_base = create.base.keyspace.as_ref().map(Ident::as_str);
    if of_base.is_some_and(|of_base| of_base != keyspace) {
        return Err(PlanError::invalid(
            "Cannot create a materialized view on a table in a separate keyspace",
        ));
    }
    if create.compact_storage {
        return Err(PlanError::invalid(
            "Cannot use 'COMPACT STORAGE' when defining a materialized view",
        ));
    }
    let columns = columns(&create.clause)?;
    let base = scope.view().table(&keyspace, create.base.name.as_str());
    let key = key(create, base.as_deref())?;
    let filter = create.filter.iter().map(relation).collect::<Result<Vec<_>, PlanError>>()?;
    // What is wrong with the base and the key is said first, by the metadata service.
    if let Some(base) = base.filter(|base| !base.is_counter()) {
        check_view_filter(scope, &base, &create.filter)?;
    }
    let options = Options::read(scope, &create.properties)?;
    let uuid = options.id.unwrap_or(new_id);
    let (options, _) = options.of_new_table();
    let definition = NewView {
        keyspace,
        name: create.name.name.as_str().to_owned(),
        uuid,
        base: create.base.name.as_str().to_owned(),
        columns,
        key,
        filter,
        options,
    };
    Ok(Command::CreateView { definition, if_not_exists: create.if_not_exists })
}

pub(super) fn alter(scope: &mut Scope<'_>, alter: &AlterView) -> Result<Command, PlanError> {
    let keyspace = drop_home(scope, &alter.name, alter.if_exists)?;
    let options = Options::read(scope, &alter.properties)?;
    if options.id.is_some() {
        return Err(PlanError::config("Cannot alter table id."));
    }
    Ok(Command::AlterView {
        keyspace,
        name: alter.name.name.as_str().to_owned(),
        if_exists: alter.if_exists,
        options: options.changes,
    })
}

/// A selector as written, for messages.
fn shown(selector: &Selector) -> String {
    match selector {
        Selector::Column(name) => name.to_string(),
        Selector::Function(name, arguments) => {
            let arguments: Vec<String> = arguments.iter().map(shown).collect();
            format!("{name}({})", arguments.join(", "))
        }
        Selector::WriteTime(of) => format!("writetime({})", shown(of)),
        Selector::Ttl(of) => format!("ttl({})", shown(of)),
        Selector::Cast(of, cql_type) => format!("cast({} as {cql_type})", shown(of)),
        Selector::Field(of, field) => format!("{}.{field}", shown(of)),
        Selector::Element(of, key) => format!("{}[{}]", shown(of), term_name(key)),
        Selector::Slice(of, from, to) => {
            let end = |end: &Option<Term>| end.as_ref().map(term_name).unwrap_or_default();
            format!("{}[{}..{}]", shown(of), end(from), end(to))
        }
        _ => "an expression".to_owned(),
    }
}

/// The names selected; nothing for `*`.
fn columns(clause: &SelectClause) -> Result<Option<Vec<String>>, PlanError> {
    let SelectClause::Items(items) = clause else { return Ok(None) };
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        let text = shown(&item.selector);
        if let Some(alias) = &item.alias {
            return Err(PlanError::invalid(format!(
                "Cannot use aliases when defining a materialized view (got {text} AS {alias})"
            )));
        }
        let Selector::Column(name) = &item.selector else {
            return Err(PlanError::invalid(format!(
                "Can only select columns by name when defining a materialized view (got {text})"
            )));
        };
        names.push(name.as_str().to_owned());
    }
    Ok(Some(names))
}

/// The key; what the base clusters by keeps its order unless another is written.
fn key(create: &CreateView, base: Option<&Table>) -> Result<Vec<(String, ColumnKind)>, PlanError> {
    let written = &create.primary_key;
    let ordered: Vec<&Ident> = create.clustering_order.iter().map(|(name, _)| name).collect();
    if !ordered.is_empty() && !ordered.iter().copied().eq(&written.clustering) {
        return Err(PlanError::invalid(
            "Clustering key columns must exactly match columns in CLUSTERING ORDER BY directive",
        ));
    }
    let mut orders = create.clustering_order.iter().map(|(_, descending)| match descending {
        true => Order::Desc,
        false => Order::Asc,
    });
    let mut key = Vec::new();
    for (at, name) in (0_u16..).zip(&written.partition) {
        key.push((name.as_str().to_owned(), ColumnKind::PartitionKey(at)));
    }
    for (at, name) in (0_u16..).zip(&written.clustering) {
        let order = orders.next().unwrap_or_else(|| {
            let found = base.and_then(|base| base.column(name.as_str()));
            match found.map(|column| column.kind) {
                Some(ColumnKind::Clustering(_, order)) => order,
                _ => Order::Asc,
            }
        });
        let kind = ColumnKind::Clustering(at, order);
        key.push((name.as_str().to_owned(), kind));
    }
    Ok(key)
}

/// A relation as it is kept.
fn relation(relation: &Relation) -> Result<NewViewRelation, PlanError> {
    let name = |ident: &Ident| ident.as_str().to_owned();
    let (columns, tuple, element) = match &relation.target {
        Target::Column(column) => (vec![name(column)], false, None),
        Target::Tuple(columns) => (columns.iter().map(name).collect(), true, None),
        Target::Element(column, key) => (vec![name(column)], false, Some(text(key)?)),
        Target::Field(..) => {
            return Err(PlanError::not_built("a relation on a field of a user-defined type"));
        }
        Target::Token(_) => {
            return Err(PlanError::invalid(
                "Cannot use token relation when defining a materialized view",
            ));
        }
    };
    Ok(NewViewRelation { columns, tuple, element, test: test(&relation.test)? })
}

fn test(test: &RelationTest) -> Result<String, PlanError> {
    let symbol = symbol(test);
    Ok(match test {
        RelationTest::Compare(_, term)
        | RelationTest::Contains(term)
        | RelationTest::NotContains(term)
        | RelationTest::ContainsKey(term)
        | RelationTest::NotContainsKey(term)
        | RelationTest::Like(term) => format!("{symbol} {}", text(term)?),
        RelationTest::In(InValues::Terms(terms)) | RelationTest::NotIn(InValues::Terms(terms)) => {
            format!("{symbol} ({})", list(terms)?)
        }
        RelationTest::In(InValues::Marker(_)) | RelationTest::NotIn(InValues::Marker(_)) => {
            return Err(bound());
        }
        RelationTest::Between(low, high) => format!("{symbol} {} AND {}", text(low)?, text(high)?),
        RelationTest::IsNull | RelationTest::IsNotNull => symbol.to_owned(),
    })
}

fn bound() -> PlanError {
    PlanError::invalid("Bind variables are not allowed in CREATE MATERIALIZED VIEW statements")
}

fn list(terms: &[Term]) -> Result<String, PlanError> {
    Ok(terms.iter().map(text).collect::<Result<Vec<_>, _>>()?.join(", "))
}

/// A term as CQL that reads back to the same term.
fn text(term: &Term) -> Result<String, PlanError> {
    let pair = |left: String, right: &Term| Ok(format!("{left}: {}", text(right)?));
    Ok(match term {
        Term::Null => "null".to_owned(),
        Term::Literal(literal) => property::literal_text(literal),
        Term::Marker(_) => return Err(bound()),
        Term::List(terms) => format!("[{}]", list(terms)?),
        Term::Set(terms) => format!("{{{}}}", list(terms)?),
        Term::Tuple(terms) => format!("({})", list(terms)?),
        Term::Map(entries) => {
            let each = entries.iter().map(|(key, value)| pair(text(key)?, value));
            format!("{{{}}}", each.collect::<Result<Vec<_>, PlanError>>()?.join(", "))
        }
        Term::UserType(fields) => {
            let each = fields.iter().map(|(name, value)| pair(name.to_string(), value));
            format!("{{{}}}", each.collect::<Result<Vec<_>, PlanError>>()?.join(", "))
        }
        Term::Function(name, terms) => format!("{name}({})", list(terms)?),
        Term::TypeHint(cql_type, inner) => format!("({cql_type}) {}", text(inner)?),
        Term::Cast(inner, cql_type) => format!("CAST({} AS {cql_type})", text(inner)?),
        Term::Negate(inner) => format!("-{}", text(inner)?),
        Term::Arithmetic(_) => {
            return Err(PlanError::not_built("arithmetic in CREATE MATERIALIZED VIEW"));
        }
    })
}
