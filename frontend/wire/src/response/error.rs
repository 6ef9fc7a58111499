//! ERROR: `<code int><message string>` and fields by code and version. What a version does not
//! have is answered as Cassandra answers it there; [`ErrorBody::for_version`] says how.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;

use crate::encode::Writer;
use crate::{Consistency, Version};

/// What kind of write failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteType {
    /// One statement, not a counter.
    Simple,
    /// A logged batch after its log had been written.
    Batch,
    /// An unlogged batch.
    UnloggedBatch,
    /// A counter.
    Counter,
    /// The log of a logged batch.
    BatchLog,
    /// A conditional write.
    Cas,
    /// A write with views behind it.
    View,
    /// A write whose change stream has no room.
    Cdc,
}

/// Which replicas failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureReasons {
    /// How many; all that v3 and v4 say. In v5 it becomes an empty map, so servers give a map.
    Count(i32),
    /// Which, and the reason code of each; from v5.
    ByEndpoint(Vec<(IpAddr, u16)>),
}

/// Why a request failed. The text is for people; drivers act on the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`message` and fields as in the protocol, all named alike")]
pub enum ErrorBody {
    /// 0x0000: a fault of the server.
    ServerError(String),
    /// 0x000A: a fault of the client library.
    ProtocolError(String),
    /// 0x0100: wrong credentials.
    BadCredentials(String),
    /// 0x1000: too few replicas alive to even try.
    Unavailable { message: String, consistency: Consistency, required: i32, alive: i32 },
    /// 0x1001: too busy; drivers try the next node at once.
    Overloaded(String),
    /// 0x1002: not ready yet.
    IsBootstrapping(String),
    /// 0x1003: TRUNCATE failed.
    TruncateError(String),
    /// 0x1100: too few acknowledgements in time. Contentions for [`WriteType::Cas`] from v5.
    WriteTimeout {
        message: String,
        consistency: Consistency,
        received: i32,
        required: i32,
        write_type: WriteType,
        contentions: Option<u16>,
    },
    /// 0x1200: too few answers in time.
    ReadTimeout {
        message: String,
        consistency: Consistency,
        received: i32,
        required: i32,
        data_present: bool,
    },
    /// 0x1300: replicas failed while reading; from v4.
    ReadFailure {
        message: String,
        consistency: Consistency,
        received: i32,
        required: i32,
        reasons: FailureReasons,
        data_present: bool,
    },
    /// 0x1400: a function failed; from v4.
    FunctionFailure {
        message: String,
        keyspace: String,
        function: String,
        argument_types: Vec<String>,
    },
    /// 0x1500: replicas failed while writing; from v4.
    WriteFailure {
        message: String,
        consistency: Consistency,
        received: i32,
        required: i32,
        reasons: FailureReasons,
        write_type: WriteType,
    },
    /// 0x1600: the change stream has no room.
    CdcWriteFailure(String),
    /// 0x1700: nobody knows whether a conditional write took effect; from v5.
    CasWriteUnknown { message: String, consistency: Consistency, received: i32, required: i32 },
    /// 0x2000: not CQL.
    SyntaxError(String),
    /// 0x2100: not allowed.
    Unauthorized(String),
    /// 0x2200: CQL, but not possible.
    Invalid(String),
    /// 0x2300: not possible as things are configured.
    ConfigError(String),
    /// 0x2400: the keyspace, if the table is empty, or the table exists.
    AlreadyExists { message: String, keyspace: String, table: String },
    /// 0x2500: no statement is prepared under the id.
    Unprepared { message: String, id: Bytes },
    /// The code that was advertised for `SCYLLA_RATE_LIMIT_ERROR`, from 0xF000 to 0xFFFF, and
    /// only to clients that asked for it: a rate limit, not to be retried at once.
    RateLimit { message: String, code: i32, write: bool, rejected_by_coordinator: bool },
    /// Received with a code that is none of these; what follows the message is unread.
    Other { message: String, code: i32, body: Bytes },
}

impl WriteType {
    pub(super) const ALL: [Self; 8] = [
        Self::Simple,
        Self::Batch,
        Self::UnloggedBatch,
        Self::Counter,
        Self::BatchLog,
        Self::Cas,
        Self::View,
        Self::Cdc,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Batch => "BATCH",
            Self::UnloggedBatch => "UNLOGGED_BATCH",
            Self::Counter => "COUNTER",
            Self::BatchLog => "BATCH_LOG",
            Self::Cas => "CAS",
            Self::View => "VIEW",
            Self::Cdc => "CDC",
        }
    }
}

impl FailureReasons {
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Count(count) if writer.version() < Version::V5 => writer.i32(*count),
            Self::Count(_) => writer.i32(0),
            Self::ByEndpoint(reasons) => {
                writer.int_count("failures", reasons.len());
                if writer.version() < Version::V5 {
                    return;
                }
                for (address, reason) in reasons {
                    writer.inet_addr(*address);
                    writer.u16(*reason);
                }
            }
        }
    }
}

impl ErrorBody {
    /// The code that is advertised for `SCYLLA_RATE_LIMIT_ERROR`.
    pub const RATE_LIMIT_CODE: i32 = 0xF000;

    /// The code on the wire.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::ServerError(_) => 0x0000,
            Self::ProtocolError(_) => 0x000A,
            Self::BadCredentials(_) => 0x0100,
            Self::Unavailable { .. } => 0x1000,
            Self::Overloaded(_) => 0x1001,
            Self::IsBootstrapping(_) => 0x1002,
            Self::TruncateError(_) => 0x1003,
            Self::WriteTimeout { .. } => 0x1100,
            Self::ReadTimeout { .. } => 0x1200,
            Self::ReadFailure { .. } => 0x1300,
            Self::FunctionFailure { .. } => 0x1400,
            Self::WriteFailure { .. } => 0x1500,
            Self::CdcWriteFailure(_) => 0x1600,
            Self::CasWriteUnknown { .. } => 0x1700,
            Self::SyntaxError(_) => 0x2000,
            Self::Unauthorized(_) => 0x2100,
            Self::Invalid(_) => 0x2200,
            Self::ConfigError(_) => 0x2300,
            Self::AlreadyExists { .. } => 0x2400,
            Self::Unprepared { .. } => 0x2500,
            Self::RateLimit { code, .. } | Self::Other { code, .. } => *code,
        }
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::ServerError(message)
            | Self::ProtocolError(message)
            | Self::BadCredentials(message)
            | Self::Overloaded(message)
            | Self::IsBootstrapping(message)
            | Self::TruncateError(message)
            | Self::CdcWriteFailure(message)
            | Self::SyntaxError(message)
            | Self::Unauthorized(message)
            | Self::Invalid(message)
            | Self::ConfigError(message)
            | Self::Unavailable { message, .. }
            | Self::WriteTimeout { message, .. }
            | Self::ReadTimeout { message, .. }
            | Self::ReadFailure { message, .. }
            | Self::FunctionFailure { message, .. }
            | Self::WriteFailure { message, .. }
            | Self::CasWriteUnknown { message, .. }
            | Self::AlreadyExists { message, .. }
            | Self::Unprepared { message, .. }
            | Self::RateLimit { message, .. }
            | Self::Other { message, .. } => message,
        }
    }

    /// The error as a version has it: failures are timeouts and failed functions invalid in v3,
    /// an unknown outcome of a conditional write is a timeout before v5.
    #[must_use]
    pub fn for_version(&self, version: Version) -> Cow<'_, Self> {
        let message = || self.message().to_owned();
        Cow::Owned(match *self {
            Self::CasWriteUnknown { consistency, received, required, .. }
                if version < Version::V5 =>
            {
                let (write_type, contentions) = (WriteType::Cas, None);
                let message = message();
                Self::WriteTimeout {
                    message,
                    consistency,
                    received,
                    required,
                    write_type,
                    contentions,
                }
            }
            Self::WriteFailure { consistency, received, required, write_type, .. }
                if version < Version::V4 =>
            {
                let (message, contentions) = (message(), None);
                Self::WriteTimeout {
                    message,
                    consistency,
                    received,
                    required,
                    write_type,
                    contentions,
                }
            }
            Self::ReadFailure { consistency, received, required, data_present, .. }
                if version < Version::V4 =>
            {
                let message = message();
                Self::ReadTimeout { message, consistency, received, required, data_present }
            }
            Self::FunctionFailure { .. } if version < Version::V4 => Self::Invalid(message()),
            _ => return Cow::Borrowed(self),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let error = self.for_version(writer.version());
        writer.i32(error.code());
        writer.message(error.message());
        error.write_fields(writer);
    }

    fn write_fields(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Unavailable { consistency, required, alive, .. } => {
                write_counts(*consistency, *required, *alive, writer);
            }
            Self::WriteTimeout {
                consistency, received, required, write_type, contentions, ..
            } => {
                write_counts(*consistency, *received, *required, writer);
                writer.string(write_type.name());
                if *write_type == WriteType::Cas && writer.version() >= Version::V5 {
                    writer.u16(contentions.unwrap_or(0));
                }
            }
            Self::ReadTimeout { consistency, received, required, data_present, .. } => {
                write_counts(*consistency, *received, *required, writer);
                writer.u8(u8::from(*data_present));
            }
            Self::ReadFailure {
                consistency, received, required, reasons, data_present, ..
            } => {
                write_counts(*consistency, *received, *required, writer);
                reasons.write(writer);
                writer.u8(u8::from(*data_present));
            }
            Self::WriteFailure { consistency, received, required, reasons, write_type, .. } => {
                write_counts(*consistency, *received, *required, writer);
                reasons.write(writer);
                writer.string(write_type.name());
            }
            Self::FunctionFailure { keyspace, function, argument_types, .. } => {
                writer.string(keyspace);
                writer.string(function);
                writer.string_list(argument_types);
            }
            Self::CasWriteUnknown { consistency, received, required, .. } => {
                write_counts(*consistency, *received, *required, writer);
            }
            Self::AlreadyExists { keyspace, table, .. } => {
                writer.string(keyspace);
                writer.string(table);
            }
            Self::Unprepared { id, .. } => writer.short_bytes(id),
            Self::RateLimit { write, rejected_by_coordinator, .. } => {
                writer.u8(u8::from(*write));
                writer.u8(u8::from(*rejected_by_coordinator));
            }
            Self::Other { body, .. } => writer.raw(body),
            _ => {}
        }
    }
}

fn write_counts(consistency: Consistency, first: i32, second: i32, writer: &mut Writer<'_>) {
    writer.consistency(consistency);
    writer.i32(first);
    writer.i32(second);
}
