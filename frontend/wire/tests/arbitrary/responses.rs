//! Responses of any kind, and what a client of a version has to see of them.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use cellar_wire::{
    ColumnSpec, Envelope, ErrorBody, Event, FailureReasons, PreparedResult, Response,
    ResultMetadata, RowsBuilder, RowsContent, RowsResult, SchemaChange, SchemaChangeKind,
    SchemaTarget, StatusChange, TopologyChange, TypeSpec, Version, WriteType,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::{blob, consistency, payload, word, words};

fn type_spec() -> impl Strategy<Value = TypeSpec> {
    use TypeSpec as T;
    let simple = vec![
        T::Ascii,
        T::Bigint,
        T::Blob,
        T::Boolean,
        T::Counter,
        T::Decimal,
        T::Double,
        T::Float,
        T::Int,
        T::Timestamp,
        T::Uuid,
        T::Varchar,
        T::Varint,
        T::Timeuuid,
        T::Inet,
        T::Date,
        T::Time,
        T::Smallint,
        T::Tinyint,
        T::Duration,
        T::vector(&T::Float, 3),
        T::Custom("some.Class".to_owned()),
    ];
    prop::sample::select(simple).prop_recursive(3, 12, 3, |part| {
        prop_oneof![
            part.clone().prop_map(|part| T::List(Box::new(part))),
            part.clone().prop_map(|part| T::Set(Box::new(part))),
            (part.clone(), part.clone()).prop_map(|(k, v)| T::Map(Box::new(k), Box::new(v))),
            vec(part.clone(), 0..4).prop_map(T::Tuple),
            (word(), word(), vec((word(), part), 0..4))
                .prop_map(|(keyspace, name, fields)| T::Udt { keyspace, name, fields }),
        ]
    })
}

fn columns(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<ColumnSpec>> {
    let table = || prop::sample::select(vec!["t", "u", "t", "t"]);
    vec((Just("ks"), table(), word(), type_spec()), count).prop_map(|columns| {
        columns.into_iter().map(|(k, t, n, spec)| ColumnSpec::new(k, t, n, spec)).collect()
    })
}

fn metadata(count: std::ops::Range<usize>) -> impl Strategy<Value = ResultMetadata> {
    (columns(count), option::of(blob()), any::<bool>(), option::of(any::<[u8; 16]>())).prop_map(
        |(columns, paging_state, no_metadata, new_metadata_id)| ResultMetadata {
            columns: columns.into(),
            paging_state,
            no_metadata,
            new_metadata_id,
        },
    )
}

fn rows() -> impl Strategy<Value = RowsResult> {
    metadata(1..4).prop_flat_map(|metadata| {
        let columns = metadata.columns.len();
        let rows = vec(vec(option::of(blob()), columns), 0..5);
        rows.prop_map(move |rows| RowsResult {
            metadata: metadata.clone(),
            rows: RowsContent::Rows(rows),
        })
    })
}

fn prepared() -> impl Strategy<Value = PreparedResult> {
    let id = option::of(any::<[u8; 16]>());
    (blob(), id, columns(0..4), vec(any::<u16>(), 0..3), any::<bool>(), metadata(0..3)).prop_map(
        |(id, result_metadata_id, variables, pk_indexes, conditional, result)| PreparedResult {
            id,
            result_metadata_id,
            variables: variables.into(),
            pk_indexes,
            conditional,
            result,
        },
    )
}

fn schema_change() -> impl Strategy<Value = SchemaChange> {
    use SchemaChangeKind as K;
    let target = prop_oneof![
        Just(SchemaTarget::Keyspace),
        word().prop_map(SchemaTarget::Table),
        word().prop_map(SchemaTarget::Type),
        (word(), words())
            .prop_map(|(name, argument_types)| SchemaTarget::Function { name, argument_types }),
        (word(), words())
            .prop_map(|(name, argument_types)| SchemaTarget::Aggregate { name, argument_types }),
    ];
    (prop::sample::select(vec![K::Created, K::Updated, K::Dropped]), word(), target)
        .prop_map(|(change, keyspace, target)| SchemaChange { change, keyspace, target })
}

fn event() -> impl Strategy<Value = Event> {
    use TopologyChange as T;
    let address =
        || (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port));
    prop_oneof![
        (prop::sample::select(vec![T::NewNode, T::RemovedNode, T::MovedNode]), address())
            .prop_map(|(change, address)| Event::TopologyChange { change, address }),
        (prop::sample::select(vec![StatusChange::Up, StatusChange::Down]), address())
            .prop_map(|(change, address)| Event::StatusChange { change, address }),
        schema_change().prop_map(Event::SchemaChange),
    ]
}

fn said(error: fn(String) -> ErrorBody) -> impl Strategy<Value = ErrorBody> {
    word().prop_map(error)
}

fn plain_error() -> impl Strategy<Value = ErrorBody> {
    use ErrorBody as E;
    prop_oneof![
        said(E::ServerError),
        said(E::ProtocolError),
        said(E::BadCredentials),
        said(E::Overloaded),
        said(E::IsBootstrapping),
        said(E::TruncateError),
        said(E::CdcWriteFailure),
        said(E::SyntaxError),
        said(E::Unauthorized),
        said(E::Invalid),
        said(E::ConfigError),
        (word(), word(), word()).prop_map(|(message, keyspace, table)| E::AlreadyExists {
            message,
            keyspace,
            table
        }),
        (word(), blob()).prop_map(|(message, id)| E::Unprepared { message, id }),
        (word(), word(), word(), words()).prop_map(
            |(message, keyspace, function, argument_types)| E::FunctionFailure {
                message,
                keyspace,
                function,
                argument_types
            }
        ),
        (word(), 0xF000..=0xFFFF_i32, any::<bool>(), any::<bool>()).prop_map(
            |(message, code, write, rejected_by_coordinator)| E::RateLimit {
                message,
                code,
                write,
                rejected_by_coordinator
            }
        ),
        (word(), 0x3000..0x4000_i32, blob()).prop_map(|(message, code, body)| E::Other {
            message,
            code,
            body
        }),
    ]
}

fn counted_error() -> impl Strategy<Value = ErrorBody> {
    use WriteType as W;
    let write_type = prop::sample::select(vec![
        W::Simple,
        W::Batch,
        W::UnloggedBatch,
        W::Counter,
        W::BatchLog,
        W::Cas,
        W::View,
        W::Cdc,
    ]);
    let reasons = vec((any::<IpAddr>(), any::<u16>()), 0..4);
    let counts = (word(), consistency(), any::<i32>(), any::<i32>());
    let more = (write_type, reasons, any::<bool>(), option::of(any::<u16>()));
    (0..6, counts, more).prop_map(|(which, counts, more)| {
        let (message, consistency, received, required) = counts;
        let (write_type, reasons, data_present, contentions) = more;
        let reasons = FailureReasons::ByEndpoint(reasons);
        match which {
            0 => ErrorBody::Unavailable { message, consistency, required, alive: received },
            1 => ErrorBody::WriteTimeout {
                message,
                consistency,
                received,
                required,
                write_type,
                contentions,
            },
            2 => ErrorBody::ReadTimeout { message, consistency, received, required, data_present },
            3 => ErrorBody::ReadFailure {
                message,
                consistency,
                received,
                required,
                reasons,
                data_present,
            },
            4 => ErrorBody::WriteFailure {
                message,
                consistency,
                received,
                required,
                reasons,
                write_type,
            },
            _ => ErrorBody::CasWriteUnknown { message, consistency, received, required },
        }
    })
}

fn response() -> impl Strategy<Value = Response> {
    prop_oneof![
        2 => plain_error().prop_map(Response::Error),
        2 => counted_error().prop_map(Response::Error),
        1 => Just(Response::Ready),
        1 => word().prop_map(Response::Authenticate),
        1 => vec((word(), words()), 0..4).prop_map(Response::Supported),
        1 => Just(Response::ResultVoid),
        4 => rows().prop_map(Response::Rows),
        1 => word().prop_map(Response::SetKeyspace),
        3 => prepared().prop_map(Response::Prepared),
        1 => schema_change().prop_map(Response::SchemaChange),
        2 => event().prop_map(Response::Event),
        1 => option::of(blob()).prop_map(Response::AuthSuccess),
        1 => option::of(blob()).prop_map(Response::AuthChallenge),
    ]
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    (response(), option::of(any::<u128>()), words(), payload()).prop_map(
        |(response, tracing_id, warnings, payload)| Envelope {
            response,
            tracing_id: tracing_id.map(Uuid::from_u128),
            warnings,
            payload,
        },
    )
}

fn received_metadata(metadata: ResultMetadata, version: Version) -> ResultMetadata {
    let new_metadata_id = metadata.new_metadata_id.filter(|_| version >= Version::V5);
    let no_metadata = metadata.no_metadata && new_metadata_id.is_none();
    let columns = if no_metadata { [].into() } else { metadata.columns };
    ResultMetadata { columns, no_metadata, new_metadata_id, ..metadata }
}

fn received_error(error: &ErrorBody, version: Version) -> ErrorBody {
    let mut error = error.for_version(version).into_owned();
    match &mut error {
        ErrorBody::WriteTimeout { write_type, contentions, .. } => {
            let counted = *write_type == WriteType::Cas && version >= Version::V5;
            *contentions = counted.then(|| contentions.unwrap_or(0));
        }
        ErrorBody::ReadFailure { reasons, .. } | ErrorBody::WriteFailure { reasons, .. } => {
            if let (FailureReasons::ByEndpoint(all), true) = (&reasons, version < Version::V5) {
                *reasons = FailureReasons::Count(all.len().try_into().unwrap());
            }
        }
        _ => {}
    }
    error
}

fn received_change(change: SchemaChange, version: Version) -> SchemaChange {
    let function =
        matches!(change.target, SchemaTarget::Function { .. } | SchemaTarget::Aggregate { .. });
    if function && version < Version::V4 {
        let target = SchemaTarget::Keyspace;
        return SchemaChange { change: SchemaChangeKind::Updated, target, ..change };
    }
    change
}

/// The response as a client of the version reads it.
pub(crate) fn received(envelope: Envelope, version: Version) -> Envelope {
    let modern = version >= Version::V4;
    let response = match envelope.response {
        Response::Error(error) => Response::Error(received_error(&error, version)),
        Response::Rows(RowsResult { metadata, rows }) => {
            let mut builder = RowsBuilder::new(metadata.columns.len());
            for row in rows.iter() {
                row.iter().for_each(|value: &Option<Bytes>| builder.push(value.as_deref()));
            }
            let metadata = received_metadata(metadata, version);
            Response::Rows(RowsResult { metadata, rows: builder.finish().unwrap() })
        }
        Response::Prepared(mut prepared) => {
            prepared.result_metadata_id =
                (version >= Version::V5).then(|| prepared.result_metadata_id.unwrap_or_default());
            if !modern {
                prepared.pk_indexes.clear();
            }
            if prepared.result.columns.is_empty() {
                prepared.result.no_metadata = true;
            }
            prepared.result = received_metadata(prepared.result, version);
            Response::Prepared(prepared)
        }
        Response::SchemaChange(change) => Response::SchemaChange(received_change(change, version)),
        Response::Event(Event::SchemaChange(change)) => {
            Response::Event(Event::SchemaChange(received_change(change, version)))
        }
        other => other,
    };
    Envelope {
        response,
        tracing_id: envelope.tracing_id,
        warnings: if modern { envelope.warnings } else { Vec::new() },
        payload: if modern { envelope.payload } else { Vec::new() },
    }
}
