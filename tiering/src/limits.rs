//! Every limit of the cold tier, with its unit and the reason.

/// Longest object key: S3 allows 1024 bytes, less the prefix a user may choose.
pub const OBJECT_KEY_BYTES_MAX: usize = 512;

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
