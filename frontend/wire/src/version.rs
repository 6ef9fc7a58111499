//! The protocol versions spoken. Each has one byte on the wire and a fixed set of features.

/// A native protocol version; older compares below newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Cassandra 2.1: no warnings, no custom payload, no unset values.
    V3,
    /// Cassandra 2.2 and 3: what most drivers speak.
    V4,
    /// Cassandra 4: checksummed framing, result metadata ids, keyspace per request.
    V5,
}

impl Version {
    /// Every version spoken, oldest first.
    pub const ALL: [Self; 3] = [Self::V3, Self::V4, Self::V5];

    /// The version a header byte names, without its direction bit.
    #[must_use]
    pub fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_u8() == byte)
    }

    /// The byte for a header, without the direction bit.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }

    /// How SUPPORTED and error messages name it, for instance `4/v4`.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::V3 => "3/v3",
            Self::V4 => "4/v4",
            Self::V5 => "5/v5",
        }
    }

    /// The descriptions of every version up to this one, for `PROTOCOL_VERSIONS`.
    #[must_use]
    pub fn descriptions_up_to(self) -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|v| *v <= self).map(Self::description).collect()
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}", self.as_u8())
    }
}
