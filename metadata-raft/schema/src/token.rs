//! Cassandra's partitioner: the token of a partition key. Bit-exact with `Murmur3Partitioner`,
//! because drivers route by it.

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

/// The token of a routing key: the first half of Murmur3 x64 128 with seed 0, with the bytes of
/// the tail taken as signed as Cassandra does, and with the smallest value mapped to the largest.
#[must_use]
pub fn token(routing: &[u8]) -> i64 {
    let (mut h1, mut h2) = (0_u64, 0_u64);
    let (blocks, tail) = routing.as_chunks::<16>();
    for block in blocks {
        let block = u128::from_le_bytes(*block);
        let (k1, k2) = halves(block);
        h1 ^= mix_k1(k1);
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= mix_k2(k2);
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (low, high) = tail.split_at_checked(8).unwrap_or((tail, &[]));
    if !high.is_empty() {
        h2 ^= mix_k2(signed_tail(high));
    }
    if !low.is_empty() {
        h1 ^= mix_k1(signed_tail(low));
    }
    let length = u64::try_from(routing.len()).unwrap_or(u64::MAX);
    h1 ^= length;
    h2 ^= length;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = finish(h1);
    h2 = finish(h2);
    let token = h1.wrapping_add(h2).cast_signed();
    if token == i64::MIN { i64::MAX } else { token }
}

#[expect(clippy::cast_possible_truncation, reason = "splitting a number into its two halves")]
fn halves(block: u128) -> (u64, u64) {
    (block as u64, (block >> 64) as u64)
}

/// Little endian, every byte sign-extended before it is mixed in: Cassandra's bug, kept for ever.
fn signed_tail(bytes: &[u8]) -> u64 {
    bytes.iter().zip((0_u32..).step_by(8)).fold(0, |sum, (byte, shift)| {
        sum ^ (i64::from(byte.cast_signed()).cast_unsigned() << shift)
    })
}

fn mix_k1(k1: u64) -> u64 {
    k1.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn mix_k2(k2: u64) -> u64 {
    k2.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

fn finish(mut k: u64) -> u64 {
    k ^= k >> 33;
    k = k.wrapping_mul(0xff51_afd7_ed55_8ccd);
    k ^= k >> 33;
    k = k.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    k ^ (k >> 33)
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn tokens_are_those_the_drivers_compute() {
        // From the test suite of the DataStax Python driver (test_metadata.py).
        assert_eq!(token(b"123"), -7_468_325_962_851_647_638);
        assert_eq!(token(&[0x00, 0xff, 0x10, 0xfa, 0x99].repeat(10)), 5_837_342_703_291_459_765);
        assert_eq!(token(&[0xfe; 8]), -8_927_430_733_708_461_935);
        assert_eq!(token(&[0x10; 8]), 1_446_172_840_243_228_796);
        assert_eq!(token(b"9223372036854775807"), 7_162_290_910_810_015_547);
    }

    #[test]
    fn bytes_of_the_tail_are_signed() {
        // From a second transcription of Cassandra's MurmurHash, in Python, checked against the
        // values above: tails of both halves made of negative bytes.
        assert_eq!(token(&[0xfe; 15]), 8_102_345_716_022_190_393);
        assert_eq!(token(&[0x80; 9]), -8_549_929_301_482_172_571);
        let bytes = (0xf0..=0xff).chain(0x80..=0x8e).collect::<Vec<u8>>();
        assert_eq!(token(&bytes), -3_178_509_922_528_124_351);
        assert_eq!(token(b""), 0);
    }
}
