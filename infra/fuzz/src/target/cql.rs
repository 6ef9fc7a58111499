//! CQL text: parsed or refused, planned or refused against a fixed schema, bound or refused.

use bytes::Bytes;
use cellar_cql::ast::Statement;
use cellar_cql::plan::{self, BoundValue, Plan, Planned, ddl, write::BoundWrite};
use cellar_cql::{Parsed, parse_statement};
use cellar_schema::{Mutation, value};
use uuid::Uuid;

use super::{Broken, Outcome, Signature, Target, same};

/// The schema of the planner's own tests.
#[path = "../../../../frontend/cql/tests/plan/schema.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "written for tests, which use more of it"
)]
mod fixture;

use fixture::{ENV, FIXTURE};

/// Statements of every kind, as Rust string literals in the parser's own tests.
const ACCEPTED: &str = include_str!("../../../../frontend/cql/tests/accepts_cql.rs");

/// Statements that plan against the schema.
const PLANNED: &[&str] = &[
    "SELECT * FROM wide WHERE a = 1 AND b = 'x' AND c > ? AND c <= 9 ORDER BY c DESC LIMIT 5",
    "SELECT a, b, count(*), max(v) FROM wide WHERE a IN (1, 2) AND b = ? GROUP BY a, b, c",
    "SELECT JSON k, v, writetime(v), ttl(v), CAST(k AS text) FROM simple WHERE k = 1",
    "SELECT k, v FROM log WHERE token(k) > ? AND token(k) <= 5 PER PARTITION LIMIT 1",
    "SELECT * FROM things WHERE s CONTAINS 'x' AND m CONTAINS KEY ? ALLOW FILTERING",
    "SELECT DISTINCT k, s FROM log WHERE k IN ?",
    "SELECT e, a.zip, fl, toJson(m), (int) ? FROM things WHERE k = :k",
    "INSERT INTO things (k, l, s, m, t, e, a) VALUES (1, [1], {'a'}, {'k': ?}, (1, 'x'), \
        [1.0, 2, 3], {street: 's', zip: 5}) IF NOT EXISTS",
    "INSERT INTO scalars JSON '{\"k\": 1, \"duration\": \"1mo\", \"inet\": \"::1\", \
        \"decimal\": 1.50, \"blob\": \"0xab\"}' DEFAULT UNSET USING TTL 5",
    "UPDATE things SET l = l + [1], s = s - {'x'}, m['k'] = ?, l[0] = 3, a.zip = 4 WHERE k = 1",
    "UPDATE counts SET n = n + ?, m = m - 2 WHERE k = 'x'",
    "UPDATE wide USING TTL ? SET v = 1 WHERE a = 1 AND b = '' AND c = 2 AND d = 'x' \
        IF v = 1 AND w IN ('a', ?)",
    "DELETE l[0], m['x'] FROM things WHERE k = ? IF EXISTS",
    "DELETE FROM two WHERE k = 1 AND c1 = 2 AND c2 > 3 AND c2 <= ?",
    "BEGIN UNLOGGED BATCH USING TIMESTAMP 5 INSERT INTO simple (k, v) VALUES (?, 'x'); \
        UPDATE log SET s = 1 WHERE k = 'a'; DELETE FROM two WHERE k = 1; APPLY BATCH",
    "CREATE TABLE ks.new (a int, b frozen<address>, c map<text, frozen<list<int>>> , \
        PRIMARY KEY ((a), b)) WITH CLUSTERING ORDER BY (b DESC) AND gc_grace_seconds = 5",
    "ALTER TABLE simple ADD (x int, y text)",
    "ALTER TABLE simple WITH comment = 'x' AND default_time_to_live = 5",
    "ALTER TYPE address ADD more list<int>",
    "CREATE KEYSPACE k2 WITH replication = {'class': 'NetworkTopologyStrategy', 'dc': 3}",
];

const WORDS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE ",
    "FROM ",
    " WHERE ",
    " VALUES ",
    " SET ",
    " AND ",
    " IN ",
    " IF ",
    " NOT ",
    " EXISTS",
    "CREATE ",
    "ALTER ",
    "DROP ",
    "TABLE ",
    "KEYSPACE ",
    "TYPE ",
    "INDEX ",
    " WITH ",
    " USING TTL ",
    " USING TIMESTAMP ",
    "BEGIN BATCH ",
    "; APPLY BATCH",
    " JSON ",
    " DISTINCT ",
    "count(*)",
    "token(",
    "CAST(",
    " AS ",
    " ORDER BY ",
    " GROUP BY ",
    " LIMIT ",
    " PER PARTITION LIMIT ",
    " ALLOW FILTERING",
    " CONTAINS ",
    " KEY ",
    " LIKE ",
    " BETWEEN ",
    " IS NOT NULL",
    " ANN OF ",
    "?",
    ":x",
    "*",
    "=",
    "!=",
    "<=",
    ">=",
    "+=",
    "+",
    "-",
    "/",
    "%",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "..",
    ";",
    "'",
    "''",
    "\"",
    "$$",
    "/*",
    "*/",
    "--",
    "//",
    "\n",
    "0x",
    "0xab",
    "1",
    "-1",
    "2147483648",
    "1.5",
    "1e400",
    "-0.0",
    "NaN",
    "Infinity",
    "null",
    "true",
    "1mo2d3h",
    "P1Y2M3DT4H",
    "'2024-01-01'",
    "123e4567-e89b-12d3-a456-426614174000",
    "now()",
    "uuid()",
    "toJson(",
    "fromJson(",
    "writetime(",
    "ttl(",
    "simple",
    "wide",
    "log",
    "counts",
    "things",
    "scalars",
    "two",
    "k",
    "list<",
    "set<",
    "map<",
    "tuple<",
    "frozen<",
    "vector<float, 3>",
    ">",
    "int",
    "text",
    "address",
    "\u{e9}",
    "\u{1f600}",
    "\u{0}",
    "((((((((((((((((",
    "[[[[[[[[[[[[[[[[",
    "{1:{1:{1:{1:",
    "- - - - - - ",
    "frozen<frozen<frozen<frozen<",
];

pub(crate) struct Cql;

impl Target for Cql {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let own = PLANNED.iter().map(|text| (*text).to_owned());
        own.chain(literals(ACCEPTED)).map(String::into_bytes).collect()
    }

    fn words(&self) -> Vec<&'static [u8]> {
        WORDS.iter().map(|word| word.as_bytes()).collect()
    }

    fn run(&self, input: &[u8]) -> Outcome {
        let text = String::from_utf8_lossy(input);
        let mut signature = Signature::default();
        let parsed = match parse_statement(&text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let hint = error.hint.as_deref().unwrap_or_default();
                signature.shape(format_args!("{:?} {} {hint}", error.kind, error.expected));
                return match error.line {
                    0 => Err(Broken(format!("an error in no line: {error:?}"))),
                    _ => Ok(signature),
                };
            }
        };
        let longer = parse_statement(&format!("{text}\n; ;"));
        let longer = longer.map_err(|error| Broken(format!("with semicolons: {error}")))?;
        same("semicolons after it changed it", &longer, &parsed)?;
        signature.shape(format_args!("{:?}", parsed.statement));
        planned(&parsed, &mut signature)?;
        Ok(signature)
    }
}

fn planned(parsed: &Parsed, signature: &mut Signature) -> Result<(), Broken> {
    if changes_schema(&parsed.statement) {
        match ddl::command(&*FIXTURE, Some("ks"), &parsed.statement, Uuid::nil(), 0) {
            Ok((command, _)) => signature.shape(format_args!("{command:?}")),
            Err(error) => signature.shape(format_args!("{error:?}")),
        }
    }
    let planned = plan::plan(&*FIXTURE, Some("ks"), &parsed.statement, &parsed.markers);
    let planned = match planned {
        Ok(planned) => planned,
        Err(error) => {
            signature.shape(format_args!("{error:?}"));
            return Ok(());
        }
    };
    signature.number(1);
    for round in 0..3 {
        let values = values(&planned, round);
        let outcome = bound(&planned.plan, &values, signature)?;
        signature.shape(format_args!("{outcome}"));
    }
    Ok(())
}

fn changes_schema(statement: &Statement) -> bool {
    !matches!(
        statement,
        Statement::Select(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Batch(_)
    )
}

/// Values for the variables: of their length, null and unset, and plain nonsense.
fn values(planned: &Planned, round: usize) -> Vec<BoundValue> {
    let value = |at: usize| match (at + round) % 7 {
        0 => BoundValue::Bytes(value::int(1)),
        1 => BoundValue::Bytes(value::bigint(-1)),
        2 => BoundValue::Bytes(value::text("x")),
        3 => BoundValue::Null,
        4 => BoundValue::Unset,
        5 => BoundValue::Bytes(value::build_list(&[value::int(3), value::int(1)])),
        _ => BoundValue::Bytes(Bytes::new()),
    };
    (0..planned.variables.len()).map(value).collect()
}

fn bound(plan: &Plan, values: &[BoundValue], signature: &mut Signature) -> Result<String, Broken> {
    let write = match plan {
        Plan::Write(write) => write.bind(values, &ENV).map(Some),
        Plan::Batch(batch) => batch.bind(values, &ENV),
        Plan::Select(select) => {
            let bound = select.bind(values, &ENV);
            return Ok(bound.map_or_else(|error| format!("{error:?}"), |_| String::new()));
        }
        _ => return Ok(String::new()),
    };
    match write {
        Ok(Some(write)) => {
            written(&write, signature)?;
            Ok(String::new())
        }
        Ok(None) => Ok(String::new()),
        Err(error) => Ok(format!("{error:?}")),
    }
}

fn written(write: &BoundWrite, signature: &mut Signature) -> Result<(), Broken> {
    for mutation in &write.mutations {
        let read = Mutation::decode(Bytes::from(mutation.encode()))
            .map_err(|error| Broken(format!("a planned mutation cannot be read: {error}")))?;
        same("a planned mutation changed on the way", &read, mutation)?;
        signature.size(mutation.changes.len());
    }
    Ok(())
}

/// The string literals in the source text of a test, without their escapes.
fn literals(source: &str) -> impl Iterator<Item = String> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let (_, tail) = rest.split_once('"')?;
        let mut text = String::new();
        let mut chars = tail.char_indices();
        loop {
            match chars.next()? {
                (at, '"') => {
                    rest = tail.get(at + 1..)?;
                    return Some(text);
                }
                (_, '\\') => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    '\n' => text.push(' '),
                    other => text.push(other),
                },
                (_, other) => text.push(other),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_statements_and_those_made_for_the_schema_plan() {
        let texts: Vec<String> = literals(ACCEPTED).collect();
        let parsed = texts.iter().filter(|text| parse_statement(text).is_ok()).count();
        assert!(parsed > 100, "{parsed} of {}", texts.len());
        let refused = PLANNED.iter().filter_map(|text| {
            let parsed = match parse_statement(text) {
                Ok(parsed) => parsed,
                Err(error) => return Some((text, error.to_string())),
            };
            let error = if changes_schema(&parsed.statement) {
                ddl::command(&*FIXTURE, Some("ks"), &parsed.statement, Uuid::nil(), 0).err()
            } else {
                plan::plan(&*FIXTURE, Some("ks"), &parsed.statement, &parsed.markers).err()
            };
            error.map(|error| (text, error.to_string()))
        });
        // The language moves on without asking here; most seeds must get as far as a plan.
        let refused: Vec<_> = refused.collect();
        assert!(refused.len() * 4 < PLANNED.len(), "{refused:?}");
    }
}
