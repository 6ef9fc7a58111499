//! The first member of a zip archive, as much of the format as one known archive needs.
//!
//! Guarantees: an archive that begins otherwise is `None`. It reads the local header only and
//! trusts the deflate stream to end itself; the caller has checked the archive's SHA-256.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// `PK\3\4`, then from its start: method at 8, length of the name at 26, of the extra field at 28.
const SIGNATURE: &[u8] = b"PK\x03\x04";
const HEADER_BYTES: usize = 30;
const DEFLATE: u16 = 8;

/// Opens the first member, if it is deflated.
pub(super) fn first_member(archive: Vec<u8>) -> Option<impl Read + Send + 'static> {
    let (header, _) = archive.split_at_checked(HEADER_BYTES)?;
    if !header.starts_with(SIGNATURE) || short(header, 8)? != DEFLATE {
        return None;
    }
    let names = usize::from(short(header, 26)?) + usize::from(short(header, 28)?);
    let mut member = std::io::Cursor::new(archive);
    member.set_position(u64::try_from(HEADER_BYTES + names).ok()?);
    Some(DeflateDecoder::new(member))
}

fn short(header: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*header.get(at..)?.first_chunk()?))
}
