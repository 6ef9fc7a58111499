//! Why a statement cannot be planned or bound. Wording follows Cassandra where applications and
//! tools match on it; hints come after.

use std::fmt::Display;

/// A statement that cannot be executed. Nothing has been sent anywhere when this is returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The text is not CQL.
    #[error(transparent)]
    Syntax(#[from] crate::SyntaxError),
    /// Valid CQL that makes no sense against this schema or with these values.
    #[error("{message}")]
    Invalid {
        /// What is wrong, as Cassandra words it.
        message: String,
    },
    /// A schema change with impossible options.
    #[error("{message}")]
    Config {
        /// What is wrong, as Cassandra words it.
        message: String,
    },
    /// Neither the statement nor the session names a keyspace.
    #[error(
        "No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename"
    )]
    NoKeyspace,
    /// A change of a keyspace that exists by itself: nobody may, whoever asks.
    #[error("{keyspace} keyspace is not user-modifiable.")]
    SystemKeyspace {
        /// Which one.
        keyspace: String,
    },
    /// No such keyspace.
    #[error("keyspace {keyspace} does not exist{}", did_you_mean(.hint.as_ref()))]
    UnknownKeyspace {
        /// The name asked for.
        keyspace: String,
        /// A similar name that exists.
        hint: Option<String>,
    },
    /// No such table.
    #[error("table {table} does not exist{}", did_you_mean(.hint.as_ref()))]
    UnknownTable {
        /// Where it was looked for.
        keyspace: String,
        /// The name asked for.
        table: String,
        /// A similar name that exists.
        hint: Option<String>,
    },
    /// No such column.
    #[error("Undefined column name {column} in table {keyspace}.{table}{}",
            did_you_mean(.hint.as_ref()))]
    UnknownColumn {
        /// The name asked for, quoted if it needs quotes.
        column: String,
        /// The table's keyspace.
        keyspace: String,
        /// The table.
        table: String,
        /// A similar name that exists.
        hint: Option<String>,
    },
    /// No such user-defined type.
    #[error("Unknown type {keyspace}.{name}{}", did_you_mean(.hint.as_ref()))]
    UnknownType {
        /// Where it was looked for.
        keyspace: String,
        /// The name asked for.
        name: String,
        /// A similar name that exists.
        hint: Option<String>,
    },
    /// Part of CQL that this version of Cellar does not have.
    #[error("{feature} is not supported by Cellar")]
    NotBuilt {
        /// What was asked for, such as `CREATE MATERIALIZED VIEW`.
        feature: String,
    },
    /// An operator failed on the values it was given.
    #[error("the operation '{operation}' failed: {reason}")]
    OperationFailure {
        /// The operator between the types of its operands.
        operation: String,
        /// Why.
        reason: String,
    },
    /// A function failed on the values it was given.
    #[error("execution of '{function}' failed: {reason}")]
    FunctionFailure {
        /// Its name with argument types.
        function: String,
        /// Why.
        reason: String,
    },
}

impl PlanError {
    /// [`PlanError::Invalid`] with this message.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// [`PlanError::Syntax`] with this message: what Cassandra calls a syntax error, though the
    /// grammar has it.
    pub fn syntax(message: impl Into<String>) -> Self {
        Self::Syntax(crate::SyntaxError::unknown(message))
    }

    /// [`PlanError::Config`] with this message.
    pub fn config(message: impl Into<String>) -> Self {
        Self::Config { message: message.into() }
    }

    /// [`PlanError::NotBuilt`] naming this feature.
    pub fn not_built(feature: impl Into<String>) -> Self {
        Self::NotBuilt { feature: feature.into() }
    }
}

fn did_you_mean(hint: Option<&String>) -> String {
    hint.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

/// The candidate most like `name`, if one is like it enough to be a slip of the fingers.
pub(crate) fn similar<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let length = name.chars().count();
    let allowed = (1 + length / 4).min(length.saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Turns the error of a value or key into an invalid request with its message.
pub(crate) fn invalid(error: impl Display) -> PlanError {
    PlanError::invalid(error.to_string())
}
