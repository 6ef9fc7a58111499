//! The real flights against goldens that another program computed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

use std::collections::BTreeSet;
use std::path::Path;

use cellar_workload::flights::{self, Flight, FlightsError, Totals, goldens, schema};
use cellar_workload::value::Value;

fn month() -> Vec<Flight> {
    flights::month().collect::<Result<_, _>>().expect("the month is readable")
}

fn totals<'a>(some: impl IntoIterator<Item = &'a Flight>) -> Totals {
    let mut totals = Totals::default();
    some.into_iter().for_each(|flight| totals.add(flight));
    totals
}

#[test]
fn january_adds_up_to_its_goldens() {
    let month = month();
    assert_eq!(month[0].canonical(), goldens::FIRST);
    assert_eq!(totals(&month), goldens::JANUARY);
    let cold = month.iter().filter(|flight| flight.day() < goldens::JANUARY_CUTOFF_DAY);
    assert_eq!(totals(cold), goldens::JANUARY_COLD);
    for (origin, golden) in goldens::JANUARY_ORIGINS {
        assert_eq!(totals(month.iter().filter(|flight| flight.origin == origin)), golden);
    }
    let cancelled = month.iter().filter(|flight| flight.dep_time.is_none()).count();
    assert_eq!(cancelled as u64, goldens::CANCELLED.1);
    let without_tail = month.iter().filter(|flight| flight.tailnum.is_none()).count();
    assert_eq!(without_tail as u64, goldens::WITHOUT_TAIL.1);
}

#[test]
fn the_order_of_rows_does_not_matter_and_one_more_or_less_does() {
    let month = month();
    assert_eq!(totals(month.iter().rev()), goldens::JANUARY);
    let (front, back) = month.split_at(10_000);
    let mut parts = totals(back);
    parts.merge(totals(front));
    assert_eq!(parts, goldens::JANUARY);
    assert_ne!(totals(&month[1..]).sum64, goldens::JANUARY.sum64);
    assert_ne!(totals(month.iter().chain(&month[..1])).sum64, goldens::JANUARY.sum64);
}

#[test]
fn no_row_shares_its_key_with_another() {
    let month = month();
    let keys: BTreeSet<_> = month
        .iter()
        .map(|flight| {
            (&flight.origin, flight.day(), flight.time_hour, &flight.carrier, flight.flight)
        })
        .collect();
    assert_eq!(keys.len(), month.len());
    let partitions: BTreeSet<_> =
        month.iter().map(|flight| (&flight.origin, flight.day())).collect();
    assert_eq!(partitions.len(), goldens::PARTITIONS.1);
}

#[test]
fn a_flight_survives_its_values_and_their_bytes() {
    for flight in month() {
        let read: Vec<Value> = flight
            .values()
            .iter()
            .zip(schema::COLUMNS)
            .map(|(value, (_, kind))| Value::from_wire(kind, value.wire().as_deref()).unwrap())
            .collect();
        assert_eq!(Flight::from_values(read), Some(flight));
    }
}

#[test]
fn values_that_are_no_flight_are_refused() {
    let values = month()[0].values();
    assert_eq!(Flight::from_values(values[1..].to_vec()), None);
    let mut other_day = values.clone();
    other_day[1] = Value::Date(0);
    assert_eq!(Flight::from_values(other_day), None);
    let mut more = values;
    more.push(Value::Null);
    assert_eq!(Flight::from_values(more), None);
}

#[test]
fn statements_name_the_columns_in_the_order_of_the_values() {
    let names: Vec<_> = schema::COLUMNS.iter().map(|(name, _)| *name).collect();
    let listed = names.join(", ");
    assert!(schema::INSERT.contains(&format!("({listed})")));
    assert_eq!(schema::INSERT.matches('?').count(), names.len());
    assert!(schema::SELECT_ALL.starts_with(&format!("SELECT {listed} FROM")));
    assert!(schema::SELECT_DAY.starts_with(schema::SELECT_ALL));
    assert_eq!(month()[0].values().len(), names.len());
}

#[test]
fn another_file_is_refused_by_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flights.csv");
    std::fs::write(&path, "year,month\n2013,1\n").unwrap();
    let error = flights::open(&path).unwrap_err();
    assert!(matches!(error, FlightsError::OtherFile { .. }), "{error}");
    let error = flights::open(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, FlightsError::File { .. }), "{error}");
}

/// Needs the file, so it says when it proves nothing: set `CELLAR_FLIGHTS` to `flights.csv.zip`.
#[test]
fn the_whole_year_adds_up_to_its_goldens() {
    let Ok(path) = std::env::var("CELLAR_FLIGHTS") else {
        eprintln!("skipped: CELLAR_FLIGHTS does not name flights.csv.zip");
        return;
    };
    let year: Vec<_> =
        flights::open(Path::new(&path)).unwrap().collect::<Result<_, _>>().expect("readable");
    assert_eq!(totals(&year), goldens::YEAR);
    let cold = year.iter().filter(|flight| flight.day() < goldens::YEAR_CUTOFF_DAY);
    assert_eq!(totals(cold), goldens::YEAR_COLD);
    let january = year.iter().take(month().len());
    assert!(january.eq(&month()));
    let cancelled = year.iter().filter(|flight| flight.dep_time.is_none()).count();
    assert_eq!(cancelled as u64, goldens::CANCELLED.0);
    let without_tail = year.iter().filter(|flight| flight.tailnum.is_none()).count();
    assert_eq!(without_tail as u64, goldens::WITHOUT_TAIL.0);
    let keys: BTreeSet<_> = year
        .iter()
        .map(|flight| {
            (&flight.origin, flight.day(), flight.time_hour, &flight.carrier, flight.flight)
        })
        .collect();
    assert_eq!(keys.len(), year.len());
    let partitions: BTreeSet<_> =
        year.iter().map(|flight| (&flight.origin, flight.day())).collect();
    assert_eq!(partitions.len(), goldens::PARTITIONS.0);
}
