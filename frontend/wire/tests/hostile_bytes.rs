//! Any bytes at all: an answer or an error, never a panic, and never more memory than was sent.
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod arbitrary;

use arbitrary::{envelope, request_envelope, version};
use bytes::{Bytes, BytesMut};
use cellar_wire::{
    ClientDecoder, ClientEncoder, Compression, DecodeError, Envelope, FrameLimits, Opcode, Request,
    RequestEnvelope, Response, ServerDecoder, ServerEncoder, Version,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn compression() -> impl Strategy<Value = Compression> {
    prop::sample::select(vec![Compression::None, Compression::Lz4, Compression::Snappy])
}

/// A change of one byte of what is otherwise well-formed gets further than noise does.
fn damage(wire: &mut BytesMut, changes: &[(prop::sample::Index, u8)]) {
    for (place, byte) in changes {
        let place = 9 + place.index(wire.len().saturating_sub(9).max(1));
        if let Some(found) = wire.get_mut(place) {
            *found = *byte;
        }
    }
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(
        version in version(),
        opcode in prop::sample::select(Opcode::ALL.to_vec()),
        body in vec(prop_oneof![any::<u8>(), Just(0), Just(0xFF)], 0..200),
    ) {
        let body = Bytes::from(body);
        let _ = Request::decode(version, opcode, body.clone());
        let _ = Response::decode(version, opcode, body);
    }

    #[test]
    fn any_stream_is_read_or_refused(
        compression in compression(),
        framed in any::<bool>(),
        parts in vec(vec(prop_oneof![any::<u8>(), Just(4), Just(5), Just(0)], 0..60), 0..6),
    ) {
        let mut decoder = ServerDecoder::new(FrameLimits::default());
        decoder.set_compression(compression);
        if framed {
            decoder.switch_to_v5_framing(compression);
        }
        for part in parts {
            decoder.push(&part);
            for _ in 0..20 {
                if let Ok(Some(frame)) = decoder.next_frame() {
                    let _ = RequestEnvelope::decode(frame);
                }
            }
        }
    }

    #[test]
    fn a_damaged_request_is_read_or_refused(
        (version, request) in version().prop_flat_map(|v| (Just(v), request_envelope(v))),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut wire = BytesMut::new();
        ClientEncoder::new().encode(version, 1, &request, &mut wire).unwrap();
        damage(&mut wire, &changes);
        let mut decoder = ServerDecoder::new(FrameLimits::default());
        decoder.push(&wire);
        let _ = RequestEnvelope::decode(decoder.next_frame().unwrap().unwrap());
    }

    #[test]
    fn a_damaged_response_is_read_or_refused(
        version in version(),
        response in envelope(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut wire = BytesMut::new();
        ServerEncoder::new().encode(version, 1, &response, &mut wire).unwrap();
        damage(&mut wire, &changes);
        let mut decoder = ClientDecoder::new(FrameLimits::default());
        decoder.push(&wire);
        let envelope = Envelope::decode(decoder.next_frame().unwrap().unwrap());
        if let Ok(Envelope { response: Response::Rows(rows), .. }) = envelope {
            prop_assert_eq!(rows.rows.iter().count(), rows.rows.len());
        }
    }

    #[test]
    fn a_request_cut_short_is_refused(
        (version, mut request) in version().prop_flat_map(|v| (Just(v), request_envelope(v))),
        keep in any::<prop::sample::Index>(),
    ) {
        request.payload.clear();
        let mut wire = BytesMut::new();
        ClientEncoder::new().encode(version, 1, &request, &mut wire).unwrap();
        let body = wire.split_off(9).freeze();
        if body.is_empty() {
            return Ok(());
        }
        let body = body.slice(..keep.index(body.len()));
        prop_assert!(Request::decode(version, request.request.opcode(), body).is_err());
    }
}

fn refused(version: Version, opcode: Opcode, body: &[u8]) -> DecodeError {
    Request::decode(version, opcode, Bytes::copy_from_slice(body)).unwrap_err()
}

#[test]
fn counts_and_lengths_that_the_body_has_no_room_for_are_refused() {
    let values = [0, 0, 0, 0, 0, 1, 0x01, 0xFF, 0xFF];
    let error = refused(Version::V4, Opcode::Query, &values);
    assert_eq!(error, DecodeError::Count { what: "values", count: 65_535, left: 0 });
    let error = refused(Version::V4, Opcode::Query, &[0x7F, 0xFF, 0xFF, 0xFF, b'S']);
    assert_eq!(error, DecodeError::Truncated { missing: 0x7FFF_FFFE });
    let error = refused(Version::V4, Opcode::Query, &[0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(error, DecodeError::Length { what: "long string", length: -1 });
    let error = refused(Version::V4, Opcode::Batch, &[0, 0xFF, 0xFF, 0]);
    assert_eq!(error, DecodeError::Count { what: "statements", count: 65_535, left: 1 });
    // kind rows, no metadata, 2^31-1 columns, 2^31-1 rows
    let huge = [0, 0, 0, 2, 0, 0, 0, 4, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF];
    Response::decode(Version::V4, Opcode::Result, Bytes::copy_from_slice(&huge)).unwrap_err();
}

/// Found by `cellar-fuzz frames`: as many rows as bytes were left, which then belonged to none.
#[test]
fn rows_without_columns_are_refused() {
    // kind rows, no metadata, no columns, 3 rows, and bytes that are not theirs
    let body = [0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9, 9];
    let decode =
        |body: &[u8]| Response::decode(Version::V4, Opcode::Result, Bytes::copy_from_slice(body));
    let error = decode(&body).unwrap_err();
    assert_eq!(error, DecodeError::Count { what: "rows without columns", count: 3, left: 0 });
    let mut none = body;
    none[15] = 0;
    decode(&none).unwrap();
}

#[test]
fn a_type_nested_without_end_is_refused() {
    // kind rows, one column in full: keyspace, table and name empty, then list of list of …
    let mut body = vec![0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for _ in 0..100_000 {
        body.extend([0, 0x20]);
    }
    let error = Response::decode(Version::V4, Opcode::Result, Bytes::from(body)).unwrap_err();
    assert_eq!(error, DecodeError::Nesting { max: 64 });
}

#[test]
fn an_opcode_of_the_other_direction_is_refused() {
    let error = refused(Version::V4, Opcode::Ready, &[]);
    assert_eq!(error, DecodeError::Direction { opcode: Opcode::Ready });
    Response::decode(Version::V4, Opcode::Options, Bytes::new()).unwrap_err();
}

#[test]
fn flags_of_a_younger_version_are_refused() {
    let error = refused(Version::V4, Opcode::Query, &[0, 0, 0, 0, 0, 1, 0x80]);
    assert_eq!(error, DecodeError::Unknown { what: "query flag", value: 0x80 });
    let error = refused(Version::V5, Opcode::Query, &[0, 0, 0, 0, 0, 1, 0, 0, 2, 0]);
    assert_eq!(error, DecodeError::Unknown { what: "query flag", value: 0x200 });
}

#[test]
fn values_are_slices_of_the_body() {
    let mut body = BytesMut::from(&[0, 1, 9, 0, 1, 0x01, 0, 1, 0, 0, 0x10, 0][..]);
    body.extend_from_slice(&[3; 4_096]);
    let body = body.freeze();
    let range = body.as_ptr_range();
    let request = Request::decode(Version::V4, Opcode::Execute, body.clone()).unwrap();
    let Request::Execute(execute) = request else { panic!() };
    let cellar_wire::Values::Positional(values) = execute.params.values else { panic!() };
    let cellar_wire::Value::Bytes(value) = &values[0] else { panic!() };
    assert_eq!(value.len(), 4_096);
    assert!(range.contains(&value.as_ptr()));
}
