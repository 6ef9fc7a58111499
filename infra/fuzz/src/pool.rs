//! The inputs that others are made from: the seeds, and every input whose outcome was new.

use std::collections::HashSet;

use fastrand::Rng;

/// Inputs kept; beyond this a new one takes the place of an old one that is no seed.
const INPUTS_MAX: usize = 20_000;

#[derive(Debug)]
pub(crate) struct Pool {
    inputs: Vec<Vec<u8>>,
    seeds: usize,
    seen: HashSet<u64>,
}

impl Pool {
    pub(crate) fn new(seeds: Vec<Vec<u8>>) -> Self {
        let count = seeds.len();
        Self { inputs: seeds, seeds: count, seen: HashSet::new() }
    }

    pub(crate) fn seeds(&self) -> &[Vec<u8>] {
        self.inputs.get(..self.seeds).unwrap_or_default()
    }

    /// Any input; newer ones more often, because they lead further.
    pub(crate) fn pick(&self, rng: &mut Rng) -> &[u8] {
        let length = self.inputs.len();
        if length == 0 {
            return &[];
        }
        let any = rng.usize(0..length);
        let at = if rng.bool() { any } else { any.max(rng.usize(0..length)) };
        self.inputs.get(at).map(Vec::as_slice).unwrap_or_default()
    }

    /// Keeps an input if its outcome is new; whether it was.
    pub(crate) fn offer(&mut self, input: &[u8], signature: u64, rng: &mut Rng) -> bool {
        if !self.seen.insert(signature) {
            return false;
        }
        if self.inputs.len() < INPUTS_MAX {
            self.inputs.push(input.to_vec());
        } else {
            let at = rng.usize(self.seeds.min(INPUTS_MAX - 1)..INPUTS_MAX);
            if let Some(old) = self.inputs.get_mut(at) {
                *old = input.to_vec();
            }
        }
        true
    }

    /// How many different outcomes were seen.
    pub(crate) fn outcomes(&self) -> usize {
        self.seen.len()
    }
}
