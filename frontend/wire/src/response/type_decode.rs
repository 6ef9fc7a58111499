//! Type descriptions from the wire. Nesting is bounded, so hostile bytes cannot exhaust the stack.

use super::type_spec::{CUSTOM, LIST, MAP, MARSHAL, SET, SIMPLE, TUPLE, TypeSpec, UDT};
use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::limits::TYPE_NESTING_MAX;

impl TypeSpec {
    pub(crate) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Self::read_nested(reader, TYPE_NESTING_MAX)
    }

    fn read_nested(reader: &mut Reader, deeper: usize) -> Result<Self, DecodeError> {
        let nesting = DecodeError::Nesting { max: TYPE_NESTING_MAX };
        let deeper = deeper.checked_sub(1).ok_or(nesting)?;
        let part = |reader: &mut Reader| Self::read_nested(reader, deeper);
        Ok(match reader.u16()? {
            CUSTOM => Self::of_class(reader.string()?),
            LIST => Self::List(Box::new(part(reader)?)),
            SET => Self::Set(Box::new(part(reader)?)),
            MAP => Self::Map(Box::new(part(reader)?), Box::new(part(reader)?)),
            TUPLE => {
                let count = reader.short_count("tuple types", 2)?;
                Self::Tuple((0..count).map(|_| part(reader)).collect::<Result<_, _>>()?)
            }
            UDT => {
                let keyspace = reader.string()?;
                let name = reader.string()?;
                let count = reader.short_count("fields", 4)?;
                let mut field = || Ok((reader.string()?, part(reader)?));
                let fields = (0..count).map(|_| field()).collect::<Result<_, _>>()?;
                Self::Udt { keyspace, name, fields }
            }
            id => {
                let known = SIMPLE.iter().find(|(_, known, ..)| *known == id);
                let (spec, ..) =
                    known.ok_or(DecodeError::Unknown { what: "type id", value: i64::from(id) })?;
                spec.clone()
            }
        })
    }

    /// The type a class stands for where its id is too young for the version.
    fn of_class(class: String) -> Self {
        let younger = |(_, _, known, since): &&(Self, u16, &str, Version)| {
            *since > Version::V3 && class.strip_prefix(MARSHAL) == Some(*known)
        };
        let known = SIMPLE.iter().find(younger).map(|(spec, ..)| spec.clone());
        known.unwrap_or(Self::Custom(class))
    }
}
