//! Ordered byte rows on one local disk, for all cells of that disk.
//!
//! An [`Engine`] is a log-structured tree without a journal: batches go to memory, memory goes to
//! tables when it is full or when [`Engine::flush`] is called, and after a crash the caller
//! applies again, from its own log, what the disk does not have. Guarantees:
//! - a [`Batch`] is applied whole: for readers, and for what the disk holds after a crash;
//! - after a crash the engine holds exactly the first *n* batches in the order they were applied,
//!   with *n* at least the number applied before the last flush that returned. A caller that
//!   writes its applied index in the same batch as the rows can rely on it;
//! - damaged bytes are an error, never wrong rows; what lies beside them is read, and whoever has
//!   the rows from elsewhere may have them written over;
//! - after a failed flush nothing works any more, so that nobody relies on rows that are lost.
//!
//! Start at [`Engine::open`]. FORMAT.md, beside this crate, describes the directory.
//!
//! ```
//! use cellar_engine::{Batch, Engine, Options};
//! # let scratch = tempfile::tempdir()?;
//! let engine = Engine::open(scratch.path(), Options::default())?;
//! let mut batch = Batch::new();
//! batch.put(b"row", b"value");
//! batch.put(b"applied", b"7");
//! engine.apply(&batch)?;
//! engine.flush()?;
//! assert_eq!(engine.get(b"row")?.as_deref(), Some(b"value".as_slice()));
//! let rows: Vec<_> = engine.snapshot().scan(&b"a"[..]..&b"z"[..], false).collect();
//! assert_eq!(rows.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod core;
mod damage;
mod directory;
mod drop_range;
mod engine;
mod error;
mod limits;
mod options;
mod pins;
mod sizes;
mod snapshot;
mod space;
mod work;
mod write;

pub use batch::Batch;
pub use damage::Damage;
pub use engine::Engine;
pub use error::{EngineError, RowPart};
pub use limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use options::Options;
pub use sizes::Stats;
pub use snapshot::{Scan, Snapshot};
