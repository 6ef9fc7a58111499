//! Options of storage-attached indexes on vectors: Cassandra's names and limits. Cellar compares
//! vectors one by one, so that only the similarity function means anything to it.

use cellar_metadata_api::MetadataError;
use cellar_schema::{CqlType, Index};

pub(super) const BEAM_WIDTH: &str = "construction_beam_width";
pub(super) const NODE_CONNECTIONS: &str = "maximum_node_connections";
pub(super) const OPTIMIZE_FOR: &str = "optimize_for";
pub(super) const SIMILARITY_FUNCTION: &str = "similarity_function";

const BEAM_WIDTH_MAX: i32 = 3_200;
const NODE_CONNECTIONS_MAX: i32 = 512;

/// Refuses vectors that cannot be compared, and options that Cassandra refuses.
pub(super) fn check(
    element: &CqlType,
    dimensions: u16,
    index: &Index,
) -> Result<(), MetadataError> {
    if *element != CqlType::Float {
        return Err(MetadataError::invalid(
            "SAI ANN indexes are only allowed on vector columns with float elements",
        ));
    }
    number(index, NODE_CONNECTIONS, "Maximum number of connections", NODE_CONNECTIONS_MAX)?;
    number(index, BEAM_WIDTH, "Construction beam width", BEAM_WIDTH_MAX)?;
    word(index, OPTIMIZE_FOR, "optimize_for", &["LATENCY", "RECALL"])?;
    let functions = ["EUCLIDEAN", "DOT_PRODUCT", "COSINE"];
    word(index, SIMILARITY_FUNCTION, "Similarity function", &functions)?;
    let function = index.options.get(SIMILARITY_FUNCTION);
    if dimensions == 1 && function.is_none_or(|name| name.eq_ignore_ascii_case("cosine")) {
        return Err(MetadataError::invalid(
            "Cosine similarity is not supported for single-dimension vectors",
        ));
    }
    Ok(())
}

fn number(index: &Index, option: &str, what: &str, most: i32) -> Result<(), MetadataError> {
    let Some(written) = index.options.get(option) else { return Ok(()) };
    let name = &index.name;
    match written.parse::<i32>() {
        Ok(number) if (1..=most).contains(&number) => Ok(()),
        Ok(number) => Err(MetadataError::invalid(format!(
            "{what} for index {name} cannot be <= 0 or > {most}, was {number}"
        ))),
        Err(_) => Err(MetadataError::invalid(format!(
            "{what} {written} is not a valid integer for index {name}"
        ))),
    }
}

fn word(index: &Index, option: &str, what: &str, known: &[&str]) -> Result<(), MetadataError> {
    let Some(written) = index.options.get(option) else { return Ok(()) };
    if known.iter().any(|word| word.eq_ignore_ascii_case(written)) {
        return Ok(());
    }
    Err(MetadataError::invalid(format!(
        "{what} {} was not recognized for index {}. Valid values are: {}",
        written.to_ascii_uppercase(),
        index.name,
        known.join(", ")
    )))
}
