//! Framing: limits, compression, large and many envelopes, damage, and what each breach means for
//! the connection.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests fail loudly")]

use bytes::{Bytes, BytesMut};
use cellar_wire::{
    AuthResponse, ClientDecoder, ClientEncoder, Compression, Envelope, ErrorBody, Flags,
    FrameError, FrameLimits, Options, Request, RequestEnvelope, Response, ServerDecoder,
    ServerEncoder, Version,
};
use proptest::prelude::*;

const OPTIONS_V4: [u8; 9] = [4, 0, 0, 9, 5, 0, 0, 0, 0];

fn limits(max_frame_bytes: u32) -> FrameLimits {
    FrameLimits { max_frame_bytes, ..FrameLimits::default() }
}

fn server() -> ServerDecoder {
    ServerDecoder::new(FrameLimits::default())
}

fn token(bytes: Vec<u8>) -> RequestEnvelope {
    Request::AuthResponse(AuthResponse { token: Some(Bytes::from(bytes)) }).into()
}

/// Bytes that compress badly, different for each seed.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn framed(requests: &[RequestEnvelope], compression: Compression) -> BytesMut {
    let (mut encoder, mut out) = (ClientEncoder::new(), BytesMut::new());
    encoder.switch_to_v5_framing(compression);
    for request in requests {
        encoder.encode(Version::V5, 1, request, &mut out).unwrap();
    }
    encoder.flush(&mut out);
    out
}

fn all_requests(decoder: &mut ServerDecoder) -> Vec<RequestEnvelope> {
    let mut found = Vec::new();
    while let Some(frame) = decoder.next_frame().unwrap() {
        found.push(RequestEnvelope::decode(frame).unwrap());
    }
    found
}

#[test]
fn an_unknown_version_is_answered_in_the_newest_known_and_ends_the_connection() {
    for (version, header, stream) in [
        (66, &[66_u8, 0, 0, 9, 5, 0, 0, 0, 0][..], 9),
        (65, &[65, 0, 1, 0][..], 256),
        (6, &[6, 0x10, 0, 1, 5, 0, 0, 0, 0][..], 1),
        (2, &[2, 0, 7, 5, 0, 0, 0, 0][..], 7),
    ] {
        let mut decoder = server();
        decoder.push(header);
        let error = decoder.next_frame().unwrap_err();
        assert_eq!((error.stream(), error.reply_version()), (Some(stream), Version::V5));
        assert!(error.is_fatal());
        let wanted = format!(
            "Invalid or unsupported protocol version ({version}); \
             supported versions are (3/v3, 4/v4, 5/v5)"
        );
        assert_eq!(error.to_error_body(), ErrorBody::ProtocolError(wanted));
        decoder.push(&OPTIONS_V4);
        assert_eq!(decoder.next_frame().unwrap(), None);
    }
}

#[test]
fn a_version_above_the_configured_one_is_unknown() {
    let mut decoder =
        ServerDecoder::new(FrameLimits { max_version: Version::V4, ..FrameLimits::default() });
    decoder.push(&[5, 0, 0, 9, 5, 0, 0, 0, 0]);
    let error = decoder.next_frame().unwrap_err();
    assert_eq!(error.reply_version(), Version::V4);
    assert!(error.to_string().ends_with("(3/v3, 4/v4)"), "{error}");
}

#[test]
fn an_unknown_opcode_is_refused_and_what_follows_is_read() {
    let mut decoder = server();
    decoder.push(&[4, 0, 0, 3, 4, 0, 0, 0, 2, 0xFF, 0xFF]);
    decoder.push(&OPTIONS_V4);
    let error = decoder.next_frame().unwrap_err();
    assert_eq!(error, FrameError::Opcode { opcode: 4, version: Version::V4, stream: 3 });
    assert!(!error.is_fatal());
    assert_eq!(all_requests(&mut decoder), [Request::Options(Options).into()]);
}

#[test]
fn a_response_sent_to_a_server_ends_the_connection() {
    let mut decoder = server();
    decoder.push(&[0x84, 0, 0, 3, 2, 0, 0, 0, 0]);
    let error = decoder.next_frame().unwrap_err();
    assert_eq!(error, FrameError::Direction { version: Version::V4, stream: 3 });
    assert!(error.is_fatal());
}

#[test]
fn a_body_over_the_limit_is_refused_at_once_skipped_and_what_follows_is_read() {
    let mut decoder = ServerDecoder::new(limits(100));
    decoder.push(&[4, 0, 0, 5, 7, 0, 0, 0, 101]);
    let error = decoder.next_frame().unwrap_err();
    assert!(!error.is_fatal());
    assert!(matches!(error.to_error_body(), ErrorBody::Invalid(_)), "as Cassandra answers");
    assert_eq!(error.stream(), Some(5));
    for _ in 0..101 {
        assert_eq!(decoder.next_frame().unwrap(), None);
        decoder.push(&[4]);
    }
    decoder.push(&OPTIONS_V4);
    assert_eq!(all_requests(&mut decoder), [Request::Options(Options).into()]);
}

#[test]
fn a_large_request_over_the_limit_is_skipped_across_v5_frames() {
    let large = token(noise(400_000, 3));
    let small = token(vec![1]);
    for compression in [Compression::None, Compression::Lz4] {
        let mut decoder = ServerDecoder::new(limits(399_999));
        decoder.switch_to_v5_framing(compression);
        decoder.push(&framed(&[large.clone(), small.clone()], compression));
        let error = decoder.next_frame().unwrap_err();
        assert!(matches!(error, FrameError::TooLarge { bytes: 400_004, .. }), "{error:?}");
        assert_eq!(all_requests(&mut decoder), std::slice::from_ref(&small));
    }
}

#[test]
fn envelopes_of_any_size_pass_v5_framing_in_order() {
    let sizes = [0, 1, 131_057, 131_058, 131_059, 7, 131_071, 262_142, 500_000, 3, 130_000, 2_000];
    let requests: Vec<_> = sizes.iter().map(|size| token(noise(*size, *size as u64))).collect();
    for compression in [Compression::None, Compression::Lz4] {
        let wire = framed(&requests, compression);
        for step in [1_000, 131_072, usize::MAX] {
            let mut decoder = server();
            decoder.switch_to_v5_framing(compression);
            let mut found = Vec::new();
            for part in wire.chunks(step.min(wire.len())) {
                decoder.push(part);
                found.extend(all_requests(&mut decoder));
            }
            assert_eq!(found, requests);
        }
    }
}

#[test]
fn many_small_responses_share_one_v5_frame() {
    let (mut encoder, mut out) = (ServerEncoder::new(), BytesMut::new());
    encoder.switch_to_v5_framing(Compression::None);
    for stream in 0..1_000 {
        encoder.encode_response(Version::V5, stream, &Response::ResultVoid, &mut out).unwrap();
    }
    assert!(out.is_empty());
    encoder.flush(&mut out);
    assert_eq!(out.len(), 6 + 1_000 * (9 + 4) + 4);
    encoder.flush(&mut out);
    assert_eq!(out.len(), 6 + 1_000 * (9 + 4) + 4, "nothing is written twice");
}

#[test]
fn bodies_are_compressed_from_v3_to_v4_only_when_that_is_shorter() {
    for compression in [Compression::Lz4, Compression::Snappy] {
        for (body, compressed) in
            [(vec![7; 10_000], true), (noise(10_000, 5), false), (vec![7; 100], false)]
        {
            let (mut encoder, mut out) = (ServerEncoder::new(), BytesMut::new());
            encoder.set_compression(compression);
            let response = Response::AuthSuccess(Some(Bytes::from(body)));
            encoder.encode_response(Version::V4, 1, &response, &mut out).unwrap();
            let mut decoder = ClientDecoder::new(FrameLimits::default());
            decoder.set_compression(compression);
            decoder.push(&out);
            let frame = decoder.next_frame().unwrap().unwrap();
            assert_eq!(frame.header.flags.contains(Flags::COMPRESSION), compressed);
            assert_eq!(Envelope::decode(frame).unwrap().response, response);
        }
    }
}

#[test]
fn a_compressed_body_without_an_agreement_is_refused_and_what_follows_is_read() {
    let mut decoder = server();
    decoder.push(&[4, 1, 0, 3, 7, 0, 0, 0, 1, 0]);
    decoder.push(&OPTIONS_V4);
    let error = decoder.next_frame().unwrap_err();
    assert!(matches!(error, FrameError::Expand { .. }) && !error.is_fatal());
    assert_eq!(all_requests(&mut decoder), [Request::Options(Options).into()]);
}

#[test]
fn a_body_that_claims_to_expand_beyond_reason_is_refused_without_believing_it() {
    let max = 256 << 20;
    for (compression, body) in [
        (Compression::Lz4, &[0x7F, 0xFF, 0xFF, 0xFF, 0][..]),
        (Compression::Lz4, &[0x0F, 0xFF, 0xFF, 0xFF, 0][..]),
        (Compression::Snappy, &[0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0][..]),
        (Compression::Snappy, &[0xFF, 0xFF, 0xFF, 0x07, 0][..]),
    ] {
        let mut decoder = ServerDecoder::new(limits(max));
        decoder.set_compression(compression);
        decoder.push(&[4, 1, 0, 3, 7, 0, 0, 0, body.len() as u8]);
        decoder.push(body);
        let error = decoder.next_frame().unwrap_err();
        assert!(!error.is_fatal(), "{error:?}");
        assert!(matches!(error, FrameError::Expand { .. } | FrameError::TooLarge { .. }));
    }
}

#[test]
fn startup_is_answered_unframed_and_what_follows_is_framed() {
    let mut decoder = server();
    let mut wire = BytesMut::new();
    let mut encoder = ClientEncoder::new();
    encoder.encode(Version::V5, 0, &Request::Options(Options).into(), &mut wire).unwrap();
    encoder.switch_to_v5_framing(Compression::Lz4);
    let requests = vec![token(vec![0; 5_000]), token(noise(5_000, 1))];
    for request in &requests {
        encoder.encode(Version::V5, 1, request, &mut wire).unwrap();
    }
    encoder.flush(&mut wire);
    decoder.push(&wire);
    assert!(decoder.next_frame().unwrap().is_some());
    decoder.switch_to_v5_framing(Compression::Lz4);
    assert_eq!(all_requests(&mut decoder), requests);
}

#[test]
fn a_message_that_cannot_be_encoded_leaves_no_trace() {
    let long = Response::SetKeyspace("k".repeat(70_000));
    let (mut encoder, mut out) = (ServerEncoder::new(), BytesMut::from(&b"before"[..]));
    encoder.encode_response(Version::V4, 1, &long, &mut out).unwrap_err();
    assert_eq!(out, &b"before"[..]);
    encoder.switch_to_v5_framing(Compression::None);
    encoder.encode_response(Version::V5, 1, &Response::Ready, &mut out).unwrap();
    encoder.encode_response(Version::V5, 1, &long, &mut out).unwrap_err();
    encoder.flush(&mut out);
    assert_eq!(out.len(), 6 + 6 + 9 + 4);
}

#[test]
fn an_error_message_too_long_for_its_field_is_cut_between_characters() {
    let mut out = BytesMut::new();
    let error = Response::Error(ErrorBody::Invalid("é".repeat(40_000)));
    ServerEncoder::new().encode_response(Version::V4, 1, &error, &mut out).unwrap();
    let mut decoder = ClientDecoder::new(FrameLimits::default());
    decoder.push(&out);
    let envelope = Envelope::decode(decoder.next_frame().unwrap().unwrap()).unwrap();
    let Response::Error(ErrorBody::Invalid(message)) = envelope.response else { panic!() };
    assert_eq!(message, "é".repeat(32_767));
}

#[test]
fn a_self_contained_frame_between_the_parts_of_a_large_envelope_ends_the_connection() {
    let large = framed(&[token(noise(200_000, 9))], Compression::None);
    let first = 6 + 131_071 + 4;
    let mut decoder = server();
    decoder.switch_to_v5_framing(Compression::None);
    decoder.push(&large[..first]);
    decoder.push(&framed(&[token(vec![1])], Compression::None));
    assert_eq!(decoder.next_frame().unwrap_err(), FrameError::Reassembly);
}

proptest! {
    #[test]
    fn one_flipped_bit_in_a_v5_frame_is_noticed(
        length in 0_usize..600,
        place in any::<prop::sample::Index>(),
        bit in 0..8,
        lz4 in any::<bool>(),
    ) {
        let compression = if lz4 { Compression::Lz4 } else { Compression::None };
        let mut wire = framed(&[token(vec![42; length])], compression);
        let place = place.index(wire.len());
        wire[place] ^= 1_u8 << bit;
        let mut decoder = server();
        decoder.switch_to_v5_framing(compression);
        decoder.push(&wire);
        let error = decoder.next_frame().unwrap_err();
        prop_assert!(error.is_fatal());
        prop_assert_eq!(error.reply_version(), Version::V5);
        let checksum = matches!(error, FrameError::HeaderChecksum | FrameError::PayloadChecksum);
        prop_assert!(checksum, "{:?}", error);
    }
}
