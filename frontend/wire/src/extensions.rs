//! What both ends agreed upon in STARTUP that changes messages beyond what the version says.

use crate::Version;

/// Extensions of the protocol that are in use. None before STARTUP was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// `SCYLLA_USE_METADATA_ID`: PREPARE and EXECUTE have the ids of result metadata before v5 too.
    pub metadata_ids: bool,
}

impl Extensions {
    /// Whether result metadata have ids.
    pub(crate) fn have_metadata_ids(self, version: Version) -> bool {
        self.metadata_ids || version >= Version::V5
    }
}
