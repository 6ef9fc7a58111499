//! Relations as text, for messages.

use crate::ast::{Comparison, InValues, RelationTest};
use crate::plan::PlanError;
use crate::plan::select::selector::term_name;

/// The refusal of a kind of relation.
pub(super) fn unsupported(test: &RelationTest, name: &str) -> PlanError {
    let relation = written(name, test);
    PlanError::invalid(format!("Unsupported \"{}\" relation: {relation}", symbol(test)))
}

/// The refusal of a test that is only for views.
pub(super) fn only_for_views(test: &RelationTest, name: &str) -> PlanError {
    PlanError::invalid(format!("Unsupported restriction: {}", written(name, test)))
}

/// The relation as written.
pub(super) fn written(name: &str, test: &RelationTest) -> String {
    let symbol = symbol(test);
    match test {
        RelationTest::Compare(_, term)
        | RelationTest::Contains(term)
        | RelationTest::NotContains(term)
        | RelationTest::ContainsKey(term)
        | RelationTest::NotContainsKey(term)
        | RelationTest::Like(term) => format!("{name} {symbol} {}", term_name(term)),
        RelationTest::In(InValues::Terms(terms)) | RelationTest::NotIn(InValues::Terms(terms)) => {
            let terms: Vec<String> = terms.iter().map(term_name).collect();
            format!("{name} {symbol} ({})", terms.join(", "))
        }
        RelationTest::In(InValues::Marker(_)) | RelationTest::NotIn(InValues::Marker(_)) => {
            format!("{name} {symbol} ?")
        }
        RelationTest::Between(low, high) => {
            format!("{name} {symbol} {} AND {}", term_name(low), term_name(high))
        }
        RelationTest::IsNull | RelationTest::IsNotNull => format!("{name} {symbol}"),
    }
}

/// The operator as written.
pub(crate) fn symbol(test: &RelationTest) -> &'static str {
    match test {
        RelationTest::Compare(Comparison::Equal, _) => "=",
        RelationTest::Compare(Comparison::NotEqual, _) => "!=",
        RelationTest::Compare(Comparison::Less, _) => "<",
        RelationTest::Compare(Comparison::LessEqual, _) => "<=",
        RelationTest::Compare(Comparison::Greater, _) => ">",
        RelationTest::Compare(Comparison::GreaterEqual, _) => ">=",
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
