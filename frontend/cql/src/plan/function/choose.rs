//! Which of several functions of one name a call means, by the rules of Cassandra: one that takes
//! exactly the types given, else the only one whose parameters accept the arguments.

use cellar_schema::CqlType;

use super::{Argument, ScalarFn};
use crate::plan::PlanError;
use crate::plan::types::{Fit, fit};

/// A call whose function is sought.
pub(super) struct Call<'a> {
    /// The name, without keyspace.
    pub(super) name: &'a str,
    pub(super) arguments: &'a [Argument],
    /// The type of what the result is stored in, if known.
    pub(super) receiver: Option<&'a CqlType>,
}

/// Positions among the candidates.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    One(usize),
    None,
    Several(Vec<usize>),
}

/// Chooses among signatures: parameters and result.
pub(super) fn choose<'s>(
    signatures: impl IntoIterator<Item = (&'s [CqlType], &'s CqlType)>,
    arguments: &[Argument],
    receiver: Option<&CqlType>,
) -> Choice {
    let mut compatible = Vec::new();
    for (index, (parameters, result)) in signatures.into_iter().enumerate() {
        if receiver.is_some_and(|receiver| fit(receiver, result) == Fit::No) {
            continue;
        }
        match fit_all(parameters, arguments) {
            Fit::Exact => return Choice::One(index),
            Fit::Weak => compatible.push(index),
            Fit::No => {}
        }
    }
    match compatible.as_slice() {
        [] => Choice::None,
        [only] => Choice::One(*only),
        _ => Choice::Several(compatible),
    }
}

fn fit_all(parameters: &[CqlType], arguments: &[Argument]) -> Fit {
    if parameters.len() != arguments.len() {
        return Fit::No;
    }
    let fits =
        arguments.iter().zip(parameters).map(|(argument, parameter)| argument.fit(parameter));
    fits.min().unwrap_or(Fit::Exact)
}

impl Call<'_> {
    /// The candidate this call means; all candidates have its name.
    pub(super) fn among(&self, mut candidates: Vec<ScalarFn>) -> Result<ScalarFn, PlanError> {
        if let [only] = candidates.as_slice() {
            self.check(&only.arguments)?;
            return Ok(candidates.swap_remove(0));
        }
        let signatures = candidates.iter().map(|one| (one.arguments.as_slice(), &one.result));
        match choose(signatures, self.arguments, self.receiver) {
            Choice::One(index) => Ok(candidates.swap_remove(index)),
            Choice::None => Err(PlanError::invalid(format!(
                "Invalid call to function {}, none of its type signatures match (known type \
                 signatures: {})",
                self.name,
                listed(candidates.iter())
            ))),
            Choice::Several(indexes) => Err(PlanError::invalid(format!(
                "Ambiguous call to function {} (can be matched by following signatures: {}): use \
                 type casts to disambiguate",
                self.name,
                listed(indexes.iter().filter_map(|index| candidates.get(*index)))
            ))),
        }
    }

    /// What is known of the arguments' types, for functions that take types of many kinds. Shows
    /// `parameters` when there are more or fewer than these, of which `needed` must be given.
    pub(super) fn types(
        &self,
        parameters: &[&str],
        needed: usize,
    ) -> Result<Vec<Option<CqlType>>, PlanError> {
        if !(needed..=parameters.len()).contains(&self.arguments.len()) {
            return Err(PlanError::invalid(format!(
                "Invalid number of arguments for function system.{}({})",
                self.name,
                parameters.join(", ")
            )));
        }
        let types = self.arguments.iter().map(|argument| match argument {
            Argument::Typed(cql_type)
            | Argument::Constant(cql_type)
            | Argument::Array(cql_type, _) => Some(cql_type.clone()),
            Argument::Unknown => None,
        });
        Ok(types.collect())
    }

    /// The error for an argument whose type must be known and is not.
    pub(super) fn untold(&self, index: usize, parameters: &[&str]) -> PlanError {
        let argument = self.arguments.get(index).map(ToString::to_string).unwrap_or_default();
        PlanError::invalid(format!(
            "Cannot infer type of argument {argument} in call to function system.{}({}): use type \
             casts to disambiguate",
            self.name,
            parameters.join(", ")
        ))
    }

    /// Refuses arguments that the only function of the name does not take.
    pub(super) fn check(&self, parameters: &[CqlType]) -> Result<(), PlanError> {
        if self.arguments.len() != parameters.len() {
            return Err(PlanError::invalid(format!(
                "Invalid number of arguments in call to function system.{}: {} required but {} \
                 provided",
                self.name,
                parameters.len(),
                self.arguments.len()
            )));
        }
        for (index, (argument, parameter)) in self.arguments.iter().zip(parameters).enumerate() {
            if argument.fit(parameter) == Fit::No {
                return Err(PlanError::invalid(format!(
                    "Type error: {argument} cannot be passed as argument {index} of function \
                     system.{} of type {parameter}",
                    self.name
                )));
            }
        }
        Ok(())
    }
}

fn listed<'f>(functions: impl Iterator<Item = &'f ScalarFn>) -> String {
    let line = |function: &ScalarFn| {
        let arguments = function.arguments.iter().map(ToString::to_string);
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        format!("system.{} : ({arguments}) -> {}", function.name, function.result)
    };
    functions.map(line).collect::<Vec<_>>().join(", ")
}
