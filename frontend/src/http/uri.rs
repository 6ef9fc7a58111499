//! Paths and query strings: percent-decoding, segments, `name=value` pairs.

use super::problem::HttpError;

/// The pairs of a query string, decoded, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads a query string; `+` is a space in it.
    pub(super) fn read(query: Option<&str>) -> Result<Self, HttpError> {
        let query = query.unwrap_or_default();
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name, true)?, decode(value, true)?))
        };
        query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(pair)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The value of this name; of several the first.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// All pairs.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The segments of a path, decoded; a slash at the end is not a segment.
pub(super) fn segments(path: &str) -> Result<Vec<String>, HttpError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').map(|segment| decode(segment, false)).collect()
}

/// Takes percent-encoding off.
fn decode(text: &str, plus_is_space: bool) -> Result<String, HttpError> {
    let broken = || HttpError::malformed(format!("'{text}' is not percent-encoded UTF-8"));
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (digits, tail) = rest.split_first_chunk::<2>().ok_or_else(broken)?;
                let mut decoded = [0];
                hex::decode_to_slice(digits, &mut decoded).map_err(|_| broken())?;
                out.extend_from_slice(&decoded);
                rest = tail;
            }
            b'+' if plus_is_space => out.push(b' '),
            other => out.push(*other),
        }
    }
    String::from_utf8(out).map_err(|_| broken())
}

/// Percent-encodes a value for a query string.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => {
                out.push('%');
                out.push_str(&hex::encode_upper([other]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn segments_keep_encoded_slashes_and_drop_the_last_slash() {
        assert_eq!(segments("/v1/a%2Fb/%C3%A9/").unwrap(), ["v1", "a/b", "é"]);
        assert_eq!(segments("/a+b//c").unwrap(), ["a+b", "", "c"]);
        for broken in ["/%", "/%1", "/%zz", "/%ff"] {
            assert!(segments(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn pairs_are_decoded_and_the_first_of_a_name_counts() {
        let pairs = Pairs::read(Some("a=1&b=x+y%2B&a=2&flag")).unwrap();
        assert_eq!(pairs.get("a"), Some("1"));
        assert_eq!(pairs.get("b"), Some("x y+"));
        assert_eq!(pairs.get("flag"), Some(""));
        assert_eq!(pairs.get("c"), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(text: String) {
            prop_assert_eq!(decode(&encode(&text), true).unwrap(), text);
        }
    }
}
