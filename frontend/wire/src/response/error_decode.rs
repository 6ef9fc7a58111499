//! ERROR bodies from the wire, for clients.

use super::error::{ErrorBody, FailureReasons, WriteType};
use crate::decode::{DecodeError, Reader};
use crate::{Consistency, Version};

/// Codes that extensions may advertise, as `SCYLLA_RATE_LIMIT_ERROR` does.
const EXTENSION_CODES: std::ops::RangeInclusive<i32> = 0xF000..=0xFFFF;

impl WriteType {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let word = reader.string()?;
        let known = Self::ALL.into_iter().find(|known| known.name() == word);
        known.ok_or(DecodeError::UnknownWord { what: "write type", word })
    }
}

impl FailureReasons {
    fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        if version < Version::V5 {
            return reader.i32().map(Self::Count);
        }
        let count = reader.int_count("failures", 7)?;
        let reason = |_| Ok((reader.inet_addr()?, reader.u16()?));
        (0..count).map(reason).collect::<Result<_, _>>().map(Self::ByEndpoint)
    }
}

/// Consistency level and two counts, which many errors begin with.
fn counts(reader: &mut Reader) -> Result<(Consistency, i32, i32), DecodeError> {
    Ok((reader.consistency()?, reader.i32()?, reader.i32()?))
}

impl ErrorBody {
    pub(super) fn read(reader: &mut Reader, version: Version) -> Result<Self, DecodeError> {
        let code = reader.i32()?;
        let message = reader.string()?;
        Ok(match code {
            0x0000 => Self::ServerError(message),
            0x000A => Self::ProtocolError(message),
            0x0100 => Self::BadCredentials(message),
            0x1001 => Self::Overloaded(message),
            0x1002 => Self::IsBootstrapping(message),
            0x1003 => Self::TruncateError(message),
            0x1600 => Self::CdcWriteFailure(message),
            0x2000 => Self::SyntaxError(message),
            0x2100 => Self::Unauthorized(message),
            0x2200 => Self::Invalid(message),
            0x2300 => Self::ConfigError(message),
            0x1400 => Self::FunctionFailure {
                message,
                keyspace: reader.string()?,
                function: reader.string()?,
                argument_types: reader.string_list()?,
            },
            0x2400 => {
                Self::AlreadyExists { message, keyspace: reader.string()?, table: reader.string()? }
            }
            0x2500 => Self::Unprepared { message, id: reader.short_bytes()? },
            0x1000 | 0x1100 | 0x1200 | 0x1300 | 0x1500 | 0x1700 => {
                return Self::read_counted(reader, version, code, message);
            }
            code if EXTENSION_CODES.contains(&code) => Self::RateLimit {
                message,
                code,
                write: reader.u8()? != 0,
                rejected_by_coordinator: reader.u8()? != 0,
            },
            code => Self::Other { message, code, body: reader.clone().rest() },
        })
    }

    /// The errors about counts of replicas.
    fn read_counted(
        reader: &mut Reader,
        version: Version,
        code: i32,
        message: String,
    ) -> Result<Self, DecodeError> {
        let (consistency, received, required) = counts(reader)?;
        Ok(match code {
            0x1000 => {
                let (required, alive) = (received, required);
                Self::Unavailable { message, consistency, required, alive }
            }
            0x1100 => {
                let write_type = WriteType::read(reader)?;
                let counted = write_type == WriteType::Cas && version >= Version::V5;
                let contentions = if counted { Some(reader.u16()?) } else { None };
                Self::WriteTimeout {
                    message,
                    consistency,
                    received,
                    required,
                    write_type,
                    contentions,
                }
            }
            0x1200 => {
                let data_present = reader.u8()? != 0;
                Self::ReadTimeout { message, consistency, received, required, data_present }
            }
            0x1300 => {
                let reasons = FailureReasons::read(reader, version)?;
                let data_present = reader.u8()? != 0;
                Self::ReadFailure {
                    message,
                    consistency,
                    received,
                    required,
                    reasons,
                    data_present,
                }
            }
            0x1500 => {
                let reasons = FailureReasons::read(reader, version)?;
                let write_type = WriteType::read(reader)?;
                Self::WriteFailure { message, consistency, received, required, reasons, write_type }
            }
            _ => Self::CasWriteUnknown { message, consistency, received, required },
        })
    }
}
