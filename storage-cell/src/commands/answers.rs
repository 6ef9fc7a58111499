//! The answers to an entry of writes, one for each, as the log hands them back to the proposer.

use bytes::{Buf, Bytes};
use cellar_cell_api::{CellError, Outcome};

use super::{CommandError, put, take};

/// Applied, without conditions: by far the most frequent.
const PLAIN: u8 = 0;
/// Anything, as CBOR.
const WHOLE: u8 = 1;

/// What became of one write.
pub(crate) type Decided = Result<Outcome, CellError>;

/// Appends one answer.
///
/// # Errors
/// It has no encoding.
pub(crate) fn encode_one(out: &mut Vec<u8>, decided: &Decided) -> Result<(), CommandError> {
    match decided {
        Ok(Outcome::Applied { written_bytes, previous }) if previous.is_empty() => {
            out.push(PLAIN);
            out.extend_from_slice(&written_bytes.to_le_bytes());
            Ok(())
        }
        whole => {
            out.push(WHOLE);
            let whole = cbor4ii::serde::to_vec(Vec::new(), whole).map_err(CommandError::new)?;
            put(out, &whole)
        }
    }
}

/// Takes one answer.
///
/// # Errors
/// The bytes are none.
pub(crate) fn decode_one(bytes: &mut Bytes) -> Result<Decided, CommandError> {
    match bytes.try_get_u8()? {
        PLAIN => Ok(Ok(Outcome::Applied {
            written_bytes: bytes.try_get_u64_le()?,
            previous: Vec::new(),
        })),
        WHOLE => cbor4ii::serde::from_slice(&take(bytes)?).map_err(CommandError::new),
        tag => Err(CommandError::new(format!("answer tag {tag} is unknown"))),
    }
}

/// The answers of one entry, taken one by one.
pub(crate) struct Answers(pub(crate) Bytes);

impl Iterator for Answers {
    type Item = Result<Decided, CommandError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() { None } else { Some(decode_one(&mut self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use cellar_schema::Row;

    use super::*;

    #[test]
    fn answers_read_back_in_order() {
        let all: Vec<Decided> = vec![
            Ok(Outcome::Applied { written_bytes: 9, previous: Vec::new() }),
            Ok(Outcome::Applied { written_bytes: 9, previous: vec![None, Some(Row::default())] }),
            Ok(Outcome::NotApplied { current: vec![None], read_bytes: 3 }),
            Err(CellError::Invalid { message: "no".to_owned() }),
        ];
        let mut bytes = Vec::new();
        for one in &all {
            encode_one(&mut bytes, one).unwrap();
        }
        let read: Vec<Decided> = Answers(Bytes::from(bytes)).map(Result::unwrap).collect();
        assert_eq!(read, all);
    }
}
