//! The `WHERE` clause of `UPDATE` and `DELETE`: which partitions, and which rows of them.

use cellar_schema::{Column, ColumnKind, CqlType, Table};

use super::key::{Bound, Choice, Choices, KeyPart, list_of};
use crate::ast::{Comparison, Ident, InValues, Relation, RelationTest, Target, Term};
use crate::plan::term::prepare;
use crate::plan::{ColumnSpec, PlanError, Scope, column, receiver};

/// Which rows a `WHERE` clause names.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// One part for each partition key column, in key order.
    pub(super) partition: Vec<KeyPart>,
    /// Values of the first clustering columns.
    pub(super) clustering: Vec<KeyPart>,
    /// Number of clustering columns that `clustering` gives.
    pub(super) clustering_width: usize,
    /// Lower end of a range over the next columns.
    pub(super) lower: Option<Bound>,
    /// Upper end.
    pub(super) upper: Option<Bound>,
}

impl Filter {
    /// Whether a range follows the values.
    pub(super) fn is_slice(&self) -> bool {
        self.lower.is_some() || self.upper.is_some()
    }

    /// Plans the relations of a statement called `kind` (`UPDATE` or `DELETE`).
    pub(super) fn plan(
        scope: &mut Scope<'_>,
        table: &Table,
        relations: &[Relation],
        kind: &'static str,
    ) -> Result<Self, PlanError> {
        let mut planner = FilterPlanner {
            table,
            kind,
            partition: vec![None; table.partition_key().count()],
            clustering: Vec::new(),
            lower: None,
            upper: None,
        };
        for relation in relations {
            planner.relation(scope, relation)?;
        }
        planner.finish()
    }
}

struct FilterPlanner<'t> {
    table: &'t Table,
    kind: &'static str,
    partition: Vec<Option<KeyPart>>,
    /// First clustering position and the part.
    clustering: Vec<(usize, KeyPart)>,
    lower: Option<(usize, Bound)>,
    upper: Option<(usize, Bound)>,
}

impl FilterPlanner<'_> {
    fn relation(&mut self, scope: &mut Scope<'_>, relation: &Relation) -> Result<(), PlanError> {
        match &relation.target {
            Target::Column(name) => {
                let column = column(self.table, name)?;
                match column.kind {
                    ColumnKind::PartitionKey(at) => self.partition(scope, column, at, relation),
                    ColumnKind::Clustering(at, _) => {
                        let receiver = Receiver::column(self.table, std::slice::from_ref(&column));
                        self.clustering(scope, receiver, usize::from(at), &relation.test)
                    }
                    _ => Err(self.not_a_key(&column.name)),
                }
            }
            Target::Tuple(names) => self.tuple(scope, names, relation),
            Target::Token(_) => Err(PlanError::invalid(format!(
                "The token function cannot be used in WHERE clauses for {} statements",
                self.kind
            ))),
            Target::Element(name, _) | Target::Field(name, _) => {
                let column = column(self.table, name)?;
                Err(self.not_a_key(&column.name))
            }
        }
    }

    fn not_a_key(&self, name: &str) -> PlanError {
        PlanError::invalid(format!("Non PRIMARY KEY columns found in where clause: {name} "))
    }

    fn partition(
        &mut self,
        scope: &mut Scope<'_>,
        column: &Column,
        position: u16,
        relation: &Relation,
    ) -> Result<(), PlanError> {
        let choices = match choices(scope, Receiver::column(self.table, &[column]), &relation.test)?
        {
            Some(choices) => choices,
            None if matches!(relation.test, RelationTest::Compare(Comparison::NotEqual, _)) => {
                return Err(unsupported("!=", &column.name));
            }
            None if matches!(
                relation.test,
                RelationTest::Contains(_) | RelationTest::ContainsKey(_)
            ) =>
            {
                return Err(PlanError::invalid(format!(
                    "Cannot use {} on non-collection column {}",
                    symbol(&relation.test),
                    column.name
                )));
            }
            None => {
                return Err(PlanError::invalid(
                    "Only EQ and IN relation are supported on the partition key (unless you use \
                     the token() function)",
                ));
            }
        };
        let part = KeyPart { names: vec![column.name.clone()], choices };
        match self.partition.get_mut(usize::from(position)) {
            Some(slot @ None) => *slot = Some(part),
            _ => return Err(twice(&column.name)),
        }
        Ok(())
    }

    fn tuple(
        &mut self,
        scope: &mut Scope<'_>,
        names: &[Ident],
        relation: &Relation,
    ) -> Result<(), PlanError> {
        let mut columns = Vec::with_capacity(names.len());
        let mut first = None;
        for (offset, name) in names.iter().enumerate() {
            let column = column(self.table, name)?;
            let ColumnKind::Clustering(at, _) = column.kind else {
                return Err(PlanError::invalid(format!(
                    "Multi-column relations can only be applied to clustering columns but was \
                     applied to: {name}"
                )));
            };
            let start = *first.get_or_insert(usize::from(at));
            if usize::from(at) != start + offset {
                return Err(PlanError::invalid(format!(
                    "Clustering columns must appear in the PRIMARY KEY order in multi-column \
                     relations: ({})",
                    join(names.iter().map(Ident::as_str))
                )));
            }
            columns.push(column);
        }
        let receiver = Receiver { table: self.table, columns: &columns, tuple: true };
        self.clustering(scope, receiver, first.unwrap_or(0), &relation.test)
    }

    fn clustering(
        &mut self,
        scope: &mut Scope<'_>,
        receiver: Receiver<'_>,
        position: usize,
        test: &RelationTest,
    ) -> Result<(), PlanError> {
        let columns = receiver.columns;
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let overlaps = |(start, part): &(usize, KeyPart)| {
            *start < position + columns.len() && position < start + part.names.len()
        };
        if self.clustering.iter().any(overlaps) {
            return Err(twice(&names.join(",")));
        }
        if let Some(choices) = choices(scope, receiver, test)? {
            self.clustering.push((position, KeyPart { names, choices }));
            return Ok(());
        }
        let (lower, upper) = match test {
            RelationTest::Compare(Comparison::Greater, term) => (Some((term, false)), None),
            RelationTest::Compare(Comparison::GreaterEqual, term) => (Some((term, true)), None),
            RelationTest::Compare(Comparison::Less, term) => (None, Some((term, false))),
            RelationTest::Compare(Comparison::LessEqual, term) => (None, Some((term, true))),
            RelationTest::Between(low, high) => (Some((low, true)), Some((high, true))),
            other => return Err(unsupported(symbol(other), &names.join(","))),
        };
        let mut bound = |term: &Term, inclusive: bool| -> Result<(usize, Bound), PlanError> {
            let choice = choice(scope, receiver, term)?;
            Ok((position, Bound { names: names.clone(), choice, inclusive }))
        };
        if let Some((term, inclusive)) = lower {
            let lower = bound(term, inclusive)?;
            if self.lower.replace(lower).is_some() {
                return Err(two_bounds("start", &names));
            }
        }
        if let Some((term, inclusive)) = upper {
            let upper = bound(term, inclusive)?;
            if self.upper.replace(upper).is_some() {
                return Err(two_bounds("end", &names));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Filter, PlanError> {
        let missing = self
            .table
            .partition_key()
            .zip(&self.partition)
            .filter(|(_, part)| part.is_none())
            .map(|(column, _)| column.name.as_str());
        let missing = join(missing);
        if !missing.is_empty() {
            return Err(PlanError::invalid(format!(
                "Some partition key parts are missing: {missing}"
            )));
        }
        self.clustering.sort_by_key(|(position, _)| *position);
        let mut width = 0;
        for (position, part) in &self.clustering {
            if *position != width {
                return Err(self.gap(width, &part.names));
            }
            width += part.names.len();
        }
        for (position, bound) in [&self.lower, &self.upper].into_iter().flatten() {
            if *position != width {
                return Err(self.gap(width, &bound.names));
            }
        }
        Ok(Filter {
            partition: self.partition.into_iter().flatten().collect(),
            clustering: self.clustering.into_iter().map(|(_, part)| part).collect(),
            clustering_width: width,
            lower: self.lower.map(|(_, bound)| bound),
            upper: self.upper.map(|(_, bound)| bound),
        })
    }

    /// The error for columns restricted although the one at `missing` is not.
    fn gap(&self, missing: usize, names: &[String]) -> PlanError {
        let name = names.first().map_or("", String::as_str);
        let before = self.table.clustering().nth(missing).map_or("", |(c, _)| c.name.as_str());
        let sliced = [&self.lower, &self.upper].into_iter().flatten();
        if sliced.into_iter().any(|(at, bound)| *at == missing && bound.names.len() == 1) {
            return PlanError::invalid(format!(
                "Clustering column \"{name}\" cannot be restricted (preceding column \"{before}\" \
                 is restricted by a non-EQ relation)"
            ));
        }
        PlanError::invalid(format!(
            "PRIMARY KEY column \"{name}\" cannot be restricted as preceding column \"{before}\" \
             is not restricted"
        ))
    }
}

/// The values that `=` and `IN` allow; `None` for other tests.
fn choices(
    scope: &mut Scope<'_>,
    receiver: Receiver<'_>,
    test: &RelationTest,
) -> Result<Option<Choices>, PlanError> {
    Ok(Some(match test {
        RelationTest::Compare(Comparison::Equal, term) => {
            Choices::One(choice(scope, receiver, term)?)
        }
        // `IN` with one value is `=`, which also conditions allow.
        RelationTest::In(InValues::Terms(terms)) => match terms.as_slice() {
            [only] => Choices::One(choice(scope, receiver, only)?),
            terms => {
                let each = terms.iter().map(|term| choice(scope, receiver, term));
                Choices::Each(each.collect::<Result<_, _>>()?)
            }
        },
        RelationTest::In(InValues::Marker(marker)) => {
            let (element, width) = receiver.whole();
            let name = format!("in({})", element.name.trim_matches(['(', ')']));
            let list = element.part(name, list_of(element.cql_type.clone()));
            Choices::List(scope.marker(*marker, &list)?, width)
        }
        _ => return Ok(None),
    }))
}

/// The columns that a relation compares.
#[derive(Clone, Copy)]
struct Receiver<'t> {
    table: &'t Table,
    columns: &'t [&'t Column],
    /// Whether they are written as a tuple; there may be one alone.
    tuple: bool,
}

impl<'t> Receiver<'t> {
    fn column(table: &'t Table, columns: &'t [&'t Column]) -> Self {
        Self { table, columns, tuple: false }
    }

    /// The receiver of a whole value, and its width when it is a tuple.
    fn whole(&self) -> (ColumnSpec, Option<u16>) {
        match self.columns {
            [only] if !self.tuple => (receiver(self.table, only), None),
            columns => {
                let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                let name = format!("({})", names.join(","));
                let types = columns.iter().map(|column| column.cql_type.clone()).collect();
                let width = u16::try_from(columns.len()).unwrap_or(u16::MAX);
                (ColumnSpec::of(self.table, name, CqlType::Tuple(types)), Some(width))
            }
        }
    }
}

fn choice(scope: &mut Scope<'_>, given: Receiver<'_>, term: &Term) -> Result<Choice, PlanError> {
    let Receiver { table, columns, tuple } = given;
    if let ([only], false) = (columns, tuple) {
        let expr = prepare(scope, term, &receiver(table, only))?;
        return Ok(Choice::Columns(vec![expr]));
    }
    let Term::Tuple(terms) = term else {
        let (spec, width) = given.whole();
        return Ok(Choice::Packed(prepare(scope, term, &spec)?, width.unwrap_or(1)));
    };
    if terms.len() != columns.len() {
        return Err(PlanError::invalid(format!(
            "Expected {} elements in value tuple, but got {}",
            columns.len(),
            terms.len()
        )));
    }
    let exprs = terms
        .iter()
        .zip(columns)
        .map(|(term, column)| prepare(scope, term, &receiver(table, column)))
        .collect::<Result<_, _>>()?;
    Ok(Choice::Columns(exprs))
}

fn symbol(test: &RelationTest) -> &'static str {
    match test {
        RelationTest::Compare(Comparison::NotEqual, _) => "!=",
        RelationTest::Compare(..) => "=",
        RelationTest::In(_) => "IN",
        RelationTest::NotIn(_) => "NOT IN",
        RelationTest::Contains(_) => "CONTAINS",
        RelationTest::NotContains(_) => "NOT CONTAINS",
        RelationTest::ContainsKey(_) => "CONTAINS KEY",
        RelationTest::NotContainsKey(_) => "NOT CONTAINS KEY",
        RelationTest::Like(_) => "LIKE",
        RelationTest::Between(..) => "BETWEEN",
        RelationTest::IsNull => "IS NULL",
        RelationTest::IsNotNull => "IS NOT NULL",
    }
}

fn unsupported(symbol: &str, name: &str) -> PlanError {
    PlanError::invalid(format!("Unsupported \"{symbol}\" relation: {name} {symbol}"))
}

fn twice(name: &str) -> PlanError {
    PlanError::invalid(format!(
        "{name} cannot be restricted by more than one relation if it includes an Equal"
    ))
}

fn two_bounds(which: &str, names: &[String]) -> PlanError {
    PlanError::invalid(format!(
        "More than one restriction was found for the {which} bound on {}",
        names.join(",")
    ))
}

pub(super) fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
