//! Which node this is: a small checksummed file, written once.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use cellar_metadata_api::NodeId;

use super::NodeError;

/// Version byte of the file.
const VERSION: u8 = 1;
/// Name of the file in the node's folder.
const FILE: &str = "node-id";

/// The id on the disk; none before the first registration.
pub(crate) fn read(dir: &Path) -> Result<Option<NodeId>, NodeError> {
    let path = dir.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(NodeError::Io { path, source }),
    };
    match decode(&bytes) {
        Ok(id) => Ok(Some(id)),
        Err(reason) => Err(NodeError::Identity { path, reason }),
    }
}

/// Keeps the id; durable on return.
pub(crate) fn write(dir: &Path, id: NodeId) -> Result<(), NodeError> {
    let path = dir.join(FILE);
    let written = (|| {
        let draft = dir.join(format!("{FILE}.new"));
        let mut file = File::create(&draft)?;
        file.write_all(&encode(id))?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(dir)?.sync_all()
    })();
    written.map_err(|source| NodeError::Io { path, source })
}

fn encode(id: NodeId) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&id.0.to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Result<NodeId, &'static str> {
    let (body, checksum) = bytes.split_last_chunk::<4>().ok_or("it is too short")?;
    if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
        return Err("its checksum differs");
    }
    match body.split_first() {
        Some((&VERSION, id)) => {
            let id = id.try_into().map_err(|_| "its length is wrong")?;
            Ok(NodeId(u64::from_le_bytes(id)))
        }
        _ => Err("its version is unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_and_no_flipped_byte_is_taken_for_another() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        write(dir.path(), NodeId(7)).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(NodeId(7)));
        let bytes = encode(NodeId(7));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err());
            assert!(decode(&bytes[..at]).is_err());
        }
        fs::write(dir.path().join(FILE), b"x").unwrap();
        assert!(matches!(read(dir.path()), Err(NodeError::Identity { .. })));
    }
}
