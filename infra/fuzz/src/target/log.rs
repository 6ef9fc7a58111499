//! Segments of the write-ahead log: recovered or refused, and what was recovered is found again
//! after writing more.
//!
//! The input is the segments one after the other, each after its length in four bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use bytes::Bytes;
use cellar_raft::disk::{Disk, SimDisk};
use cellar_raft::log::{Log, LogEntry, LogError, LogOptions, LogState, Position};

use super::{Broken, Outcome, Signature, Target, same};

pub(crate) struct Segments;

const DIR: &str = "log";
/// Bytes of a segment's header, whose last four are its checksum.
const HEADER_BYTES: usize = 48;
/// Bytes of a record's header: checksum, payload length, kind, record number and four more numbers.
const RECORD_BYTES: usize = 52;
const SEGMENTS_MAX: usize = 8;
/// Entries are added up to this index; far beyond it recovery takes indexes for damage.
const INDEX_MAX: u64 = 1 << 62;
/// Entries and bytes of one read; the laws hold for what it gives.
const READ_BYTES_MAX: usize = 1 << 20;

impl Target for Segments {
    fn seeds(&self) -> Vec<Vec<u8>> {
        (0..12).filter_map(seed).collect()
    }

    fn words(&self) -> Vec<&'static [u8]> {
        // Numbers at their ends, kinds of records, the beginning of a segment.
        let words: [&[u8]; 10] = [
            &[0xff; 8],
            &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0; 8],
            &[1, 0, 0, 0],
            &[3, 0, 0, 0],
            &[4, 0, 0, 0],
            &[5, 0, 0, 0],
            &[6, 0, 0, 0],
            b"CELLARWL\x01\0\0\0",
            b"CELLARWL\x02\0\0\0",
        ];
        words.into()
    }

    fn repair(&self, input: &mut Vec<u8>) {
        let mut rest = input.as_mut_slice();
        while let Some((length, tail)) = rest.split_first_chunk_mut::<4>() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (segment, tail) = tail.split_at_mut(length.min(tail.len()));
            sign_segment(segment);
            rest = tail;
        }
    }

    fn run(&self, input: &[u8]) -> Outcome {
        let mut signature = Signature::default();
        let disk = SimDisk::new();
        if !write_segments(&disk, input) {
            return Ok(signature);
        }
        let log = match open(&disk) {
            Ok(log) => log,
            Err(error) => {
                signature.shape(format_args!("{error:?}"));
                return Ok(signature);
            }
        };
        let before = contents(&log)?;
        signature.size(before.len());
        for (_, state, entries) in &before {
            signature.shape(format_args!("{state:?}"));
            signature.size(entries.len());
        }
        let added = append(&log, &before);
        log.close();
        drop(log);
        let log = open(&disk).map_err(|error| Broken(format!("cannot open it again: {error}")))?;
        same("the log changed when it was opened again", &contents(&log)?, &added?)?;
        log.close();
        Ok(signature)
    }
}

/// Groups with what is known of them and the first of their entries.
type Contents = Vec<(u64, LogState, Vec<LogEntry>)>;

fn contents(log: &Log) -> Result<Contents, Broken> {
    let mut contents = Vec::new();
    for group in log.groups() {
        let state = log.state(group);
        let entries = log
            .read(group, 0..u64::MAX, READ_BYTES_MAX)
            .map_err(|error| Broken(format!("a recovered entry cannot be read: {error}")))?;
        for entry in &entries {
            same("a term is two things", &log.term(group, entry.index), &Some(entry.term))?;
        }
        contents.push((group, state, entries));
    }
    Ok(contents)
}

/// Adds an entry to every group that can take one; what the log is to hold then.
fn append(log: &Log, before: &Contents) -> Result<Contents, Broken> {
    let mut after = before.clone();
    for (group, state, entries) in &mut after {
        let index = state.last.map_or(0, |last| last.index.saturating_add(1));
        if index > INDEX_MAX {
            continue;
        }
        let entry = LogEntry { index, term: 9, tag: 1, payload: Bytes::from_static(b"added") };
        let (done, told) = channel();
        let tell = move |outcome| {
            let _ = done.send(outcome);
        };
        log.append(*group, vec![entry.clone()], Box::new(tell));
        match told.recv() {
            Ok(Ok(())) => {}
            other => return Err(Broken(format!("cannot append {index}: {other:?}"))),
        }
        state.last = Some(Position { index, term: 9 });
        let held: usize = entries.iter().map(|entry| entry.payload.len()).sum();
        if held < READ_BYTES_MAX {
            entries.push(entry);
        }
    }
    Ok(after)
}

fn open(disk: &SimDisk) -> Result<Log, LogError> {
    Log::open(LogOptions {
        disk: Arc::new(disk.clone()),
        dir: PathBuf::from(DIR),
        segment_bytes: 4 << 10,
        cache_bytes: 1 << 10,
        on_fatal: Arc::new(|_| {}),
    })
}

/// Puts the segments of an input on the disk.
fn write_segments(disk: &SimDisk, input: &[u8]) -> bool {
    let mut rest = input;
    for number in 1..=SEGMENTS_MAX {
        let Some((length, tail)) = rest.split_first_chunk::<4>() else { break };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (segment, tail) = tail.split_at(length.min(tail.len()));
        let path = Path::new(DIR).join(format!("{number:020}.log"));
        let written = disk.create(&path, 0).and_then(|file| {
            file.write_at(0, segment)?;
            file.sync_data()
        });
        if written.is_err() {
            return false;
        }
        rest = tail;
    }
    disk.sync_dir(Path::new(DIR)).is_ok()
}

/// Puts right checksums on a segment's header and on the records that follow it, and, so that
/// they are read at all, the numbers of the records.
fn sign_segment(segment: &mut [u8]) {
    let Some((header, mut rest)) = segment.split_at_mut_checked(HEADER_BYTES) else { return };
    if let Some((covered, checksum)) = header.split_last_chunk_mut::<4>() {
        *checksum = crc32fast::hash(covered).to_le_bytes();
    }
    let first = header.get(20..28).and_then(|bytes| bytes.try_into().ok());
    let mut lsn = first.map(u64::from_le_bytes).unwrap_or_default();
    while let Some((_, fields)) = rest.split_first_chunk::<4>() {
        let Some(length) = fields.first_chunk::<4>() else { return };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(end) = length.checked_add(RECORD_BYTES) else { return };
        let Some((record, tail)) = rest.split_at_mut_checked(end) else { return };
        if let Some(number) = record.get_mut(12..20) {
            number.copy_from_slice(&lsn.to_le_bytes());
        }
        if let Some((checksum, covered)) = record.split_first_chunk_mut::<4>() {
            *checksum = crc32fast::hash(covered).to_le_bytes();
        }
        lsn = lsn.wrapping_add(1);
        rest = tail;
    }
}

/// The segments of a log after some use, different for each round.
fn seed(round: u64) -> Option<Vec<u8>> {
    let disk = SimDisk::new();
    let log = open(&disk).ok()?;
    let (done, told) = channel();
    let mut asked = 0;
    let mut done = || {
        asked += 1;
        let done = done.clone();
        Box::new(move |_| {
            let _ = done.send(());
        })
    };
    for group in 0..=round % 4 {
        log.save_vote(group, Bytes::from_static(b"vote"), done());
        for index in 0..round * 3 {
            let payload = Bytes::from(vec![b'x'; usize::try_from(index * 37 % 300).ok()?]);
            log.append(group, vec![LogEntry { index, term: index / 4, tag: 2, payload }], done());
        }
        match group {
            0 if round > 2 => log.purge(group, Position { index: round, term: round / 4 }, done()),
            1 => log.truncate(group, round * 2, done()),
            2 => log.remove(group, done()),
            _ => log.save_committed(group, Position { index: 1, term: 0 }),
        }
        if group == 0 {
            let last = log.state(group).last.map_or(0, |last| last.index + 1);
            let payload = Bytes::from_static(b"after");
            log.append(group, vec![LogEntry { index: last, term: 99, tag: 0, payload }], done());
        }
    }
    (0..asked).try_for_each(|_| told.recv()).ok()?;
    log.close();
    let mut input = Vec::new();
    // Beside the segments lies one in reserve.
    let mut names = disk.list(Path::new(DIR)).ok()?;
    names.retain(|name| name.ends_with(".log"));
    for (number, name) in (1..).zip(names) {
        if name != format!("{number:020}.log") {
            // Purging has removed the first ones; recovery begins at any number, this target at 1.
            return None;
        }
        let bytes = disk.read(&Path::new(DIR).join(name)).ok()?;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let bytes = bytes.get(..used.max(HEADER_BYTES))?;
        input.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
        input.extend_from_slice(bytes);
    }
    Some(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_open_and_repairing_them_changes_nothing() {
        let seeds = Segments.seeds();
        assert!(seeds.len() >= 3, "{}", seeds.len());
        for seed in seeds {
            let disk = SimDisk::new();
            assert!(write_segments(&disk, &seed));
            let log = open(&disk).unwrap();
            assert!(!log.groups().is_empty());
            log.close();
            let mut repaired = seed.clone();
            Segments.repair(&mut repaired);
            assert_eq!(repaired, seed);
            Segments.run(&seed).unwrap();
        }
    }
}
