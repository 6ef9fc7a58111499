//! Changes to inputs: bits, bytes, numbers, pieces, words, and pieces of other inputs.

use fastrand::Rng;

/// Inputs do not grow beyond this many bytes.
pub(crate) const INPUT_BYTES_MAX: usize = 64 << 10;

/// Numbers at which code changes its mind.
const NUMBERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    7,
    8,
    0x10,
    0x1f,
    0x20,
    0x3f,
    0x40,
    0x7e,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// Changes an input in one to a few places.
pub(crate) fn mutate(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], rng: &mut Rng) {
    let changes = 1 << rng.u32(0..4);
    for _ in 0..rng.u32(1..=changes) {
        once(input, other, words, rng);
    }
    input.truncate(INPUT_BYTES_MAX);
}

fn once(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], rng: &mut Rng) {
    match rng.u8(0..14) {
        0..2 => change_byte(input, rng, |byte, rng| byte ^ (1 << rng.u32(0..8))),
        2 => change_byte(input, rng, |_, rng| rng.u8(..)),
        3 => change_byte(input, rng, |byte, rng| {
            let step = rng.u8(1..=4);
            if rng.bool() { byte.wrapping_add(step) } else { byte.wrapping_sub(step) }
        }),
        4..6 => write_number(input, rng),
        6 => add_to_number(input, rng),
        7 => {
            let (from, to) = range(input.len(), rng);
            input.drain(from..to);
        }
        8 => {
            let (from, to) = range(input.len(), rng);
            let piece = input.get(from..to).unwrap_or_default().to_vec();
            insert(input, &piece, rng);
        }
        9 => {
            let length = rng.usize(1..=16);
            let byte = if rng.bool() { Some(rng.u8(..)) } else { None };
            let piece: Vec<u8> = (0..length).map(|_| byte.unwrap_or_else(|| rng.u8(..))).collect();
            insert(input, &piece, rng);
        }
        10 => {
            let (from, to) = range(other.len(), rng);
            insert(input, other.get(from..to).unwrap_or_default(), rng);
        }
        11 => {
            // The beginning of this and the end of the other.
            input.truncate(rng.usize(0..=input.len()));
            let from = rng.usize(0..=other.len());
            input.extend_from_slice(other.get(from..).unwrap_or_default());
        }
        12 if !words.is_empty() => {
            let word = words.get(rng.usize(0..words.len())).copied().unwrap_or_default();
            if rng.bool() { insert(input, word, rng) } else { overwrite(input, word, rng) }
        }
        12 => write_number(input, rng),
        _ => input.truncate(rng.usize(0..=input.len())),
    }
}

fn change_byte(input: &mut [u8], rng: &mut Rng, change: impl Fn(u8, &mut Rng) -> u8) {
    if input.is_empty() {
        return;
    }
    let at = rng.usize(0..input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte = change(*byte, rng);
    }
}

/// A number in one to eight bytes, in either order: what lengths and counts look like.
fn write_number(input: &mut Vec<u8>, rng: &mut Rng) {
    let length = u64::try_from(input.len()).unwrap_or(0);
    let number = match rng.u8(0..4) {
        0 => length.wrapping_add(rng.u64(0..5)).wrapping_sub(2),
        1 => rng.u64(..) >> rng.u32(0..64),
        _ => NUMBERS.get(rng.usize(0..NUMBERS.len())).copied().unwrap_or(0),
    };
    let piece = number_bytes(number, rng);
    if rng.u8(0..4) == 0 { insert(input, &piece, rng) } else { overwrite(input, &piece, rng) }
}

fn number_bytes(number: u64, rng: &mut Rng) -> Vec<u8> {
    let width = 1 << rng.u32(0..4);
    let little = number.to_le_bytes();
    match rng.u8(0..3) {
        0 => little.iter().take(width).copied().collect(),
        1 => little.iter().take(width).rev().copied().collect(),
        _ => varint(number),
    }
}

/// Little endian groups of seven bits, as stored records have them.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Adds a little to a big-endian or little-endian number that may stand somewhere.
fn add_to_number(input: &mut [u8], rng: &mut Rng) {
    let at = rng.usize(0..=input.len());
    let Some(field) = input.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) else {
        return;
    };
    let step = rng.u32(1..=16);
    let step = if rng.bool() { step } else { step.wrapping_neg() };
    *field = match rng.bool() {
        true => u32::from_be_bytes(*field).wrapping_add(step).to_be_bytes(),
        false => u32::from_le_bytes(*field).wrapping_add(step).to_le_bytes(),
    };
}

/// A range of at most 64 bytes mostly, now and then of any length.
fn range(length: usize, rng: &mut Rng) -> (usize, usize) {
    let from = rng.usize(0..=length);
    let most = if rng.u8(0..8) == 0 { length } else { 64 };
    (from, rng.usize(from..=length.min(from.saturating_add(most))))
}

fn insert(input: &mut Vec<u8>, piece: &[u8], rng: &mut Rng) {
    let at = rng.usize(0..=input.len());
    input.splice(at..at, piece.iter().copied());
}

fn overwrite(input: &mut [u8], piece: &[u8], rng: &mut Rng) {
    let at = rng.usize(0..=input.len());
    for (target, byte) in input.iter_mut().skip(at).zip(piece) {
        *target = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_changes() {
        let run = |seed| {
            let mut rng = Rng::with_seed(seed);
            let mut input = b"SELECT * FROM t".to_vec();
            for _ in 0..1_000 {
                mutate(&mut input, b"INSERT", &[b"WHERE"], &mut rng);
            }
            input
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn nothing_and_too_much_are_inputs_like_any_other() {
        let mut rng = Rng::with_seed(3);
        for _ in 0..10_000 {
            let mut empty = Vec::new();
            mutate(&mut empty, &[], &[], &mut rng);
        }
        let mut long = vec![0; INPUT_BYTES_MAX * 2];
        mutate(&mut long, &[1; 100], &[], &mut rng);
        assert!(long.len() <= INPUT_BYTES_MAX);
    }

    #[test]
    fn varints_are_those_of_stored_records() {
        assert_eq!(varint(0), [0]);
        assert_eq!(varint(0x7f), [0x7f]);
        assert_eq!(varint(0x80), [0x80, 1]);
        assert_eq!(varint(u64::MAX).len(), 10);
    }
}
