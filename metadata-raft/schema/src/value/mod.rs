//! Values in the bytes of the CQL native protocol: checking, comparing, taking apart, building,
//! and their text and JSON forms. Nothing here panics on bytes or text from outside.
//!
//! Empty bytes are a value everywhere (text and blob mean it; the others have it from Cassandra's
//! past). Null is the absence of bytes and never reaches these functions.

mod calendar;
mod collection;
mod compare;
mod duration_text;
mod error;
mod from_json;
mod from_text;
mod number;
mod scalar;
mod to_json;
mod to_text;
mod validate;

pub use calendar::{epoch_day, year_month_day};
pub use collection::{
    build_list, build_map, build_tuple, build_vector, fixed_bytes, list_elements, map_entries,
    tuple_fields, vector_elements,
};
pub(crate) use collection::{split_list, split_map, split_tuple, split_vector};
pub use compare::compare;
pub use error::ValueError;
pub use from_json::from_json;
pub use from_text::from_text;
pub use number::NUMBER_BYTES_MAX;
pub use scalar::{
    as_bool, as_decimal, as_duration, as_f32, as_f64, as_i8, as_i16, as_i32, as_i64, as_inet,
    as_str, as_u32, as_uuid, as_varint, bigint, boolean, date, decimal, double, duration, float,
    inet, int, smallint, text, time, timestamp, tinyint, uuid, varint,
};
pub use to_json::to_json;
pub use to_text::to_text;
pub use validate::validate;
