//! What terms are called inside the names of result columns: their text, as Cassandra writes it.

use cellar_schema::value;

use crate::ast::{Arithmetic, ArithmeticOperator, CqlType, Ident, Literal, Selector, Term};

/// The text of a term.
pub(in crate::plan) fn term(term: &Term) -> String {
    match term {
        Term::Null => "NULL".to_owned(),
        Term::Literal(written) => literal(written),
        Term::Marker(_) => "?".to_owned(),
        Term::List(terms) => format!("[{}]", listed(terms)),
        Term::Set(terms) => format!("{{{}}}", listed(terms)),
        Term::Tuple(terms) => format!("({})", listed(terms)),
        Term::Map(entries) => {
            let each = entries.iter().map(|(k, v)| format!("{}: {}", self::term(k), self::term(v)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
        Term::UserType(fields) => {
            let each = fields.iter().map(|(name, value)| format!("{name}: {}", self::term(value)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
        Term::Function(name, terms) => format!("{name}({})", listed(terms)),
        Term::TypeHint(cql_type, inner) => format!("({cql_type}){}", self::term(inner)),
        Term::Cast(inner, cql_type) => format!("cast({} as {cql_type})", self::term(inner)),
        Term::Negate(inner) => format!("-{}", self::term(inner)),
        Term::Arithmetic(chain) => arithmetic(chain),
    }
}

fn arithmetic(chain: &Arithmetic<Term>) -> String {
    let first = term(&chain.first);
    chain.rest.iter().fold(first, |text, (operator, right)| {
        format!("{text} {} {}", symbol(*operator), term(right))
    })
}

/// The text of a selector, as far as errors name it.
pub(super) fn selector(selector: &Selector) -> String {
    let listed =
        |parts: &[Selector]| parts.iter().map(self::selector).collect::<Vec<_>>().join(", ");
    match selector {
        Selector::Column(name) => name.to_string(),
        Selector::Term(written) => term(written),
        Selector::Function(name, parts) => format!("{name}({})", listed(parts)),
        Selector::TypeHint(cql_type, inner) => format!("({cql_type}){}", self::selector(inner)),
        Selector::Cast(inner, cql_type) => {
            format!("cast({} as {cql_type})", self::selector(inner))
        }
        Selector::Negate(inner) => format!("-{}", self::selector(inner)),
        Selector::Tuple(parts) => format!("({})", listed(parts)),
        Selector::List(parts) => format!("[{}]", listed(parts)),
        Selector::Set(parts) => format!("{{{}}}", listed(parts)),
        Selector::Field(inner, field) => format!("{}.{field}", self::selector(inner)),
        Selector::Element(inner, key) => format!("{}[{}]", self::selector(inner), term(key)),
        Selector::Arithmetic(chain) => {
            let first = self::selector(&chain.first);
            chain.rest.iter().fold(first, |text, (operator, right)| {
                format!("{text} {} {}", symbol(*operator), self::selector(right))
            })
        }
        _ => "a selector".to_owned(),
    }
}

/// The operator as written.
pub(super) fn symbol(operator: ArithmeticOperator) -> char {
    match operator {
        ArithmeticOperator::Add => '+',
        ArithmeticOperator::Subtract => '-',
        ArithmeticOperator::Multiply => '*',
        ArithmeticOperator::Divide => '/',
        ArithmeticOperator::Modulo => '%',
    }
}

/// A type as written, with the keyspace of user-defined types.
pub(super) fn hint(keyspace: &str, written: &CqlType) -> CqlType {
    let of = |inner: &CqlType| Box::new(hint(keyspace, inner));
    match written {
        CqlType::List(element) => CqlType::List(of(element)),
        CqlType::Set(element) => CqlType::Set(of(element)),
        CqlType::Map(key, value) => CqlType::Map(of(key), of(value)),
        CqlType::Tuple(types) => {
            CqlType::Tuple(types.iter().map(|inner| hint(keyspace, inner)).collect())
        }
        CqlType::Vector(element, dimensions) => CqlType::Vector(of(element), *dimensions),
        CqlType::Frozen(inner) => CqlType::Frozen(of(inner)),
        CqlType::User(name) if name.keyspace.is_none() => {
            let mut name = name.clone();
            name.keyspace = Some(Ident::exact(keyspace));
            CqlType::User(name)
        }
        other => other.clone(),
    }
}

fn listed(terms: &[Term]) -> String {
    terms.iter().map(term).collect::<Vec<_>>().join(", ")
}

fn literal(written: &Literal) -> String {
    match written {
        Literal::Text(text) => format!("'{text}'"),
        Literal::BigInteger(text) | Literal::Float(text) => text.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Boolean(flag) => flag.to_string(),
        Literal::Uuid(uuid) => uuid.to_string(),
        Literal::Blob(bytes) => {
            let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
            std::iter::once("0x".to_owned()).chain(hex).collect()
        }
        Literal::Duration(d) => {
            let bytes = value::duration(d.months, d.days, d.nanoseconds);
            value::to_text(&cellar_schema::CqlType::Duration, &bytes)
        }
    }
}
