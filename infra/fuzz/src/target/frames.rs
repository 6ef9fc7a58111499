//! The CQL native protocol, both ends: what arrives is read or refused, and what was read can be
//! written and read again.
//!
//! First byte: how the connection is set up. The rest: what arrives.

use bytes::BytesMut;
use cellar_wire::{
    ClientDecoder, ClientEncoder, Compression, Envelope, Frame, FrameError, FrameLimits,
    RequestEnvelope, Response, ServerDecoder, ServerEncoder, Version,
};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{Broken, Outcome, Signature, Target, same};

/// The strategies of the crate's own tests make the seeds.
#[path = "../../../../frontend/wire/tests/arbitrary/mod.rs"]
#[expect(clippy::unwrap_used, reason = "written for tests")]
mod arbitrary;

pub(crate) struct Frames;

/// Frames of an input whose outcome counts as a part of the input's.
const TELLING_FRAMES: usize = 1;

/// How a connection is set up, in a byte.
#[derive(Clone, Copy)]
struct Setup(u8);

impl Setup {
    fn is_client(self) -> bool {
        self.0 & 1 != 0
    }

    fn framed(self) -> bool {
        self.0 & 2 != 0
    }

    fn compression(self) -> Compression {
        match self.0 >> 2 & 3 {
            0 | 1 => Compression::None,
            2 => Compression::Lz4,
            _ => Compression::Snappy,
        }
    }

    /// Bytes that arrive at once; none for everything.
    fn piece_bytes(self) -> Option<usize> {
        let piece = usize::from(self.0 >> 4);
        (piece > 0).then_some(piece)
    }
}

/// Applies a setup to a decoder or an encoder.
macro_rules! set_up {
    ($setup:expr, $end:expr) => {
        if $setup.framed() {
            $end.switch_to_v5_framing($setup.compression());
        } else {
            $end.set_compression($setup.compression());
        }
    };
}

type Frames_ = Vec<Result<Frame, FrameError>>;

/// Everything that the decoder makes of the bytes, arriving in pieces of this size.
macro_rules! frames {
    ($name:ident, $decoder:ty) => {
        fn $name(setup: Setup, bytes: &[u8], piece_bytes: usize) -> Frames_ {
            let mut decoder = <$decoder>::new(FrameLimits::default());
            set_up!(setup, decoder);
            let mut found = Vec::new();
            for piece in bytes.chunks(piece_bytes.max(1)) {
                decoder.push(piece);
                // Errors that are not fatal skip something, so this ends.
                while let Some(next) = decoder.next_frame().transpose() {
                    found.push(next);
                }
            }
            found
        }
    };
}

frames!(requests, ServerDecoder);
frames!(responses, ClientDecoder);

impl Target for Frames {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut runner = TestRunner::deterministic();
        let mut seeds = Vec::new();
        for round in 0..400_usize {
            let Some(version) = Version::ALL.get(round % Version::ALL.len()).copied() else {
                continue;
            };
            let framed = version == Version::V5 && round % 2 == 0;
            let compression = u8::try_from(round / 3 % 4).unwrap_or(0);
            let compression = if version == Version::V5 && !framed { 0 } else { compression };
            let setup = Setup(u8::from(framed) << 1 | compression << 2);
            let mut wire = BytesMut::new();
            if let Ok(tree) = arbitrary::request_envelope(version).new_tree(&mut runner) {
                let mut encoder = ClientEncoder::new();
                set_up!(setup, encoder);
                if encoder.encode(version, 1, &tree.current(), &mut wire).is_ok() {
                    encoder.flush(&mut wire);
                    seeds.push([&[setup.0], &wire.split()[..]].concat());
                }
            }
            let setup = Setup(setup.0 | 1);
            if let Ok(tree) = arbitrary::envelope().new_tree(&mut runner) {
                let mut encoder = ServerEncoder::new();
                set_up!(setup, encoder);
                if encoder.encode(version, 1, &tree.current(), &mut wire).is_ok() {
                    encoder.flush(&mut wire);
                    seeds.push([&[setup.0], &wire.split()[..]].concat());
                }
            }
        }
        seeds
    }

    fn words(&self) -> Vec<&'static [u8]> {
        let words: [&[u8]; 8] = [
            b"\x04\x00\x00\x01\x07\x00\x00\x00",
            b"\x05\x00\x00\x01\x0a\x00\x00\x00",
            b"\x84\x00\x00\x01\x08\x00\x00\x00",
            b"\x85\x02\x00\x01\x08\x00\x00\x00",
            b"\xff\xff\xff\xff",
            b"\xff\xff\xff\xfe",
            b"org.apache.cassandra.db.marshal.VectorType(",
            b"\x00\x30\x00\x02ks",
        ];
        words.into()
    }

    fn repair(&self, input: &mut Vec<u8>) {
        let Some((setup, wire)) = input.split_first_mut() else { return };
        let setup = Setup(*setup);
        if setup.framed() {
            sign_segments(wire, if setup.compression() == Compression::Lz4 { 5 } else { 3 });
        }
    }

    fn run(&self, input: &[u8]) -> Outcome {
        let Some((setup, wire)) = input.split_first() else { return Ok(Signature::default()) };
        let setup = Setup(*setup);
        let read = if setup.is_client() { responses } else { requests };
        let frames = read(setup, wire, usize::MAX);
        if let Some(piece_bytes) = setup.piece_bytes() {
            let law = "the division of the stream into pieces changed what was read";
            same(law, &read(setup, wire, piece_bytes), &frames)?;
        }
        let mut signature = Signature::default();
        signature.size(frames.len());
        // What comes after the first frames makes no new path, only more combinations.
        let mut rest = Signature::default();
        for (index, frame) in frames.into_iter().enumerate() {
            let signature = if index < TELLING_FRAMES { &mut signature } else { &mut rest };
            match frame {
                Ok(frame) if setup.is_client() => response(frame, signature)?,
                Ok(frame) => request(frame, signature)?,
                Err(error) => signature.shape(format_args!("{error:?}")),
            }
        }
        Ok(signature)
    }
}

fn request(frame: Frame, signature: &mut Signature) -> Result<(), Broken> {
    let (version, stream) = (frame.header.version, frame.header.stream);
    let envelope = match RequestEnvelope::decode(frame) {
        Ok(envelope) => envelope,
        Err(error) => {
            signature.shape(format_args!("{error:?}"));
            return Ok(());
        }
    };
    signature.shape(format_args!("{version:?}{envelope:?}"));
    let mut wire = BytesMut::new();
    ClientEncoder::new()
        .encode(version, stream, &envelope, &mut wire)
        .map_err(|error| Broken(format!("a request that was read cannot be written: {error}")))?;
    let frame = only(requests(Setup(0), &wire, usize::MAX))?;
    let again = RequestEnvelope::decode(frame)
        .map_err(|error| Broken(format!("a request that was written cannot be read: {error}")))?;
    same("a request changed on the way", &again, &envelope)
}

fn response(frame: Frame, signature: &mut Signature) -> Result<(), Broken> {
    let (version, stream) = (frame.header.version, frame.header.stream);
    let envelope = match Envelope::decode(frame) {
        Ok(envelope) => envelope,
        Err(error) => {
            signature.shape(format_args!("{error:?}"));
            return Ok(());
        }
    };
    signature.shape(format_args!("{version:?}{envelope:?}"));
    if let Response::Rows(rows) = &envelope.response {
        same("rows were miscounted", &rows.rows.iter().count(), &rows.rows.len())?;
    }
    let write = |envelope: &Envelope| {
        let mut wire = BytesMut::new();
        let written = ServerEncoder::new().encode(version, stream, envelope, &mut wire);
        let broken = |error| Broken(format!("a response that was read cannot be written: {error}"));
        written.map(|()| wire).map_err(broken)
    };
    let first = write(&envelope)?;
    let frame = only(responses(Setup(1), &first, usize::MAX))?;
    let again = Envelope::decode(frame)
        .map_err(|error| Broken(format!("a response that was written cannot be read: {error}")))?;
    same("a response changed on the way", &write(&again)?, &first)
}

fn only(mut frames: Frames_) -> Result<Frame, Broken> {
    match (frames.pop(), frames.is_empty()) {
        (Some(Ok(frame)), true) => Ok(frame),
        (last, _) => Err(Broken(format!("what was written is no single frame: {last:?}"))),
    }
}

/// Puts right checksums on the v5 frames that the bytes seem to be.
fn sign_segments(mut wire: &mut [u8], field_bytes: usize) {
    while let Some((fields, rest)) = wire.split_at_mut_checked(field_bytes) {
        let length = fields.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let length = usize::try_from(length & 0x1_ffff).unwrap_or(usize::MAX);
        let Some((checksum, rest)) = rest.split_at_mut_checked(3) else { return };
        checksum.copy_from_slice(crc24(fields).to_le_bytes().get(..3).unwrap_or(&[0; 3]));
        let Some((payload, rest)) = rest.split_at_mut_checked(length) else { return };
        let Some((checksum, rest)) = rest.split_at_mut_checked(4) else { return };
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&[0xfa, 0x2d, 0x55, 0xca]);
        hasher.update(payload);
        checksum.copy_from_slice(&hasher.finalize().to_le_bytes());
        wire = rest;
    }
}

/// CRC-24 as the protocol has it, written a second time as a witness.
fn crc24(bytes: &[u8]) -> u32 {
    let mut crc = 0x0087_5060_u32;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0197_4f0b;
            }
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_read_whole_and_repairing_it_changes_nothing() {
        let seeds = Frames.seeds();
        assert!(seeds.len() > 600);
        for seed in seeds {
            let setup = Setup(seed[0]);
            let read = if setup.is_client() { responses } else { requests };
            assert!(read(setup, &seed[1..], usize::MAX).iter().all(Result::is_ok));
            let mut repaired = seed.clone();
            Frames.repair(&mut repaired);
            assert_eq!(repaired, seed);
            Frames.run(&seed).unwrap();
        }
    }
}
