//! Every limit of the cold tier, with its unit and the reason.

use std::time::Duration;

/// Longest object key: S3 allows 1024 bytes, less the prefix a user may choose.
pub const OBJECT_KEY_BYTES_MAX: usize = 512;

/// How long a connection to an S3-compatible service may take to open: a frontend gives a read up
/// after ten seconds, and the SDK tries three times.
pub const S3_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long such a service may take to begin its answer.
pub const S3_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to begin its answer to a write: a whole segment is sent before.
pub const S3_WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Age of a half-written file at which it belongs to a process that died: writing one takes
/// seconds.
pub const STAGED_AGE_MAX: Duration = Duration::from_secs(600);

/// How often one write is sent before its last error is reported; the caller's rounds do the rest.
pub const PUT_ATTEMPTS: usize = 5;

/// Rows of one row group: what one point read of a cold row fetches, a few hundred kilobytes in
/// one request, and still enough for columns to compress well.
pub const GROUP_ROWS: usize = 8192;

/// Where a row group of large rows ends early, in bytes as stored hot: it is held in memory and
/// fetched as a whole.
pub const GROUP_BYTES: usize = 8 << 20;

/// Rows of one page, and between two keys of the index: what is decoded for one cold row.
pub const STRIDE_ROWS: usize = 512;

/// Strides a scan decodes at a time, at most: about 2,000 rows, a few milliseconds of one thread.
pub const SCAN_STRIDES: usize = 4;
