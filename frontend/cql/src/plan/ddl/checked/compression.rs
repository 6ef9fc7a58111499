//! How files would be compressed.

use super::{Map, class};
use crate::plan::PlanError;

const PACKAGE: &str = "org.apache.cassandra.io.compress.";
const LENGTH: &str = "chunk_length_in_kb";

/// Reads the sub-options; gives them as Cassandra shows them.
pub(super) fn read(mut given: Map) -> Result<Map, PlanError> {
    let config = |message: &str| Err(PlanError::config(message));
    let disabled = || Map::from([("enabled".to_owned(), "false".to_owned())]);
    if given.is_empty() {
        return Ok(disabled());
    }
    if let Some(enabled) = given.remove("enabled")
        && !enabled.eq_ignore_ascii_case("true")
    {
        if !given.is_empty() {
            return config(
                "If the 'enabled' option is set to false no other options must be specified",
            );
        }
        return Ok(disabled());
    }
    let old = given.remove("sstable_compression");
    let class = match (given.remove("class"), old) {
        (Some(_), Some(_)) => {
            return config(
                "The 'sstable_compression' option must not be used if the compression algorithm \
                 is already specified by the 'class' option",
            );
        }
        (Some(class), None) if class.is_empty() => {
            return config(
                "The 'class' option must not be empty. To disable compression use 'enabled' : \
                 false",
            );
        }
        (None, Some(class)) if class.is_empty() => return Ok(disabled()),
        (Some(class), None) | (None, Some(class)) => class,
        (None, None) => {
            return config("Missing sub-option 'class' for the 'compression' option.");
        }
    };
    let mut shown = Map::from([(LENGTH.to_owned(), chunk_length(&mut given)?)]);
    if let Some(ratio) = given.remove("min_compress_ratio") {
        let number: f64 = ratio.trim().parse().map_err(|_| {
            PlanError::config(format!(
                "Invalid 'min_compress_ratio' value for the 'compression' option: {ratio}"
            ))
        })?;
        if number < 0.0 {
            return config("Invalid negative min_compress_ratio");
        }
        if number > 0.0 && number < 1.0 {
            return config("min_compress_ratio can either be 0 or greater than or equal to 1");
        }
        if number > 0.0 {
            shown.insert("min_compress_ratio".to_owned(), format!("{number:?}"));
        }
    }
    let (full, known) = known(&class)?;
    let unknown: Vec<&str> =
        given.keys().map(String::as_str).filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        return Err(PlanError::config(format!(
            "Unknown compression options {}",
            unknown.join(", ")
        )));
    }
    shown.append(&mut given);
    shown.insert("class".to_owned(), full);
    Ok(shown)
}

/// The whole name of a compressor, and the options of its own.
fn known(written: &str) -> Result<(String, &'static [&'static str]), PlanError> {
    let (full, short) = class(written, PACKAGE);
    let options: &[&str] = match short.as_str() {
        "LZ4Compressor" => &["lz4_compressor_type", "lz4_high_compressor_level"],
        "SnappyCompressor" | "DeflateCompressor" | "NoopCompressor" => &[],
        "ZstdCompressor" => &["compression_level"],
        _ => {
            return Err(PlanError::config(format!("Could not create Compression for type {full}")));
        }
    };
    Ok((full, options))
}

fn chunk_length(given: &mut Map) -> Result<String, PlanError> {
    let (new, old) = (given.remove(LENGTH), given.remove("chunk_length_kb"));
    let written = match (new, old) {
        (Some(_), Some(_)) => {
            return Err(PlanError::config(
                "The 'chunk_length_kb' option must not be used if the chunk length is already \
                 specified by the 'chunk_length_in_kb' option",
            ));
        }
        (Some(written), None) | (None, Some(written)) => written,
        (None, None) => "16".to_owned(),
    };
    let length: i64 = written
        .trim()
        .parse()
        .map_err(|_| PlanError::config(format!("Invalid value for {LENGTH}: {written}")))?;
    if length <= 0 {
        return Err(PlanError::config(format!("Invalid negative or null {LENGTH}")));
    }
    if length & (length - 1) != 0 {
        return Err(PlanError::config(format!("{LENGTH} must be a power of 2")));
    }
    Ok(length.to_string())
}
