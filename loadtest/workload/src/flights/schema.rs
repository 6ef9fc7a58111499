//! Keyspace, table and statements of the flights.
//!
//! The key is (origin, UTC day), hour of departure, carrier and number; it repeats nowhere in the
//! file, so no row is lost to another.

use crate::value::Kind;

/// Creates the keyspace; three replicas in one data centre.
pub const CREATE_KEYSPACE: &str = "CREATE KEYSPACE IF NOT EXISTS flights WITH replication = \
     {'class': 'NetworkTopologyStrategy', 'dc1': 3}";

/// Creates the table without a tier policy.
pub const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS flights.flights (\
     origin text, day date, time_hour timestamp, carrier text, flight int, dest text, \
     tailnum text, local_day date, dep_time int, sched_dep_time int, dep_delay int, \
     arr_time int, sched_arr_time int, arr_delay int, air_time int, distance int, \
     PRIMARY KEY ((origin, day), time_hour, carrier, flight))";

/// What follows [`CREATE_TABLE`] when old days are to move to the cold tier.
pub const TIERED: &str = " WITH CUSTOM_PROPERTIES = {'tiering': {'mode': 'age', \
     'column': 'day', 'hot': '90d', 'seal': '1d'}}";

/// The columns, in the order of [`super::Flight::values`].
pub const COLUMNS: [(&str, Kind); 16] = [
    ("origin", Kind::Text),
    ("day", Kind::Date),
    ("time_hour", Kind::Timestamp),
    ("carrier", Kind::Text),
    ("flight", Kind::Int),
    ("dest", Kind::Text),
    ("tailnum", Kind::Text),
    ("local_day", Kind::Date),
    ("dep_time", Kind::Int),
    ("sched_dep_time", Kind::Int),
    ("dep_delay", Kind::Int),
    ("arr_time", Kind::Int),
    ("sched_arr_time", Kind::Int),
    ("arr_delay", Kind::Int),
    ("air_time", Kind::Int),
    ("distance", Kind::Int),
];

/// Inserts one flight; binds [`super::Flight::values`].
pub const INSERT: &str = "INSERT INTO flights.flights (origin, day, time_hour, carrier, flight, \
     dest, tailnum, local_day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, \
     arr_delay, air_time, distance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Reads one day of one airport, the columns in the order of [`COLUMNS`]; binds origin and day.
pub const SELECT_DAY: &str = "SELECT origin, day, time_hour, carrier, flight, dest, tailnum, \
     local_day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, \
     air_time, distance FROM flights.flights WHERE origin = ? AND day = ?";

/// Reads everything, the columns in the order of [`COLUMNS`].
pub const SELECT_ALL: &str = "SELECT origin, day, time_hour, carrier, flight, dest, tailnum, \
     local_day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, \
     air_time, distance FROM flights.flights";
