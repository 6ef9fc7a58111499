//! Scalars to and from wire bytes. `as_…` gives nothing for bytes of another length, so also for
//! the empty value.

use std::net::IpAddr;

use bytes::Bytes;
use num_bigint::BigInt;
use uuid::Uuid;

use super::NUMBER_BYTES_MAX;

/// Wire bytes of an int.
#[must_use]
pub fn int(value: i32) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

/// Wire bytes of a bigint or counter.
#[must_use]
pub fn bigint(value: i64) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

/// Wire bytes of a smallint.
#[must_use]
pub fn smallint(value: i16) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

/// Wire bytes of a tinyint.
#[must_use]
pub fn tinyint(value: i8) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

/// Wire bytes of a double.
#[must_use]
pub fn double(value: f64) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

/// Wire bytes of a float.
#[must_use]
pub fn float(value: f32) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

/// Wire bytes of a text or ascii.
#[must_use]
pub fn text(value: &str) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

/// Wire bytes of a boolean.
#[must_use]
pub fn boolean(value: bool) -> Bytes {
    if value { Bytes::from_static(&[1]) } else { Bytes::from_static(&[0]) }
}

/// Wire bytes of a timestamp in milliseconds since the epoch.
#[must_use]
pub fn timestamp(epoch_ms: i64) -> Bytes {
    bigint(epoch_ms)
}

/// Wire bytes of a date: days, with 2^31 meaning 1970-01-01.
#[must_use]
pub fn date(days: u32) -> Bytes {
    Bytes::copy_from_slice(&days.to_be_bytes())
}

/// Wire bytes of a time in nanoseconds since midnight.
#[must_use]
pub fn time(of_day_ns: i64) -> Bytes {
    bigint(of_day_ns)
}

/// Wire bytes of a uuid or timeuuid.
#[must_use]
pub fn uuid(value: Uuid) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

/// Wire bytes of an inet.
#[must_use]
pub fn inet(value: IpAddr) -> Bytes {
    match value {
        IpAddr::V4(address) => Bytes::copy_from_slice(&address.octets()),
        IpAddr::V6(address) => Bytes::copy_from_slice(&address.octets()),
    }
}

/// Wire bytes of a varint: as few bytes as its two's complement needs.
#[must_use]
pub fn varint(value: &BigInt) -> Bytes {
    Bytes::from(value.to_signed_bytes_be())
}

/// Wire bytes of the decimal `unscaled × 10^-scale`.
#[must_use]
pub fn decimal(unscaled: &BigInt, scale: i32) -> Bytes {
    let mut bytes = scale.to_be_bytes().to_vec();
    bytes.extend_from_slice(&unscaled.to_signed_bytes_be());
    Bytes::from(bytes)
}

/// Wire bytes of a duration. Parts must not differ in sign.
#[must_use]
pub fn duration(months: i32, days: i32, nanoseconds: i64) -> Bytes {
    let mut bytes = Vec::with_capacity(9);
    for part in [i64::from(months), i64::from(days), nanoseconds] {
        let zigzag = (part << 1) ^ (part >> 63);
        write_unsigned_vint(&mut bytes, zigzag.cast_unsigned());
    }
    Bytes::from(bytes)
}

/// The int in these bytes.
#[must_use]
pub fn as_i32(bytes: &[u8]) -> Option<i32> {
    bytes.try_into().ok().map(i32::from_be_bytes)
}

/// The bigint, counter, timestamp or time in these bytes.
#[must_use]
pub fn as_i64(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_be_bytes)
}

/// The smallint in these bytes.
#[must_use]
pub fn as_i16(bytes: &[u8]) -> Option<i16> {
    bytes.try_into().ok().map(i16::from_be_bytes)
}

/// The tinyint in these bytes.
#[must_use]
pub fn as_i8(bytes: &[u8]) -> Option<i8> {
    bytes.try_into().ok().map(i8::from_be_bytes)
}

/// The date in these bytes.
#[must_use]
pub fn as_u32(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// The double in these bytes.
#[must_use]
pub fn as_f64(bytes: &[u8]) -> Option<f64> {
    bytes.try_into().ok().map(f64::from_be_bytes)
}

/// The float in these bytes.
#[must_use]
pub fn as_f32(bytes: &[u8]) -> Option<f32> {
    bytes.try_into().ok().map(f32::from_be_bytes)
}

/// The boolean in these bytes; any byte but 0 is true.
#[must_use]
pub fn as_bool(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [byte] => Some(*byte != 0),
        _ => None,
    }
}

/// The text in these bytes, empty text included.
#[must_use]
pub fn as_str(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The uuid in these bytes.
#[must_use]
pub fn as_uuid(bytes: &[u8]) -> Option<Uuid> {
    bytes.try_into().ok().map(Uuid::from_bytes)
}

/// The address in these bytes.
#[must_use]
pub fn as_inet(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(octets));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// The varint in these bytes; nothing if it is longer than [`NUMBER_BYTES_MAX`].
#[must_use]
pub fn as_varint(bytes: &[u8]) -> Option<BigInt> {
    let fits = (1..=NUMBER_BYTES_MAX).contains(&bytes.len());
    fits.then(|| BigInt::from_signed_bytes_be(bytes))
}

/// Unscaled value and scale of the decimal in these bytes; nothing if the unscaled value is longer
/// than [`NUMBER_BYTES_MAX`].
#[must_use]
pub fn as_decimal(bytes: &[u8]) -> Option<(BigInt, i32)> {
    let (scale, unscaled) = bytes.split_first_chunk::<4>()?;
    let fits = unscaled.len() <= NUMBER_BYTES_MAX;
    fits.then(|| (BigInt::from_signed_bytes_be(unscaled), i32::from_be_bytes(*scale)))
}

/// Months, days and nanoseconds of the duration in these bytes.
#[must_use]
pub fn as_duration(bytes: &[u8]) -> Option<(i32, i32, i64)> {
    let (months, days, nanoseconds) = as_wide_duration(bytes)?;
    Some((i32::try_from(months).ok()?, i32::try_from(days).ok()?, nanoseconds))
}

/// Months, days and nanoseconds, however large they are written.
pub(super) fn as_wide_duration(bytes: &[u8]) -> Option<(i64, i64, i64)> {
    let (months, rest) = read_vint(bytes)?;
    let (days, rest) = read_vint(rest)?;
    let (nanoseconds, rest) = read_vint(rest)?;
    rest.is_empty().then_some((months, days, nanoseconds))
}

fn read_vint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (raw, rest) = read_unsigned_vint(bytes)?;
    Some(((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed(), rest))
}

/// Cassandra's unsigned vint: as many leading one bits in the first byte as bytes follow it.
pub(crate) fn read_unsigned_vint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let extra = first.leading_ones();
    let (tail, rest) = rest.split_at_checked(usize::try_from(extra).ok()?)?;
    let mask = u8::try_from(0xff_u32.checked_shr(extra + 1).unwrap_or(0)).unwrap_or(0);
    let start = u64::from(first & mask);
    Some((tail.iter().fold(start, |sum, byte| (sum << 8) | u64::from(*byte)), rest))
}

/// Writes Cassandra's unsigned vint in as few bytes as it needs.
pub(crate) fn write_unsigned_vint(out: &mut Vec<u8>, value: u64) {
    let bits = (64 - value.leading_zeros()).max(1);
    let extra = ((bits - 1) / 7).min(8);
    let bytes = value.to_be_bytes();
    let extra_bytes = usize::try_from(extra).unwrap_or(8);
    let ones = if extra == 0 { 0 } else { 0xff_u8.checked_shl(8 - extra).unwrap_or(0xff) };
    let mut tail = bytes.iter().rev().take(extra_bytes + 1).rev();
    if extra == 8 {
        out.push(0xff);
        out.extend_from_slice(&bytes);
    } else if let Some(first) = tail.next() {
        out.push(ones | first);
        out.extend(tail);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn durations_are_encoded_as_in_the_native_protocol() {
        assert_eq!(duration(0, 0, 0).as_ref(), [0, 0, 0]);
        assert_eq!(duration(1, 2, 3).as_ref(), [2, 4, 6]);
        assert_eq!(duration(-1, -2, -3).as_ref(), [1, 3, 5]);
        assert_eq!(duration(0, 0, 64).as_ref(), [0, 0, 0x80, 0x80]);
    }

    #[test]
    fn vints_of_every_length_read_back() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1_u64 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                write_unsigned_vint(&mut bytes, value);
                assert_eq!(read_unsigned_vint(&bytes), Some((value, &[][..])), "{value:x}");
            }
        }
        for parts in [(i32::MIN, i32::MIN, i64::MIN), (i32::MAX, i32::MAX, i64::MAX)] {
            assert_eq!(as_duration(&duration(parts.0, parts.1, parts.2)).unwrap(), parts);
        }
    }
}
