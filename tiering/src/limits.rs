//! Every limit of the cold tier, with its unit and the reason.

/// Longest object key: S3 allows 1024 bytes, less the prefix a user may choose.
pub const OBJECT_KEY_BYTES_MAX: usize = 512;

/// How often one write is sent before its last error is reported; the caller's rounds do the rest.
pub const PUT_ATTEMPTS: usize = 5;
