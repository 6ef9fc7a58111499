//! What one end encodes, the other end reads, in every version.
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod arbitrary;

use arbitrary::{envelope, received, request_envelope, version};
use bytes::BytesMut;
use cellar_wire::{
    ClientDecoder, ClientEncoder, Compression, Direction, Envelope, FrameLimits, RequestEnvelope,
    ServerDecoder, ServerEncoder, Version,
};
use proptest::prelude::*;

fn number(stream: usize) -> i16 {
    stream.try_into().unwrap()
}

/// How a connection may be set up.
#[derive(Clone, Copy, Debug)]
struct Setup {
    version: Version,
    compression: Compression,
    framed: bool,
}

fn setup() -> impl Strategy<Value = Setup> {
    let compression = vec![Compression::None, Compression::Lz4, Compression::Snappy];
    (version(), prop::sample::select(compression), any::<bool>()).prop_map(
        |(version, compression, framed)| Setup {
            version,
            compression,
            framed: framed && version == Version::V5,
        },
    )
}

macro_rules! set_up {
    ($setup:expr, $($end:expr),+) => {$(
        if $setup.framed {
            $end.switch_to_v5_framing($setup.compression);
        } else if $setup.version < Version::V5 {
            $end.set_compression($setup.compression);
        }
    )+};
}

proptest! {
    #[test]
    fn a_server_reads_every_request_a_client_writes(
        (setup, requests) in setup().prop_flat_map(|setup| {
            (Just(setup), prop::collection::vec(request_envelope(setup.version), 1..6))
        }),
        cuts in prop::collection::vec(1_usize..50, 1..8),
    ) {
        let (mut encoder, mut wire) = (ClientEncoder::new(), BytesMut::new());
        let mut decoder = ServerDecoder::new(FrameLimits::default());
        set_up!(setup, encoder, decoder);
        for (stream, request) in requests.iter().enumerate() {
            encoder.encode(setup.version, number(stream), request, &mut wire).unwrap();
        }
        encoder.flush(&mut wire);
        let mut found = Vec::new();
        let mut cuts = cuts.into_iter().cycle();
        while !wire.is_empty() {
            let cut = cuts.next().unwrap().min(wire.len());
            decoder.push(&wire.split_to(cut));
            while let Some(frame) = decoder.next_frame().unwrap() {
                prop_assert_eq!(frame.header.version, setup.version);
                prop_assert_eq!(frame.header.direction, Direction::Request);
                prop_assert_eq!(frame.header.stream, number(found.len()));
                found.push(RequestEnvelope::decode(frame).unwrap());
            }
        }
        prop_assert_eq!(found, requests);
    }

    #[test]
    fn a_client_reads_every_response_a_server_writes(
        setup in setup(),
        responses in prop::collection::vec(envelope(), 1..6),
        cuts in prop::collection::vec(1_usize..50, 1..8),
    ) {
        let (mut encoder, mut wire) = (ServerEncoder::new(), BytesMut::new());
        let mut decoder = ClientDecoder::new(FrameLimits::default());
        set_up!(setup, encoder, decoder);
        for (stream, response) in responses.iter().enumerate() {
            encoder.encode(setup.version, -number(stream), response, &mut wire).unwrap();
        }
        encoder.flush(&mut wire);
        let mut found = Vec::new();
        let mut cuts = cuts.into_iter().cycle();
        while !wire.is_empty() {
            let cut = cuts.next().unwrap().min(wire.len());
            decoder.push_buffer(wire.split_to(cut));
            while let Some(frame) = decoder.next_frame().unwrap() {
                prop_assert_eq!(frame.header.stream, -number(found.len()));
                found.push(Envelope::decode(frame).unwrap());
            }
        }
        let wanted: Vec<Envelope> =
            responses.into_iter().map(|response| received(response, setup.version)).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn what_a_client_read_can_be_written_again_unchanged(
        version in version(),
        response in envelope(),
    ) {
        let read = received(response, version);
        let (mut first, mut second) = (BytesMut::new(), BytesMut::new());
        ServerEncoder::new().encode(version, 1, &read, &mut first).unwrap();
        let mut decoder = ClientDecoder::new(FrameLimits::default());
        decoder.push(&first);
        let again = Envelope::decode(decoder.next_frame().unwrap().unwrap()).unwrap();
        ServerEncoder::new().encode(version, 1, &again, &mut second).unwrap();
        prop_assert_eq!(first, second);
    }
}
