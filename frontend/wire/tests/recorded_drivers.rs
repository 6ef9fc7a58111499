//! Bytes written by the Python driver (cassandra-driver 3.30.1), read here, and written back the
//! same: an outside witness for the layouts and for both checksums of v5 framing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

use bytes::{Bytes, BytesMut};
use cellar_wire::{
    AuthResponse, Batch, BatchKind, BatchQuery, BatchStatement, ClientEncoder, Compression,
    Consistency, EventKind, Execute, FrameLimits, Options, Prepare, Query, QueryParams, Register,
    Request, RequestEnvelope, ServerDecoder, Value, Values, Version,
};

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[track_caller]
fn reads_and_writes(hex: &str, version: Version, stream: i16, wanted: impl Into<RequestEnvelope>) {
    let (wire, wanted) = (unhex(hex), wanted.into());
    let mut decoder = ServerDecoder::new(FrameLimits::default());
    decoder.push(&wire);
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!((frame.header.version, frame.header.stream), (version, stream));
    assert_eq!(RequestEnvelope::decode(frame).unwrap(), wanted);
    let mut out = BytesMut::new();
    ClientEncoder::new().encode(version, stream, &wanted, &mut out).unwrap();
    assert_eq!(out, wire);
}

fn value(text: &'static str) -> Value {
    Value::Bytes(Bytes::from_static(text.as_bytes()))
}

#[test]
fn query_with_every_option_of_its_version() {
    let params = QueryParams {
        serial_consistency: Some(Consistency::LocalSerial),
        values: Values::Positional(vec![value("k"), Value::Null]),
        page_size: Some(5000),
        paging_state: Some(Bytes::from_static(&[1, 2])),
        timestamp: Some(1_700_000_000_000_000),
        ..QueryParams::new(Consistency::LocalQuorum)
    };
    let query = Request::Query(Query { query: "SELECT v FROM t WHERE k = ?".into(), params });
    let head = "0000001b53454c45435420762046524f4d2074205748455245206b203d203f0006";
    let tail = "0002000000016bffffffff00001388000000020102000900060a24181e4000";
    let v3 = format!("030000030700000041{head}3d{tail}");
    reads_and_writes(&v3, Version::V3, 3, query.clone());
    let v4 = format!("040000030700000041{head}3d{tail}");
    reads_and_writes(&v4, Version::V4, 3, query.clone());
    let v5 = format!("050000030700000044{head}0000003d{tail}");
    reads_and_writes(&v5, Version::V5, 3, query);
}

fn execute(result_metadata_id: Option<Bytes>) -> RequestEnvelope {
    let values = vec![value("k"), Value::Null, Value::Unset];
    let params = QueryParams {
        values: Values::Positional(values),
        timestamp: Some(5),
        ..QueryParams::new(Consistency::One)
    };
    let id = Bytes::from_static(&[0xAA; 16]);
    Request::Execute(Execute { id, result_metadata_id, params }).into()
}

#[test]
fn execute_with_null_and_unset_values() {
    let v4 = "040001020a0000002c0010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0001210003000000016bfffffffff\
              ffffffe0000000000000005";
    reads_and_writes(v4, Version::V4, 258, execute(None));
    let v5 = "050001020a000000410010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0010bbbbbbbbbbbbbbbbbbbbbbbbbb\
              bbbbbb0001000000210003000000016bfffffffffffffffe0000000000000005";
    reads_and_writes(v5, Version::V5, 258, execute(Some(Bytes::from_static(&[0xBB; 16]))));
}

#[test]
fn custom_payload_before_the_message() {
    let v4 = "04047ffd0a00000036000100016100000001620010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0001210003\
              000000016bfffffffffffffffe0000000000000005";
    let payload = vec![("a".to_owned(), Bytes::from_static(b"b"))];
    reads_and_writes(v4, Version::V4, 32765, RequestEnvelope { payload, ..execute(None) });
}

#[test]
fn batch_of_text_and_prepared_statements() {
    let text = BatchQuery::Text("INSERT 1".into());
    let prepared = BatchQuery::Prepared(Bytes::from_static(&[0xCC; 16]));
    let batch = Batch {
        kind: BatchKind::Unlogged,
        statements: vec![
            BatchStatement { query: text, values: vec![value("a")] },
            BatchStatement { query: prepared, values: vec![] },
        ],
        consistency: Consistency::Quorum,
        serial_consistency: Some(Consistency::Serial),
        timestamp: Some(7),
        keyspace: None,
        now_in_seconds: None,
    };
    let statements = "0100020000000008494e53455254203100010000000161010010cccccccccccccccccccccccc\
                      cccccccc00000004";
    let v4 = format!("040000060d00000039{statements}3000080000000000000007");
    reads_and_writes(&v4, Version::V4, 6, Request::Batch(batch.clone()));
    let v5 = format!("050000060d00000040{statements}000000b00008000000000000000700026b73");
    let batch = Batch { keyspace: Some("ks".to_owned()), ..batch };
    reads_and_writes(&v5, Version::V5, 6, Request::Batch(batch));
}

#[test]
fn prepare_with_a_keyspace_and_register() {
    let prepare = Prepare { query: "SELECT v FROM t".into(), keyspace: Some("ks".to_owned()) };
    let v5 = "05000004090000001b0000000f53454c45435420762046524f4d20740000000100026b73";
    reads_and_writes(v5, Version::V5, 4, Request::Prepare(prepare));
    let events = vec![EventKind::SchemaChange, EventKind::StatusChange];
    let v4 = "040000000b000000200002000d534348454d415f4348414e4745000d5354415455535f4348414e4745";
    reads_and_writes(v4, Version::V4, 0, Request::Register(Register { events }));
}

#[test]
fn an_uncompressed_frame_with_both_checksums() {
    let wire = unhex("090002a4c8c1050000010500000000b5557486");
    let mut decoder = ServerDecoder::new(FrameLimits::default());
    decoder.switch_to_v5_framing(Compression::None);
    decoder.push(&wire);
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!(frame.header.stream, 1);
    assert_eq!(RequestEnvelope::decode(frame).unwrap().request, Request::Options(Options));
    let (mut encoder, mut out) = (ClientEncoder::new(), BytesMut::new());
    encoder.switch_to_v5_framing(Compression::None);
    encoder.encode(Version::V5, 1, &Request::Options(Options).into(), &mut out).unwrap();
    assert!(out.is_empty(), "an envelope waits for others to share its frame");
    encoder.flush(&mut out);
    assert_eq!(out, wire);
}

#[test]
fn an_lz4_frame_with_both_checksums() {
    let mut decoder = ServerDecoder::new(FrameLimits::default());
    decoder.switch_to_v5_framing(Compression::Lz4);
    decoder
        .push(&unhex("1800aa0104d17ac2ef050000010f000000cc000000c8070100af500707070707ab9bddce"));
    let request = RequestEnvelope::decode(decoder.next_frame().unwrap().unwrap()).unwrap();
    let token = Some(Bytes::from_static(&[7; 200]));
    assert_eq!(request.request, Request::AuthResponse(AuthResponse { token }));
}
