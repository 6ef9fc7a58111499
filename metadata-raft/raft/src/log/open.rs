//! Opening a log: what was written is read, and appending goes on where it ended.
//!
//! Nothing needs space: the last segment is written on, and the next one may take the place of a
//! spare that was reserved before. So a full disk is no reason not to start.

use std::{path::Path, sync::Arc, thread};

use parking_lot::{Condvar, Mutex};

use super::{
    ByTask, Log, LogError, LogOptions, LogThread, Shared,
    queue::Queue,
    recovery::{self, Recovered, Tail},
    segment,
    spare::Spare,
    writer::{First, Made, Writer},
};
use crate::limits::SEGMENT_BYTES_MIN;

impl Log {
    /// Recovers the log of a directory, or begins one, and starts its thread.
    ///
    /// # Errors
    /// The log cannot be read, is damaged, or its first segment cannot be made.
    pub fn open(options: LogOptions) -> Result<Self, LogError> {
        let LogOptions { disk, dir, segment_bytes, cache_bytes, on_fatal } = options;
        let lock = disk
            .create_dir(&dir)
            .and_then(|()| disk.lock(&dir))
            .map_err(|error| LogError::io("lock", &dir, error))?;
        let mut recovered = recovery::recover(&*disk, &dir)?;
        let facts = recovery::facts(&recovered.index);
        let pins = recovery::pins(&recovered.index);
        let segment_bytes = segment_bytes.max(SEGMENT_BYTES_MIN);
        let spare = Spare::find(&*disk, &dir, segment_bytes);
        let made = match recovered.tail.take() {
            Some(tail) => resume(&dir, &recovered, tail)?,
            None => {
                let made = First::default().create(&*disk, &dir, segment_bytes, &facts)?;
                recovered.index.segments.push_back(made.segment.clone());
                made
            }
        };
        let index = Mutex::new(recovered.index);
        let shared = Arc::new(Shared {
            index,
            queue: Queue::default(),
            busy: Mutex::default(),
            spared: Arc::default(),
            on_fatal,
        });
        let mut writer = Writer {
            disk: Arc::clone(&disk),
            dir: dir.clone(),
            segment_bytes,
            cache_bytes,
            shared: Arc::clone(&shared),
            current: made.segment,
            offset: made.offset,
            next_lsn: made.next_lsn,
            facts,
            pins,
            buffer: Vec::new(),
            spare,
        };
        writer.delete_segments()?;
        writer.reserve();
        let stopped = Arc::new((Mutex::new(false), Condvar::new()));
        let handle = LogThread { shared: Arc::clone(&shared), stopped: Arc::clone(&stopped) };
        let mut log = Self { shared, thread: Arc::new(handle), by_task: None };
        if disk.pace().is_some() {
            let writer = Mutex::new(writer);
            log.by_task = Some(Arc::new(ByTask { disk, writer, _lock: lock }));
            return Ok(log);
        }
        thread::Builder::new()
            .name("raft-log".into())
            .spawn(move || {
                writer.run();
                drop(lock);
                *stopped.0.lock() = true;
                stopped.1.notify_all();
            })
            .map_err(|error| LogError::io("start the thread of", &dir, error))?;
        Ok(log)
    }
}

/// Goes on in the last segment, behind its last whole record. What a torn write left there is
/// overwritten with zeros first: record numbers are used again, and a remnant must never be taken
/// for a record that follows.
fn resume(dir: &Path, recovered: &Recovered, tail: Tail) -> Result<Made, LogError> {
    if tail.remnant_bytes > 0 {
        let zeros = vec![0; tail.remnant_bytes];
        let file = &tail.segment.file;
        let cleared = file.write_at(tail.end, &zeros).and_then(|()| file.sync_data());
        cleared.map_err(|error| {
            let path = dir.join(segment::name(tail.segment.number));
            LogError::io("clear the torn end of", &path, error)
        })?;
    }
    Ok(Made { segment: tail.segment, offset: tail.end, next_lsn: recovered.next_lsn })
}
