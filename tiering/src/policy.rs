//! Which rows are cold. Pure.

use bytes::Bytes;
use cellar_schema::value::{as_i64, as_u32, as_uuid};
use cellar_schema::{AgeOf, ColumnData, ColumnId, CqlType, DecodedKey, Row, RowKind, Table};

/// Dates count from 2^31.
const EPOCH_DAYS: i64 = 1 << 31;

/// Whether a hot row belongs to the cold tier: the table has a policy, the row is one a reader sees
/// (deletions stay hot until they are forgotten), and it is old enough. A row without the value
/// its age is counted from stays hot.
#[must_use]
pub fn is_cold(table: &Table, key: &DecodedKey, row: &Row, now_seconds: i64) -> bool {
    let Some(policy) = &table.options.tiering else { return false };
    if key.kind != RowKind::Row || !row.exists(now_seconds) {
        return false;
    }
    let born_ms = match policy.age_of {
        AgeOf::WriteTime => row.newest_us().map(|at| at.div_euclid(1000)),
        AgeOf::Column(id) => time_of_column(table, key, row, id, now_seconds),
    };
    let hot_ms = i128::from(policy.hot_seconds) * 1000;
    born_ms.is_some_and(|born| i128::from(now_seconds) * 1000 - i128::from(born) > hot_ms)
}

/// The time a column of a row holds, in milliseconds.
fn time_of_column(
    table: &Table,
    key: &DecodedKey,
    row: &Row,
    id: ColumnId,
    now_seconds: i64,
) -> Option<i64> {
    let column = table.column_by_id(id)?;
    let partition = table.partition_key().zip(&key.partition_values);
    let clustering = table.clustering().map(|(column, _)| column).zip(&key.clustering);
    let in_key = partition.chain(clustering).find(|(column, _)| column.id == id);
    let value = match in_key {
        Some((_, value)) => value,
        None => match row.column(id)? {
            ColumnData::Simple(simple) if simple.is_live(now_seconds) => simple.value.as_ref()?,
            _ => return None,
        },
    };
    time_ms(&column.cql_type, value)
}

/// The time a value stands for, in milliseconds since the epoch.
fn time_ms(cql_type: &CqlType, value: &Bytes) -> Option<i64> {
    match cql_type {
        CqlType::Timestamp => as_i64(value),
        // The day's last moment: a day is old when all of it is.
        CqlType::Date => (i64::from(as_u32(value)?) - EPOCH_DAYS + 1)
            .checked_mul(86_400_000)
            .and_then(|end| end.checked_sub(1)),
        CqlType::Timeuuid => {
            let (seconds, nanos) = as_uuid(value)?.get_timestamp()?.to_unix();
            i64::try_from(seconds)
                .ok()?
                .checked_mul(1000)?
                .checked_add(i64::from(nanos) / 1_000_000)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use cellar_schema::{
        Column, ColumnKind, Liveness, Order, TableId, TableOptions, TieringPolicy, Versioned, value,
    };
    use uuid::Uuid;

    use super::*;

    const DAY: i64 = 86_400;
    const KEY: ColumnId = ColumnId(1);
    const REGULAR: ColumnId = ColumnId(2);

    fn table(cql_type: CqlType, age_of: Option<AgeOf>) -> Table {
        let column = |id, cql_type, kind| Column {
            id: ColumnId(id),
            name: format!("c{id}"),
            cql_type,
            kind,
        };
        Table {
            id: TableId(99),
            uuid: Uuid::nil(),
            keyspace: "k".to_owned(),
            name: "t".to_owned(),
            version: 1,
            columns: vec![
                column(0, CqlType::Int, ColumnKind::PartitionKey(0)),
                column(1, cql_type.clone(), ColumnKind::Clustering(0, Order::Asc)),
                column(2, cql_type, ColumnKind::Regular),
            ],
            next_column: ColumnId(3),
            dropped: Vec::new(),
            options: TableOptions {
                tiering: age_of.map(|age_of| TieringPolicy { age_of, hot_seconds: 10 * 86_400 }),
                ..TableOptions::default()
            },
        }
    }

    fn key(clustering: Bytes) -> DecodedKey {
        DecodedKey {
            token: 0,
            routing: value::int(1),
            partition_values: vec![value::int(1)],
            kind: RowKind::Row,
            clustering: vec![clustering],
        }
    }

    fn row(timestamp_us: i64, of: Option<Bytes>) -> Row {
        let live = Liveness { timestamp_us, expiry: None };
        let simple = |value| ColumnData::Simple(Versioned { live, value: Some(value) });
        let columns = of.into_iter().map(|value| (REGULAR, simple(value))).collect();
        Row { marker: Some(live), deletion: None, columns }
    }

    #[test]
    fn a_timestamp_is_cold_once_it_is_older_than_the_policy_says() {
        let table = table(CqlType::Timestamp, Some(AgeOf::Column(KEY)));
        let at = |ms| key(value::timestamp(ms));
        let now = 20 * DAY;
        assert!(is_cold(&table, &at(10 * DAY * 1000 - 1), &row(0, None), now));
        assert!(!is_cold(&table, &at(10 * DAY * 1000), &row(0, None), now));
    }

    #[test]
    fn a_day_is_cold_when_all_of_it_is() {
        let table = table(CqlType::Date, Some(AgeOf::Column(KEY)));
        let day = |number: u32| key(value::date((1 << 31) + number));
        for (now, coldest) in [(20 * DAY, 9), (20 * DAY + 1, 9), (21 * DAY - 1, 9), (21 * DAY, 10)]
        {
            assert!(is_cold(&table, &day(coldest), &row(0, None), now), "{now}");
            assert!(!is_cold(&table, &day(coldest + 1), &row(0, None), now), "{now}");
        }
    }

    #[test]
    fn a_timeuuid_and_a_regular_column_tell_an_age_too() {
        let by_uuid = table(CqlType::Timeuuid, Some(AgeOf::Column(KEY)));
        let uuid = |at: u64| {
            let time = uuid::Timestamp::from_unix(uuid::NoContext, at, 0);
            key(value::uuid(Uuid::new_v1(time, &[1; 6])))
        };
        let now = 20 * DAY;
        let ten_days = u64::try_from(10 * DAY).unwrap();
        assert!(is_cold(&by_uuid, &uuid(ten_days - 1), &row(0, None), now));
        assert!(!is_cold(&by_uuid, &uuid(ten_days), &row(0, None), now));
        let by_value = table(CqlType::Timestamp, Some(AgeOf::Column(REGULAR)));
        let any = key(value::timestamp(0));
        assert!(is_cold(&by_value, &any, &row(0, Some(value::timestamp(0))), now));
        assert!(!is_cold(&by_value, &any, &row(0, Some(value::timestamp(now * 1000))), now));
        assert!(!is_cold(&by_value, &any, &row(0, None), now), "no value, no age");
    }

    #[test]
    fn by_write_time_the_newest_write_counts() {
        let table = table(CqlType::Timestamp, Some(AgeOf::WriteTime));
        let any = key(value::timestamp(0));
        let now = 20 * DAY;
        let mut both = row(9 * DAY * 1_000_000, None);
        assert!(is_cold(&table, &any, &both, now));
        both.columns = row(11 * DAY * 1_000_000, Some(value::timestamp(0))).columns;
        assert!(!is_cold(&table, &any, &both, now));
    }

    #[test]
    fn without_a_policy_or_without_a_visible_row_nothing_is_cold() {
        let any = key(value::timestamp(0));
        let now = 20 * DAY;
        assert!(!is_cold(&table(CqlType::Timestamp, None), &any, &row(0, None), now));
        let table = table(CqlType::Timestamp, Some(AgeOf::Column(KEY)));
        let deleted = Row { deletion: Some(5), ..Row::default() };
        assert!(!is_cold(&table, &any, &deleted, now));
        let fixed = DecodedKey { kind: RowKind::Static, ..any };
        assert!(!is_cold(&table, &fixed, &row(0, None), now));
    }
}
