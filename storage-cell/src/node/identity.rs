//! Which node and which disk this is: two small checksummed files, each written once.
//!
//! The disk's id is chosen here, at random, before the metadata service first hears of the node;
//! the node's id is what the service then answers. So a node that asks twice is one node, and one
//! whose disk was emptied is another.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use cellar_metadata_api::NodeId;
use uuid::Uuid;

use super::NodeError;

/// Version byte of the files.
const VERSION: u8 = 1;
/// The node's id, in its folder.
const NODE: &str = "node-id";
/// The disk's.
const DISK: &str = "disk-id";
/// What a node keeps from its first start on.
const KEPT: [&str; 2] = ["rows", "log"];

/// The id on the disk; none before the first registration.
pub(crate) fn read(dir: &Path) -> Result<Option<NodeId>, NodeError> {
    let id = read_file::<8>(dir, NODE)?.map(|bytes| NodeId(u64::from_le_bytes(bytes)));
    if id.is_none() && KEPT.iter().any(|kept| dir.join(kept).exists()) {
        // It was written before those. Under another id it would take for its own what is not.
        let reason = "it is missing, and the folder has rows or a log";
        return Err(NodeError::Identity { path: dir.join(NODE), reason });
    }
    Ok(id)
}

/// Keeps the id; durable on return.
pub(crate) fn write(dir: &Path, id: NodeId) -> Result<(), NodeError> {
    write_file(dir, NODE, &id.0.to_le_bytes())
}

/// The disk's id, chosen now if it has none; durable on return.
pub(crate) fn disk(dir: &Path) -> Result<Uuid, NodeError> {
    if let Some(bytes) = read_file::<16>(dir, DISK)? {
        return Ok(Uuid::from_bytes(bytes));
    }
    let disk = Uuid::new_v4();
    write_file(dir, DISK, disk.as_bytes())?;
    Ok(disk)
}

fn read_file<const BYTES: usize>(dir: &Path, file: &str) -> Result<Option<[u8; BYTES]>, NodeError> {
    let path = dir.join(file);
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

fn write_file(dir: &Path, file: &str, id: &[u8]) -> Result<(), NodeError> {
    let path = dir.join(file);
    let written = (|| {
        let draft = dir.join(format!("{file}.new"));
        let mut new = File::create(&draft)?;
        new.write_all(&encode(id))?;
        new.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(dir)?.sync_all()
    })();
    written.map_err(|source| NodeError::Io { path, source })
}

fn encode(id: &[u8]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(id);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode<const BYTES: usize>(bytes: &[u8]) -> Result<[u8; BYTES], &'static str> {
    let (body, checksum) = bytes.split_last_chunk::<4>().ok_or("it is too short")?;
    if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
        return Err("its checksum differs");
    }
    match body.split_first() {
        Some((&VERSION, id)) => id.try_into().map_err(|_| "its length is wrong"),
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
        let bytes = encode(&7_u64.to_le_bytes());
        assert_eq!(decode::<8>(&bytes), Ok(7_u64.to_le_bytes()));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode::<8>(&damaged).is_err());
            assert!(decode::<8>(&bytes[..at]).is_err());
        }
        fs::write(dir.path().join(NODE), b"x").unwrap();
        assert!(matches!(read(dir.path()), Err(NodeError::Identity { .. })));
    }

    #[test]
    fn a_disk_keeps_the_id_it_was_first_given_and_an_emptied_one_gets_another() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = disk(dir.path()).unwrap();
        assert_eq!(disk(dir.path()).unwrap(), first);
        assert_ne!(disk(other.path()).unwrap(), first);
        fs::remove_file(dir.path().join(DISK)).unwrap();
        assert_ne!(disk(dir.path()).unwrap(), first);
    }

    #[test]
    fn a_folder_with_rows_and_no_id_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("rows")).unwrap();
        assert!(matches!(read(dir.path()), Err(NodeError::Identity { .. })));
        write(dir.path(), NodeId(7)).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(NodeId(7)));
    }
}
