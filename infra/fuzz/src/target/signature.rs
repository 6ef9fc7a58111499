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
        let mut shape =
            Shape { hash: &mut self.0, quote: None, escaped: false, word: Vec::new(), length: 0 };
        let _ = shape.write_fmt(text);
        let _ = shape.end_word();
    }
}

/// Letters after which a text says nothing new.
const SHAPE_CHARS_MAX: usize = 120;

struct Shape<'a> {
    hash: &'a mut Xxh3,
    quote: Option<u8>,
    escaped: bool,
    /// Letters, digits and hyphens that stand together; data if there is a digit in them.
    word: Vec<u8>,
    length: usize,
}

impl Shape<'_> {
    fn end_word(&mut self) -> fmt::Result {
        if !self.word.iter().any(u8::is_ascii_digit) {
            self.hash.update(&self.word);
            self.length += self.word.len();
        }
        self.word.clear();
        if self.length > SHAPE_CHARS_MAX { Err(fmt::Error) } else { Ok(()) }
    }
}

impl fmt::Write for Shape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match (self.quote, byte) {
                (Some(_), _) if self.escaped => self.escaped = false,
                (Some(_), b'\\') => self.escaped = true,
                (Some(quote), _) if quote == byte => self.quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => self.quote = Some(byte),
                (None, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b':') => {
                    self.word.push(byte);
                }
                (None, b'{' | b'}' | b'[' | b']') => {
                    self.end_word()?;
                    self.hash.update(&[byte]);
                    self.length += 1;
                }
                (None, _) => self.end_word()?,
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
        assert_eq!(of("Some(06245c00-0001-0b00-ff00-02eeef88358f)"), of("Some(::1)"));
        assert_ne!(of("Row { at: 5 }"), of("Row { at: None }"));
    }
}
