//! Collections, tuples and vectors: taking their wire bytes apart without copying, and building
//! them. Counts and lengths are i32 as in protocol version 3 and later.

use bytes::Bytes;

use super::ValueError;
use super::scalar::{read_unsigned_vint, write_unsigned_vint};
use crate::CqlType;

/// The elements of a list or set.
///
/// # Errors
/// When the bytes are no list, or an element is null.
pub fn list_elements(bytes: &Bytes) -> Result<Vec<Bytes>, ValueError> {
    Ok(split_list(bytes)?.into_iter().map(|part| bytes.slice_ref(part)).collect())
}

/// The entries of a map.
///
/// # Errors
/// When the bytes are no map, or a key or value is null.
pub fn map_entries(bytes: &Bytes) -> Result<Vec<(Bytes, Bytes)>, ValueError> {
    let entries = split_map(bytes)?;
    Ok(entries.into_iter().map(|(k, v)| (bytes.slice_ref(k), bytes.slice_ref(v))).collect())
}

/// The fields of a tuple or user-defined type with `count` fields; fields missing at the end are
/// null, as in a value written before the type grew.
///
/// # Errors
/// When the bytes are no tuple or hold more than `count` fields.
pub fn tuple_fields(count: usize, bytes: &Bytes) -> Result<Vec<Option<Bytes>>, ValueError> {
    let fields = split_tuple(count, bytes)?;
    Ok(fields.into_iter().map(|field| field.map(|part| bytes.slice_ref(part))).collect())
}

/// The elements of a vector.
///
/// # Errors
/// When the bytes are no vector of this dimension.
pub fn vector_elements(
    element: &CqlType,
    dimensions: u16,
    bytes: &Bytes,
) -> Result<Vec<Bytes>, ValueError> {
    let parts = split_vector(element, dimensions, bytes)?;
    Ok(parts.into_iter().map(|part| bytes.slice_ref(part)).collect())
}

/// Wire bytes of a list or set. The elements of a set must come sorted and distinct.
#[must_use]
pub fn build_list(elements: &[impl AsRef<[u8]>]) -> Bytes {
    let size = elements.iter().map(|element| 4 + element.as_ref().len()).sum::<usize>();
    let mut out = Vec::with_capacity(4 + size);
    out.extend_from_slice(&count(elements.len()));
    for element in elements {
        write_sized(&mut out, element.as_ref());
    }
    Bytes::from(out)
}

/// Wire bytes of a map. Entries must come sorted by key, keys distinct.
#[must_use]
pub fn build_map<K: AsRef<[u8]>, V: AsRef<[u8]>>(entries: &[(K, V)]) -> Bytes {
    let mut out = Vec::new();
    out.extend_from_slice(&count(entries.len()));
    for (key, value) in entries {
        write_sized(&mut out, key.as_ref());
        write_sized(&mut out, value.as_ref());
    }
    Bytes::from(out)
}

/// Wire bytes of a tuple or user-defined type.
#[must_use]
pub fn build_tuple(fields: &[Option<Bytes>]) -> Bytes {
    let mut out = Vec::new();
    for field in fields {
        match field {
            Some(bytes) => write_sized(&mut out, bytes),
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }
    Bytes::from(out)
}

/// Wire bytes of a vector.
#[must_use]
pub fn build_vector(element: &CqlType, elements: &[impl AsRef<[u8]>]) -> Bytes {
    let fixed = fixed_bytes(element).is_some();
    let mut out = Vec::new();
    for part in elements {
        let part = part.as_ref();
        if !fixed {
            write_unsigned_vint(&mut out, u64::try_from(part.len()).unwrap_or(u64::MAX));
        }
        out.extend_from_slice(part);
    }
    Bytes::from(out)
}

/// The width of a vector element that is stored without its length. Small and calendar types
/// carry a length although they could do without: so it is in Cassandra 5.0 and in all drivers.
#[must_use]
pub fn fixed_bytes(element: &CqlType) -> Option<usize> {
    match element {
        CqlType::Boolean => Some(1),
        CqlType::Float | CqlType::Int => Some(4),
        CqlType::Bigint | CqlType::Double | CqlType::Timestamp => Some(8),
        CqlType::Uuid | CqlType::Timeuuid => Some(16),
        CqlType::Vector(inner, dimensions) => {
            fixed_bytes(inner)?.checked_mul(usize::from(*dimensions))
        }
        _ => None,
    }
}

/// As [`list_elements`], for borrowed bytes.
pub(crate) fn split_list(bytes: &[u8]) -> Result<Vec<&[u8]>, ValueError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (count, mut rest) = read_count(bytes, "collection")?;
    let mut elements = Vec::with_capacity(count.min(rest.len() / 4));
    let mut null = false;
    for _ in 0..count {
        match read_sized(&mut rest, "collection")? {
            Some(element) => elements.push(element),
            None => null = true,
        }
    }
    end(rest, "collection")?;
    // Bytes that are no collection at all are told first.
    if null { Err(ValueError::NullElement { what: "collection" }) } else { Ok(elements) }
}

/// Key and value of a map.
type Entry<'a> = (&'a [u8], &'a [u8]);

/// As [`map_entries`], for borrowed bytes.
pub(crate) fn split_map(bytes: &[u8]) -> Result<Vec<Entry<'_>>, ValueError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (count, mut rest) = read_count(bytes, "map")?;
    let mut entries = Vec::with_capacity(count.min(rest.len() / 8));
    for _ in 0..count {
        let key = read_element(&mut rest, "map")?;
        entries.push((key, read_element(&mut rest, "map")?));
    }
    end(rest, "map")?;
    Ok(entries)
}

/// As [`tuple_fields`], for borrowed bytes.
pub(crate) fn split_tuple(count: usize, bytes: &[u8]) -> Result<Vec<Option<&[u8]>>, ValueError> {
    let mut rest = bytes;
    let mut fields = Vec::with_capacity(count);
    while fields.len() < count {
        if rest.is_empty() {
            fields.push(None);
        } else {
            fields.push(read_sized(&mut rest, "tuple")?);
        }
    }
    end(rest, "tuple")?;
    Ok(fields)
}

/// As [`vector_elements`], for borrowed bytes.
pub(crate) fn split_vector<'a>(
    element: &CqlType,
    dimensions: u16,
    bytes: &'a [u8],
) -> Result<Vec<&'a [u8]>, ValueError> {
    let truncated = ValueError::Truncated { what: "vector" };
    let fixed = fixed_bytes(element);
    let mut rest = bytes;
    let mut elements = Vec::with_capacity(usize::from(dimensions).min(bytes.len()));
    for _ in 0..dimensions {
        let length = if let Some(length) = fixed {
            length
        } else {
            let (length, tail) = read_unsigned_vint(rest).ok_or_else(|| truncated.clone())?;
            rest = tail;
            usize::try_from(length).map_err(|_| truncated.clone())?
        };
        let (part, tail) = rest.split_at_checked(length).ok_or_else(|| truncated.clone())?;
        elements.push(part);
        rest = tail;
    }
    end(rest, "vector")?;
    Ok(elements)
}

/// A count or length as written. Values are far below 2 GiB (see `limits`), where it saturates.
fn count(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes()
}

fn write_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&count(bytes.len()));
    out.extend_from_slice(bytes);
}

fn read_count<'a>(bytes: &'a [u8], what: &'static str) -> Result<(usize, &'a [u8]), ValueError> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or(ValueError::Truncated { what })?;
    let count = usize::try_from(i32::from_be_bytes(*head));
    Ok((count.map_err(|_| ValueError::Truncated { what })?, rest))
}

fn read_sized<'a>(rest: &mut &'a [u8], what: &'static str) -> Result<Option<&'a [u8]>, ValueError> {
    let (head, tail) = rest.split_first_chunk::<4>().ok_or(ValueError::Truncated { what })?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*head)) else {
        *rest = tail;
        return Ok(None);
    };
    let (part, tail) = tail.split_at_checked(length).ok_or(ValueError::Truncated { what })?;
    *rest = tail;
    Ok(Some(part))
}

fn read_element<'a>(rest: &mut &'a [u8], what: &'static str) -> Result<&'a [u8], ValueError> {
    read_sized(rest, what)?.ok_or(ValueError::NullElement { what })
}

fn end(rest: &[u8], what: &'static str) -> Result<(), ValueError> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ValueError::Trailing { what, extra_bytes: rest.len() })
    }
}
