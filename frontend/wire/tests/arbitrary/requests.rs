//! Requests with only what their version has.

use cellar_wire::{
    AuthResponse, Batch, BatchKind, BatchQuery, BatchStatement, EventKind, Execute, Options,
    Prepare, Query, QueryParams, Register, Request, RequestEnvelope, Startup, Text, Value, Values,
    Version,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{blob, consistency, payload, word};

fn since_v5<T: Clone + std::fmt::Debug + 'static>(
    version: Version,
    inner: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    if version >= Version::V5 { option::of(inner).boxed() } else { Just(None).boxed() }
}

fn value(version: Version) -> BoxedStrategy<Value> {
    let old = prop_oneof![4 => blob().prop_map(Value::Bytes), 1 => Just(Value::Null)];
    if version < Version::V4 {
        return old.boxed();
    }
    prop_oneof![5 => old, 1 => Just(Value::Unset)].boxed()
}

fn values(version: Version) -> impl Strategy<Value = Values> {
    prop_oneof![
        Just(Values::None),
        vec(value(version), 0..5).prop_map(Values::Positional),
        vec((word(), value(version)), 0..5).prop_map(Values::Named),
    ]
}

fn timestamp() -> impl Strategy<Value = Option<i64>> {
    option::of((i64::MIN + 1)..=i64::MAX)
}

fn params(version: Version) -> impl Strategy<Value = QueryParams> {
    let first = (consistency(), option::of(consistency()), values(version), any::<bool>());
    let rest = (option::of(any::<i32>()), option::of(blob()), timestamp());
    let new = (since_v5(version, word()), since_v5(version, any::<i32>()));
    (first, rest, new).prop_map(|(first, rest, new)| QueryParams {
        consistency: first.0,
        serial_consistency: first.1,
        values: first.2,
        skip_metadata: first.3,
        page_size: rest.0,
        paging_state: rest.1,
        timestamp: rest.2,
        keyspace: new.0,
        now_in_seconds: new.1,
    })
}

fn batch(version: Version) -> impl Strategy<Value = Batch> {
    let kind =
        prop::sample::select(vec![BatchKind::Logged, BatchKind::Unlogged, BatchKind::Counter]);
    let query = prop_oneof![
        word().prop_map(|text| BatchQuery::Text(Text::from(text))),
        blob().prop_map(BatchQuery::Prepared),
    ];
    let statement = (query, vec(value(version), 0..4))
        .prop_map(|(query, values)| BatchStatement { query, values });
    let new = (since_v5(version, word()), since_v5(version, any::<i32>()));
    let levels = (consistency(), option::of(consistency()), timestamp());
    (kind, vec(statement, 0..5), levels, new).prop_map(|(kind, statements, levels, new)| Batch {
        kind,
        statements,
        consistency: levels.0,
        serial_consistency: levels.1,
        timestamp: levels.2,
        keyspace: new.0,
        now_in_seconds: new.1,
    })
}

fn request(version: Version) -> impl Strategy<Value = Request> {
    let metadata_id =
        if version >= Version::V5 { blob().prop_map(Some).boxed() } else { Just(None).boxed() };
    prop_oneof![
        vec((word(), word()), 0..4).prop_map(|options| Request::Startup(Startup { options })),
        Just(Request::Options(Options)),
        (word(), params(version))
            .prop_map(|(query, params)| Request::Query(Query { query: query.into(), params })),
        (word(), since_v5(version, word())).prop_map(|(query, keyspace)| Request::Prepare(
            Prepare { query: query.into(), keyspace }
        )),
        (blob(), metadata_id, params(version)).prop_map(|(id, result_metadata_id, params)| {
            Request::Execute(Execute { id, result_metadata_id, params })
        }),
        batch(version).prop_map(Request::Batch),
        vec(prop::sample::select(EventKind::ALL.to_vec()), 0..4)
            .prop_map(|events| Request::Register(Register { events })),
        option::of(blob()).prop_map(|token| Request::AuthResponse(AuthResponse { token })),
    ]
}

pub(crate) fn request_envelope(version: Version) -> impl Strategy<Value = RequestEnvelope> {
    let payload = if version >= Version::V4 { payload().boxed() } else { Just(Vec::new()).boxed() };
    (request(version), any::<bool>(), payload)
        .prop_map(|(request, tracing, payload)| RequestEnvelope { request, tracing, payload })
}
