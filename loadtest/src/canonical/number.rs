//! Integers of any length between the driver's bytes (two's complement, highest first) and digits.

/// Digits of an integer of any length.
#[must_use]
pub fn digits(bytes: &[u8]) -> String {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u16;
        for byte in &mut magnitude {
            let part = rest * 256 + u16::from(*byte);
            *byte = u8::try_from(part / 10).unwrap_or_default();
            rest = part % 10;
        }
        digits.push(char::from(b'0' + u8::try_from(rest).unwrap_or_default()));
    }
    if digits.is_empty() {
        return "0".to_owned();
    }
    if negative {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

/// The shortest bytes of an integer; none if the text is not one.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let positive = text.strip_prefix('-').unwrap_or(text);
    let mut magnitude = Vec::new();
    for digit in positive.chars() {
        let mut carry = u16::try_from(digit.to_digit(10)?).ok()?;
        for byte in magnitude.iter_mut().rev() {
            let part = u16::from(*byte) * 10 + carry;
            *byte = u8::try_from(part % 256).ok()?;
            carry = part / 256;
        }
        if carry > 0 {
            magnitude.insert(0, u8::try_from(carry).ok()?);
        }
    }
    magnitude.insert(0, 0);
    if text.starts_with('-') {
        negate(&mut magnitude);
    }
    while let [first, second, ..] = magnitude.as_slice() {
        let sign_stays = (first ^ second) & 0x80 == 0;
        if !sign_stays || !matches!(first, 0x00 | 0xff) {
            break;
        }
        magnitude.remove(0);
    }
    Some(magnitude)
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
        *byte = sum;
        carry = over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_bytes_of_an_integer_are_each_others_inverse() {
        let long = "-170141183460469231731687303715884105728";
        for text in ["0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "65536", long] {
            assert_eq!(digits(&bytes(text).unwrap()), text);
        }
        for number in [0_i64, -1, 128, -129, i64::MAX, i64::MIN] {
            assert_eq!(digits(&number.to_be_bytes()), number.to_string());
        }
        assert_eq!(bytes("128"), Some(vec![0, 128]));
        assert_eq!(bytes("-128"), Some(vec![128]));
        assert_eq!(bytes("1x"), None);
    }
}
