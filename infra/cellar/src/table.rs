//! Tables on a terminal: aligned columns, numbers to the right.

use std::fmt;

/// A table being filled.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, fields: impl IntoIterator<Item = String>) {
        self.rows.push(fields.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let fields = self.rows.iter().filter_map(|row| row.get(column));
            fields.map(|field| field.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (field, width) in row.iter().zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let number =
                    field.starts_with(|c: char| c.is_ascii_digit()) && !field.contains([':', ',']);
                line.push_str(&match number {
                    true => format!("{field:>width$}"),
                    false => format!("{field:<width$}"),
                });
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_to_the_right() {
        let mut table = Table::new(&["NAME", "BYTES"]);
        table.row(["a".to_owned(), "12".to_owned()]);
        table.row(["longer".to_owned(), "1234567".to_owned()]);
        let shown = "NAME    BYTES\na            12\nlonger  1234567\n";
        assert_eq!(table.to_string(), shown);
    }
}
