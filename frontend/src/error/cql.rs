//! Errors as CQL codes. Drivers retry by the code, so a code never says "not applied" of what may
//! have been applied.

use cellar_cql::SyntaxErrorKind;
use cellar_cql::plan::PlanError;
use cellar_metadata_api::MetadataError;
use cellar_wire::{Consistency, ErrorBody, FailureReasons, WriteType};

use super::{RequestError, WriteKind};

impl RequestError {
    /// The error for a client that asked at this level.
    #[must_use]
    pub fn to_cql(&self, consistency: Consistency) -> ErrorBody {
        let message = self.to_string();
        match self {
            Self::Plan(error) => plan_error(error, message),
            Self::Metadata(error) => metadata_error(error, message),
            Self::Invalid { .. } => ErrorBody::Invalid(message),
            Self::BadCredentials { .. } => ErrorBody::BadCredentials(message),
            Self::Unauthorized { .. } => ErrorBody::Unauthorized(message),
            Self::Protocol { .. } => ErrorBody::ProtocolError(message),
            Self::Unprepared { id } => ErrorBody::Unprepared { message, id: id.clone() },
            Self::Unavailable { .. } => {
                ErrorBody::Unavailable { message, consistency, required: 1, alive: 0 }
            }
            Self::Overloaded { .. } => ErrorBody::Overloaded(message),
            Self::WriteTimeout { kind: WriteKind::Conditional, .. } => {
                ErrorBody::CasWriteUnknown { message, consistency, received: 0, required: 1 }
            }
            Self::WriteTimeout { kind, .. } => ErrorBody::WriteTimeout {
                message,
                consistency,
                received: 0,
                required: 1,
                write_type: write_type(*kind),
                contentions: None,
            },
            Self::ReadTimeout { .. } => ErrorBody::ReadTimeout {
                message,
                consistency,
                received: 0,
                required: 1,
                data_present: false,
            },
            Self::ReadFailure { .. } => ErrorBody::ReadFailure {
                message,
                consistency,
                received: 0,
                required: 1,
                reasons: FailureReasons::ByEndpoint(Vec::new()),
                data_present: false,
            },
            Self::Internal { .. } => ErrorBody::ServerError(message),
        }
    }
}

fn write_type(kind: WriteKind) -> WriteType {
    match kind {
        WriteKind::Simple => WriteType::Simple,
        WriteKind::Conditional => WriteType::Cas,
        WriteKind::BatchLog => WriteType::BatchLog,
        WriteKind::Batch => WriteType::Batch,
    }
}

fn plan_error(error: &PlanError, message: String) -> ErrorBody {
    match error {
        PlanError::Syntax(error) if error.kind == SyntaxErrorKind::ImpossibleLiteral => {
            ErrorBody::Invalid(message)
        }
        PlanError::Syntax(_) => ErrorBody::SyntaxError(message),
        PlanError::SystemKeyspace { .. } => ErrorBody::Unauthorized(message),
        PlanError::Config { .. } => ErrorBody::ConfigError(message),
        PlanError::FunctionFailure { function, .. }
        | PlanError::OperationFailure { operation: function, .. } => ErrorBody::FunctionFailure {
            message,
            keyspace: "system".to_owned(),
            function: function.clone(),
            argument_types: Vec::new(),
        },
        PlanError::Invalid { .. }
        | PlanError::NoKeyspace
        | PlanError::UnknownKeyspace { .. }
        | PlanError::UnknownTable { .. }
        | PlanError::UnknownColumn { .. }
        | PlanError::UnknownType { .. }
        | PlanError::NotBuilt { .. } => ErrorBody::Invalid(message),
    }
}

fn metadata_error(error: &MetadataError, message: String) -> ErrorBody {
    match error {
        MetadataError::AlreadyExists { keyspace, table } => ErrorBody::AlreadyExists {
            message,
            keyspace: keyspace.clone(),
            table: table.clone().unwrap_or_default(),
        },
        MetadataError::Config { .. } => ErrorBody::ConfigError(message),
        MetadataError::Missing { .. } | MetadataError::Invalid { .. } => {
            ErrorBody::Invalid(message)
        }
        // Not applied: the driver may try again elsewhere.
        MetadataError::Unavailable { .. } | MetadataError::Conflict { .. } => {
            ErrorBody::Overloaded(message)
        }
        MetadataError::Unknown { .. } => ErrorBody::ServerError(message),
    }
}
