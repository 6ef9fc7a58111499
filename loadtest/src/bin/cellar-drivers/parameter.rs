//! Parameters of the script, `[type, value]`, as values of the Rust driver.

use anyhow::{Context, Result, bail};
use cellar_workload::date;
use scylla::value::{
    Counter, CqlDate, CqlDecimal, CqlDuration, CqlTime, CqlTimestamp, CqlTimeuuid, CqlValue,
    CqlVarint, MaybeUnset,
};
use serde_json::Value;

use cellar_loadtest::canonical::number;

/// What stands for one marker.
pub(crate) type Bound = MaybeUnset<Option<CqlValue>>;

/// The parameters of a step, in its turn `turn`.
pub(crate) fn parameters(parameters: &[Value], turn: u64) -> Result<Vec<Bound>> {
    parameters
        .iter()
        .map(|pair| {
            let (kind, value) = pair
                .as_array()
                .and_then(|pair| pair.first().zip(pair.get(1)))
                .with_context(|| format!("not a type and a value: {pair}"))?;
            if value.get("unset").is_some() {
                return Ok(MaybeUnset::Unset);
            }
            let bound = option(kind, &in_turn(value, turn));
            bound.map(MaybeUnset::Set).with_context(|| format!("cannot bind {pair}"))
        })
        .collect()
}

fn in_turn(value: &Value, turn: u64) -> Value {
    match value.as_str() {
        Some(text) if text.contains("$i") => {
            let text = text.replace("$i%10", &(turn % 10).to_string());
            Value::from(text.replace("$i", &turn.to_string()))
        }
        _ => value.clone(),
    }
}

fn option(kind: &Value, value: &Value) -> Result<Option<CqlValue>> {
    if value.is_null() {
        return Ok(None);
    }
    match kind {
        Value::String(kind) => scalar(kind, value).map(Some),
        Value::Array(kind) => composite(kind, value).map(Some),
        _ => bail!("{kind} names no type"),
    }
}

fn required(kind: &Value, value: &Value) -> Result<CqlValue> {
    option(kind, value)?.context("null inside a collection")
}

fn scalar(kind: &str, value: &Value) -> Result<CqlValue> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(match kind {
        "ascii" => CqlValue::Ascii(text),
        "text" => CqlValue::Text(text),
        "boolean" => CqlValue::Boolean(text.parse()?),
        "tinyint" => CqlValue::TinyInt(text.parse()?),
        "smallint" => CqlValue::SmallInt(text.parse()?),
        "int" => CqlValue::Int(text.parse()?),
        "bigint" => CqlValue::BigInt(text.parse()?),
        "counter" => CqlValue::Counter(Counter(text.parse()?)),
        "timestamp" => CqlValue::Timestamp(CqlTimestamp(text.parse()?)),
        "float" => CqlValue::Float(text.parse()?),
        "double" => CqlValue::Double(text.parse()?),
        "varint" => CqlValue::Varint(CqlVarint::from_signed_bytes_be(integer(&text)?)),
        "uuid" => CqlValue::Uuid(text.parse()?),
        "timeuuid" => CqlValue::Timeuuid(text.parse::<CqlTimeuuid>()?),
        "inet" => CqlValue::Inet(text.parse()?),
        "blob" => CqlValue::Blob(blob(&text)?),
        "date" => {
            let day = date::parse_day(&text).context("no date")?;
            CqlValue::Date(CqlDate(u32::try_from(day + (1 << 31))?))
        }
        "time" => CqlValue::Time(CqlTime(time_of_day(&text)?)),
        "decimal" => {
            let scale = part(value, 1)?.parse()?;
            let unscaled = integer(&part(value, 0)?)?;
            CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(unscaled, scale))
        }
        "duration" => CqlValue::Duration(CqlDuration {
            months: part(value, 0)?.parse()?,
            days: part(value, 1)?.parse()?,
            nanoseconds: part(value, 2)?.parse()?,
        }),
        _ => bail!("unknown type {kind}"),
    })
}

fn composite(kind: &[Value], value: &Value) -> Result<CqlValue> {
    let inner = |place: usize| kind.get(place).context("the type has too few parts");
    let items = || value.as_array().context("not a list of values");
    Ok(match kind.first().and_then(Value::as_str) {
        Some(name @ ("list" | "set")) => {
            let inner = inner(1)?;
            let items = items()?.iter().map(|item| required(inner, item));
            let items = items.collect::<Result<Vec<_>>>()?;
            if name == "list" { CqlValue::List(items) } else { CqlValue::Set(items) }
        }
        Some("map") => {
            let (key, item) = (inner(1)?, inner(2)?);
            let pairs = items()?.iter().map(|pair| {
                let pair = pair.as_array().and_then(|p| p.first().zip(p.get(1)));
                let (left, right) = pair.context("not a pair")?;
                Ok((required(key, left)?, required(item, right)?))
            });
            CqlValue::Map(pairs.collect::<Result<_>>()?)
        }
        Some("tuple") => {
            let kinds = kind.iter().skip(1);
            let items = kinds.zip(items()?).map(|(kind, item)| option(kind, item));
            CqlValue::Tuple(items.collect::<Result<_>>()?)
        }
        Some("udt") => {
            let fields = kind.iter().skip(3).map(|field| {
                let field = field.as_array().and_then(|f| f.first().zip(f.get(1)));
                let (name, kind) = field.context("not a field")?;
                let name = name.as_str().context("a field's name is no text")?;
                let value = value.get(name).unwrap_or(&Value::Null);
                Ok((name.to_owned(), option(kind, value)?))
            });
            let fields = fields.collect::<Result<_>>()?;
            let text = |place| inner(place).map(|t| t.as_str().unwrap_or_default().to_owned());
            CqlValue::UserDefinedType { keyspace: text(1)?, name: text(2)?, fields }
        }
        _ => bail!("unknown type {kind:?}"),
    })
}

fn part(value: &Value, place: usize) -> Result<String> {
    let part = value.get(place).context("a part is missing")?;
    Ok(part.as_str().map_or_else(|| part.to_string(), str::to_owned))
}

fn integer(text: &str) -> Result<Vec<u8>> {
    number::bytes(text).with_context(|| format!("{text} is no integer"))
}

fn blob(text: &str) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").context("a blob begins with 0x")?;
    let mut pairs = digits.as_bytes().chunks(2);
    pairs.try_fold(Vec::new(), |mut bytes, pair| {
        bytes.push(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
        Ok(bytes)
    })
}

fn time_of_day(text: &str) -> Result<i64> {
    let (whole, fraction) = text.split_once('.').context("a time has nine decimals")?;
    let seconds = whole
        .split(':')
        .try_fold(0_i64, |seconds, part| anyhow::Ok(seconds * 60 + part.parse::<i64>()?))?;
    Ok(seconds * 1_000_000_000 + fraction.parse::<i64>()?)
}
