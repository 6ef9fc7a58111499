//! What a request cost, as the server says in the header `Cellar-Consumed`.

use std::fmt;
use std::ops::AddAssign;

use crate::value::Value;

/// Units that a request consumed. Answers of several pages carry the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Consumed {
    /// Read request units.
    pub read_units: f64,
    /// Write request units.
    pub write_units: f64,
    /// Rows that were looked at, where the server counts them.
    pub scanned_rows: u64,
    /// Bytes read from object storage, where the server counts them.
    pub cold_bytes: u64,
}

impl Consumed {
    /// Reads the header, a dictionary of RFC 9651: `ru=1.5, wu=2, scanned-rows=48, cold-bytes=0`.
    /// Members that are not known here are left out.
    pub(crate) fn from_header(header: &str) -> Self {
        let mut consumed = Self::default();
        for member in header.split(',') {
            let Some((name, value)) = member.split_once('=') else {
                continue;
            };
            // Parameters of a member follow a semicolon.
            let value = value.split(';').next().unwrap_or_default().trim();
            consumed.set(name.trim(), value);
        }
        consumed
    }

    /// Reads the member `consumed` of a body.
    pub(crate) fn from_value(value: &Value) -> Self {
        let mut consumed = Self::default();
        if let Value::Map(entries) = value {
            for (name, value) in entries {
                let text = crate::value::scalar_text(value).unwrap_or_default();
                consumed.set(name.as_text().unwrap_or_default(), &text);
            }
        }
        consumed
    }

    fn set(&mut self, name: &str, value: &str) {
        match name {
            "ru" => self.read_units = units(value),
            "wu" => self.write_units = units(value),
            "scanned-rows" | "scanned_rows" => self.scanned_rows = value.parse().unwrap_or(0),
            "cold-bytes" | "cold_bytes" => self.cold_bytes = value.parse().unwrap_or(0),
            _ => {}
        }
    }
}

fn units(text: &str) -> f64 {
    text.parse().ok().filter(|units: &f64| units.is_finite()).unwrap_or(0.0)
}

impl AddAssign for Consumed {
    fn add_assign(&mut self, other: Self) {
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self.scanned_rows = self.scanned_rows.saturating_add(other.scanned_rows);
        self.cold_bytes = self.cold_bytes.saturating_add(other.cold_bytes);
    }
}

/// `1.5 RU, 2 WU`.
impl fmt::Display for Consumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} RU, {} WU", self.read_units, self.write_units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_reads_in_any_order_and_with_strangers() {
        let read = Consumed::from_header("wu=2, ru=1.5;exact, new=7, scanned-rows=48,cold-bytes=9");
        let expected =
            Consumed { read_units: 1.5, write_units: 2.0, scanned_rows: 48, cold_bytes: 9 };
        assert_eq!(read, expected);
        assert_eq!(Consumed::from_header(""), Consumed::default());
        assert_eq!(Consumed::from_header("ru=NaN, wu=-inf"), Consumed::default());
    }
}
