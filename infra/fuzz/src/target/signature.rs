//! What an input came to, as a number. It stands in for code coverage: the shape of what was read
//! (its `Debug` text without the data) and of errors (their text without numbers and names).

use std::fmt::{self, Write};

use xxhash_rust::xxh3::Xxh3;

/// Parts added in order.
#[derive(Clone, Default)]
pub(crate) struct Signature(Box<Xxh3>);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}

impl Signature {
    /// The number.
    pub(crate) fn value(&self) -> u64 {
        self.0.digest()
    }

    /// Adds a number as it is.
    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    /// Adds the rough size of something: the position of its highest bit.
    pub(crate) fn size(&mut self, size: usize) {
        self.number(u64::from(usize::BITS - size.leading_zeros()));
    }

    /// Adds the shape of a `Debug` or `Display` text: letters outside quotes; never digits.
    pub(crate) fn shape(&mut self, text: fmt::Arguments<'_>) {
        // A hash never fails to be written to.
        let _ = Shape { hash: &mut self.0, quote: None, escaped: false, length: 0 }.write_fmt(text);
    }
}

/// Letters after which a text says nothing new.
const SHAPE_CHARS_MAX: usize = 120;

struct Shape<'a> {
    hash: &'a mut Xxh3,
    quote: Option<u8>,
    escaped: bool,
    length: usize,
}

impl fmt::Write for Shape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match (self.quote, byte) {
                (Some(_), _) if self.escaped => self.escaped = false,
                (Some(_), b'\\') => self.escaped = true,
                (Some(quote), _) if quote == byte => self.quote = None,
                (None, b'"' | b'\'') => self.quote = Some(byte),
                (None, b'a'..=b'z' | b'A'..=b'Z' | b'{' | b'}' | b'[' | b']') => {
                    self.length += 1;
                    if self.length > SHAPE_CHARS_MAX {
                        return Err(fmt::Error);
                    }
                    self.hash.update(&[byte]);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> u64 {
        let mut signature = Signature::default();
        signature.shape(format_args!("{text}"));
        signature.value()
    }

    #[test]
    fn data_does_not_change_a_shape_and_structure_does() {
        assert_eq!(
            of(r#"Row { at: 5, value: b"a\"b" }"#),
            of(r#"Row { at: 99, value: b"\xff'" }"#)
        );
        assert_ne!(of("Row { at: 5 }"), of("Row { at: None }"));
    }
}
