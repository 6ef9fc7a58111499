//! Restrictions that are refused, in the words that applications know from Cassandra.

use cellar_cql::plan::BoundValue;

use crate::schema::{int, some};
use crate::store::{refusal, refusal_with};

const FILTERING: &str = "Cannot execute this query as it might involve data filtering and thus may \
     have unpredictable performance. If you want to execute this query despite the performance \
     unpredictability, use ALLOW FILTERING";

#[test]
fn what_needs_filtering_says_so() {
    for text in [
        "SELECT * FROM wide WHERE a = 1",
        "SELECT * FROM wide WHERE b = 'x'",
        "SELECT * FROM simple WHERE v = 'x'",
        "SELECT * FROM simple WHERE k > 1",
        "SELECT * FROM simple WHERE k = 1 AND v = 'x'",
        "SELECT * FROM log WHERE c = 1",
        "SELECT * FROM log WHERE k = 'a' AND s = 1",
        "SELECT * FROM things WHERE s CONTAINS 'a'",
        "SELECT * FROM things WHERE m['a'] = 1",
        "SELECT * FROM things WHERE fl = [1]",
    ] {
        assert_eq!(refusal(text), FILTERING, "{text}");
    }
}

#[test]
fn clustering_columns_are_restricted_in_their_order() {
    for (test, words) in [
        (
            "c2 = 1",
            "PRIMARY KEY column \"c2\" cannot be restricted as preceding column \"c1\" is not \
             restricted",
        ),
        (
            "c1 > 1 AND c2 = 1",
            "Clustering column \"c2\" cannot be restricted (preceding column \"c1\" is restricted \
             by a non-EQ relation)",
        ),
        (
            "c1 = 1 AND c1 = 2",
            "c1 cannot be restricted by more than one relation if it includes an Equal",
        ),
        (
            "c1 = 1 AND c1 > 2",
            "c1 cannot be restricted by more than one relation if it includes an Equal",
        ),
        (
            "c1 IN (1, 2) AND c1 > 2",
            "c1 cannot be restricted by more than one relation if it includes a IN",
        ),
        ("c1 > 1 AND c1 > 2", "More than one restriction was found for the start bound on c1"),
        ("c1 < 1 AND c1 <= 2", "More than one restriction was found for the end bound on c1"),
        (
            "(c1, c2) > (1, 2) AND c1 > 3",
            "More than one restriction was found for the start bound on c1",
        ),
        (
            "(c1, c2) > (1, 2) AND c2 < 3",
            "Column \"c2\" cannot be restricted by two inequalities not starting with the same \
             column",
        ),
        (
            "(c2, c1) > (1, 2)",
            "Clustering columns must appear in the PRIMARY KEY order in multi-column relations: \
             (c2, c1)",
        ),
        (
            "(c1, v) > (1, 2)",
            "Multi-column relations can only be applied to clustering columns but was applied to: v",
        ),
        ("(c1, c2) = (1)", "Expected 2 elements in value tuple, but got 1: (1)"),
        ("c1 CONTAINS 1", "Cannot use CONTAINS on non-collection column \"c1\""),
        ("c1 != 1", "Unsupported \"!=\" relation: c1 != 1"),
        ("nope = 1", "Undefined column name nope in table ks.two"),
    ] {
        assert_eq!(refusal(&format!("SELECT * FROM two WHERE k = 1 AND {test}")), words, "{test}");
    }
}

#[test]
fn collections_are_not_compared_whole() {
    for (test, words) in [
        ("l = [1]", "Collection column 'l' (list<int>) cannot be restricted by a '=' relation"),
        ("m CONTAINS KEY 1", "Invalid INTEGER constant (1) for \"key(m)\" of type text"),
        ("l CONTAINS KEY 1", "Cannot use CONTAINS KEY on non-map column l"),
        ("l[0] = 1", "Indexes on list entries (l[index] = value) are not supported."),
        ("fm[1] = 'x'", "Map-entry equality predicates on frozen map column fm are not supported"),
        (
            "a = {zip: 1}",
            "Non-frozen UDT column 'a' (address) cannot be restricted by any relation",
        ),
        (
            "fl LIKE 'x'",
            "LIKE restriction is only supported on properly indexed columns. fl LIKE 'x' is not \
             valid.",
        ),
    ] {
        let text = format!("SELECT * FROM things WHERE {test} ALLOW FILTERING");
        assert_eq!(refusal(&text), words, "{test}");
    }
}

#[test]
fn tokens() {
    for (test, words) in [
        (
            "token(a) > 1",
            "The token() function must be applied to all partition key components or none of them",
        ),
        (
            "token(b, a) > 1",
            "The token function arguments must be in the partition key order: a, b",
        ),
        (
            "token(a, b) > 1 AND token(a, b) > 2",
            "More than one restriction was found for the start bound on token(a, b)",
        ),
    ] {
        assert_eq!(refusal(&format!("SELECT * FROM wide WHERE {test}")), words, "{test}");
    }
}

#[test]
fn null_is_no_token() {
    assert_eq!(
        refusal_with("SELECT * FROM simple WHERE token(k) > ?", &[BoundValue::Null]),
        "Invalid null token value"
    );
}

#[test]
fn null_and_unset_are_no_keys() {
    let text = "SELECT * FROM simple WHERE k = ?";
    assert_eq!(
        refusal_with(text, &[BoundValue::Null]),
        "Invalid null value in condition for column k"
    );
    assert_eq!(refusal_with(text, &[BoundValue::Unset]), "Invalid unset value for column k");
    assert_eq!(
        refusal("SELECT * FROM simple WHERE k = null"),
        "Invalid null value in condition for column k"
    );
    assert_eq!(
        refusal_with("SELECT * FROM simple WHERE v = ? ALLOW FILTERING", &[BoundValue::Null]),
        "Unsupported null value for column v"
    );
    assert_eq!(
        refusal_with("SELECT * FROM simple WHERE k IN ?", &[BoundValue::Null]),
        "Invalid null value for column k"
    );
    assert_eq!(
        refusal_with(text, &[some(int(1)), some(int(2))]),
        "Invalid amount of bind variables: there were 1 markers(?) in CQL but 2 bound variables"
    );
    assert_eq!(refusal("SELECT * FROM bytes WHERE k = 0x"), "Key may not be empty");
}

#[test]
fn too_many_keys_of_in() {
    let values: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let list = values.join(", ");
    let text = format!("SELECT * FROM two WHERE k = 1 AND c1 IN ({list}) AND c2 IN ({list})");
    assert_eq!(refusal(&text), "IN restrictions select more than 10000 keys for one query");
}

#[test]
fn tuples_are_for_ranges_and_not_for_filters() {
    let slices = "Multi-column slice restrictions cannot be used for filtering.";
    for (filter, words) in
        [("(d) <= ('x')", slices), ("a = 1 AND b = 'x' AND c > 1 AND (d) > ('x')", slices)]
    {
        let text = format!("SELECT * FROM wide WHERE {filter} ALLOW FILTERING");
        assert_eq!(refusal(&text), words, "{filter}");
    }
    crate::store::names("SELECT * FROM wide WHERE (c, d) <= (1, 'x') ALLOW FILTERING");
    crate::store::names("SELECT * FROM wide WHERE (d) IN (('x'), ('y')) ALLOW FILTERING");
}

#[test]
fn relations_that_are_not_supported_are_told_before_what_they_compare() {
    for (test, words) in [
        ("a != {zip: 1}", "Unsupported \"!=\" relation: a != {zip: 1}"),
        ("l != [1]", "Unsupported \"!=\" relation: l != [1]"),
        ("a IS NOT NULL", "Unsupported restriction: a IS NOT NULL"),
    ] {
        let text = format!("SELECT * FROM things WHERE {test} ALLOW FILTERING");
        assert_eq!(refusal(&text), words, "{test}");
    }
    assert_eq!(
        refusal("SELECT * FROM two WHERE k = 1 AND (c1, c2) != (1, 2)"),
        "Unsupported \"!=\" relation: (c1, c2) != (1, 2)"
    );
}

#[test]
fn unset_values_are_refused_where_rows_are_tested_by_them() {
    for (test, words) in [
        ("s CONTAINS ?", "Unsupported unset value for column s"),
        ("m[?] = 1", "Unsupported unset map key for column m"),
        ("m['a'] = ?", "Unsupported unset map value for column m"),
    ] {
        let text = format!("SELECT * FROM things WHERE {test} ALLOW FILTERING");
        assert_eq!(refusal_with(&text, &[BoundValue::Unset]), words, "{test}");
    }
}
