//! Responses byte for byte, as the specifications of v3, v4 and v5 lay them out. The Python driver
//! 3.30.1 was seen to read these kinds, with every type and error, in all three versions.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests fail loudly")]

use bytes::{Bytes, BytesMut};
use cellar_wire::{
    ClientDecoder, ColumnSpec, Consistency, Envelope, ErrorBody, Event, Extensions, FailureReasons,
    Flags, FrameLimits, PreparedResult, Response, ResultMetadata, RowsBuilder, RowsContent,
    RowsResult, SchemaChange, SchemaChangeKind, SchemaTarget, ServerEncoder, StatusChange,
    TypeSpec, Version, WriteType,
};
use uuid::Uuid;

fn encoded(version: Version, envelope: impl Into<Envelope>) -> Bytes {
    let mut out = BytesMut::new();
    ServerEncoder::new().encode(version, 1, &envelope.into(), &mut out).unwrap();
    out.freeze()
}

/// The body alone.
fn body(version: Version, response: Response) -> Bytes {
    encoded(version, response).slice(9..)
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn int(number: i32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn columns() -> Vec<ColumnSpec> {
    vec![
        ColumnSpec::new("ks", "t", "a", TypeSpec::Int),
        ColumnSpec::new("ks", "t", "b", TypeSpec::Duration),
    ]
}

fn one_row() -> RowsContent {
    let mut rows = RowsBuilder::new(2);
    rows.push(Some(&[0, 0, 0, 7]));
    rows.push(None);
    rows.finish().unwrap()
}

fn row_bytes() -> Vec<u8> {
    [int(1), int(4), int(7), int(-1)].concat()
}

#[test]
fn rows_name_the_table_once_and_types_younger_than_the_version_by_class() {
    let metadata = ResultMetadata::new(columns());
    let rows = Response::Rows(RowsResult { metadata, rows: one_row() });
    let head = [int(2), int(1), int(2), string("ks"), string("t"), string("a"), vec![0, 9]];
    let head = [head.concat(), string("b")].concat();
    let class = string("org.apache.cassandra.db.marshal.DurationType");
    let v4 = [head.clone(), vec![0, 0], class, row_bytes()].concat();
    assert_eq!(body(Version::V3, rows.clone()), v4);
    assert_eq!(body(Version::V4, rows.clone()), v4);
    let v5 = [head, vec![0, 0x15], row_bytes()].concat();
    assert_eq!(body(Version::V5, rows), v5);
}

#[test]
fn rows_of_several_tables_name_the_table_of_each_column() {
    let columns = vec![
        ColumnSpec::new("ks", "t", "a", TypeSpec::Int),
        ColumnSpec::new("ks", "u", "b", TypeSpec::Ascii),
    ];
    let metadata = ResultMetadata::new(columns);
    let rows = Response::Rows(RowsResult { metadata, rows: one_row() });
    let a = [string("ks"), string("t"), string("a"), vec![0, 9]].concat();
    let b = [string("ks"), string("u"), string("b"), vec![0, 1]].concat();
    assert_eq!(body(Version::V4, rows), [int(2), int(0), int(2), a, b, row_bytes()].concat());
}

#[test]
fn rows_without_metadata_keep_their_width_and_paging_state() {
    let metadata = ResultMetadata {
        no_metadata: true,
        paging_state: Some(Bytes::from_static(b"page")),
        ..ResultMetadata::new(columns())
    };
    let rows = Response::Rows(RowsResult { metadata, rows: one_row() });
    let wanted = [int(2), int(6), int(2), int(4), b"page".to_vec(), row_bytes()].concat();
    assert_eq!(body(Version::V4, rows), wanted);
}

#[test]
fn changed_metadata_is_sent_in_full_with_its_id_from_v5() {
    let metadata = ResultMetadata {
        no_metadata: true,
        new_metadata_id: Some([9; 16]),
        ..ResultMetadata::new(vec![ColumnSpec::new("k", "t", "a", TypeSpec::Int)])
    };
    let mut rows = RowsBuilder::new(1);
    rows.push(None);
    let rows = Response::Rows(RowsResult { metadata, rows: rows.finish().unwrap() });
    let column = [string("k"), string("t"), string("a"), vec![0, 9]].concat();
    let id = [&[0, 16][..], &[9; 16]].concat();
    let v5 = [int(2), int(9), int(1), id, column, int(1), int(-1)].concat();
    assert_eq!(body(Version::V5, rows.clone()), v5);
    assert_eq!(body(Version::V4, rows), [int(2), int(4), int(1), int(1), int(-1)].concat());
}

#[test]
fn prepared_has_key_indexes_from_v4_and_a_metadata_id_from_v5() {
    let prepared = Response::Prepared(PreparedResult {
        id: Bytes::from_static(b"id"),
        result_metadata_id: Some([8; 16]),
        variables: vec![ColumnSpec::new("ks", "t", "k", TypeSpec::Varchar)].into(),
        pk_indexes: vec![0],
        conditional: false,
        result: ResultMetadata::new(vec![]),
    });
    let head = [int(4), vec![0, 2, b'i', b'd']].concat();
    let flags = [int(1), int(1)].concat();
    let key = [int(1), vec![0, 0]].concat();
    let tail = [string("ks"), string("t"), string("k"), vec![0, 0x0D], int(4), int(0)].concat();
    let v3 = [head.clone(), flags.clone(), tail.clone()].concat();
    assert_eq!(body(Version::V3, prepared.clone()), v3);
    let v4 = [head.clone(), flags.clone(), key.clone(), tail.clone()].concat();
    assert_eq!(body(Version::V4, prepared.clone()), v4);
    let id = [&[0, 16][..], &[8; 16]].concat();
    assert_eq!(body(Version::V5, prepared), [head, id, flags, key, tail].concat());
}

#[test]
fn with_the_extension_version_4_has_metadata_ids_too_and_conditional_statements_have_a_mark() {
    let prepared = PreparedResult {
        id: Bytes::from_static(b"id"),
        result_metadata_id: Some([8; 16]),
        variables: Vec::new().into(),
        pk_indexes: Vec::new(),
        conditional: true,
        result: ResultMetadata { no_metadata: true, ..ResultMetadata::new(vec![]) },
    };
    let extensions = Extensions { metadata_ids: true };
    let mut encoder = ServerEncoder::new();
    encoder.set_extensions(extensions);
    let mut wire = BytesMut::new();
    let response = Response::Prepared(prepared);
    encoder.encode_response(Version::V4, 1, &response, &mut wire).unwrap();
    let id = [&[0, 16][..], &[8; 16]].concat();
    let mark = vec![0x80, 0, 0, 0];
    let head = [int(4), vec![0, 2, b'i', b'd'], id].concat();
    let body = [head, mark, int(0), int(0), int(4), int(0)].concat();
    assert_eq!(wire[9..], body);
    let mut decoder = ClientDecoder::new(FrameLimits::default());
    decoder.push(&wire);
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!(Envelope::decode_with(frame, extensions).unwrap().response, response);
}

fn write_timeout(contentions: Option<u16>) -> ErrorBody {
    ErrorBody::WriteTimeout {
        message: "m".to_owned(),
        consistency: Consistency::Serial,
        received: 1,
        required: 2,
        write_type: WriteType::Cas,
        contentions,
    }
}

#[test]
fn a_conditional_write_timeout_counts_contentions_from_v5() {
    let v4 = [int(0x1100), string("m"), vec![0, 8], int(1), int(2), string("CAS")].concat();
    assert_eq!(body(Version::V4, Response::Error(write_timeout(Some(3)))), v4);
    let v5 = [v4.clone(), vec![0, 3]].concat();
    assert_eq!(body(Version::V5, Response::Error(write_timeout(Some(3)))), v5);
    let unknown = ErrorBody::CasWriteUnknown {
        message: "m".to_owned(),
        consistency: Consistency::Serial,
        received: 1,
        required: 2,
    };
    assert_eq!(body(Version::V4, Response::Error(unknown)), v4, "no such error before v5");
}

#[test]
fn a_read_failure_is_a_timeout_in_v3_a_count_in_v4_and_a_map_in_v5() {
    let failure = Response::Error(ErrorBody::ReadFailure {
        message: "m".to_owned(),
        consistency: Consistency::Quorum,
        received: 1,
        required: 2,
        reasons: FailureReasons::ByEndpoint(vec![([127, 0, 0, 1].into(), 6)]),
        data_present: true,
    });
    let counts = [string("m"), vec![0, 4], int(1), int(2)].concat();
    let v3 = [int(0x1200), counts.clone(), vec![1]].concat();
    assert_eq!(body(Version::V3, failure.clone()), v3);
    let v4 = [int(0x1300), counts.clone(), int(1), vec![1]].concat();
    assert_eq!(body(Version::V4, failure.clone()), v4);
    let map = [int(1), vec![4, 127, 0, 0, 1, 0, 6]].concat();
    assert_eq!(body(Version::V5, failure), [int(0x1300), counts, map, vec![1]].concat());
}

#[test]
fn a_rate_limit_carries_its_advertised_code_and_two_bytes() {
    let error = ErrorBody::RateLimit {
        message: "m".to_owned(),
        code: 0xF000,
        write: true,
        rejected_by_coordinator: false,
    };
    let wanted = [int(0xF000), string("m"), vec![1, 0]].concat();
    assert_eq!(body(Version::V4, Response::Error(error)), wanted);
}

#[test]
fn tracing_id_warnings_and_payload_stand_in_this_order_and_only_where_they_exist() {
    let envelope = Envelope {
        response: Response::Ready,
        tracing_id: Some(Uuid::from_bytes([5; 16])),
        warnings: vec!["w".to_owned()],
        payload: vec![("k".to_owned(), Bytes::from_static(b"v"))],
    };
    let v3 = [&[0x83, Flags::TRACING.0, 0, 1, 2, 0, 0, 0, 16][..], &[5; 16]].concat();
    assert_eq!(encoded(Version::V3, envelope.clone()), v3);
    let more = [vec![0, 1], string("w"), vec![0, 1], string("k"), int(1), vec![b'v']].concat();
    let length = 16 + more.len() as u8;
    let v4 = [&[0x84, 0x0E, 0, 1, 2, 0, 0, 0, length][..], &[5; 16], &more].concat();
    assert_eq!(encoded(Version::V4, envelope), v4);
}

#[test]
fn events_and_schema_changes_name_what_happened() {
    let change = StatusChange::Up;
    let up = Event::StatusChange { change, address: "10.0.0.1:9042".parse().unwrap() };
    let address = [vec![4, 10, 0, 0, 1], int(9042)].concat();
    let wanted = [string("STATUS_CHANGE"), string("UP"), address].concat();
    assert_eq!(body(Version::V4, Response::Event(up)), wanted);
    let created = Response::SchemaChange(SchemaChange {
        change: SchemaChangeKind::Created,
        keyspace: "ks".to_owned(),
        target: SchemaTarget::Function {
            name: "f".to_owned(),
            argument_types: vec!["int".to_owned()],
        },
    });
    let keyspace = [int(5), string("UPDATED"), string("KEYSPACE"), string("ks")].concat();
    assert_eq!(body(Version::V3, created.clone()), keyspace, "v3 has no functions");
    let function = [string("FUNCTION"), string("ks"), string("f"), vec![0, 1], string("int")];
    let wanted = [int(5), string("CREATED"), function.concat()].concat();
    assert_eq!(body(Version::V4, created), wanted);
}

#[test]
fn a_vector_is_custom_with_the_name_cassandra_gives_it() {
    let TypeSpec::Custom(class) = TypeSpec::vector(&TypeSpec::Float, 3) else { panic!() };
    let marshal = "org.apache.cassandra.db.marshal";
    assert_eq!(class, format!("{marshal}.VectorType({marshal}.FloatType , 3)"));
}
