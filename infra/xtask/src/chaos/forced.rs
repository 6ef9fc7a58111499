//! Splits, merges, moves and hand-overs that an operator would ask for, of random cells, beside all
//! faults.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Options;
use crate::local::Local;

/// Characters of a reason that are kept.
const REASON_CHARS: usize = 120;

/// Asks for everything that the options want, evenly over the run.
pub(super) struct Forcing<'a> {
    cluster: &'a Local,
    random: fastrand::Rng,
    verbs: Vec<&'static str>,
    done: BTreeMap<&'static str, u32>,
    refused: BTreeMap<String, u32>,
    log: String,
}

impl<'a> Forcing<'a> {
    pub(super) fn new(cluster: &'a Local, options: &Options) -> Self {
        let mut random = fastrand::Rng::with_seed(options.seed.wrapping_add(1));
        let mut verbs = Vec::new();
        for (verb, count) in [
            ("split", options.splits),
            ("merge", options.merges),
            ("move", options.moves),
            ("transfer-leader", options.transfers),
        ] {
            verbs.extend((0..count).map(|_| verb));
        }
        random.shuffle(&mut verbs);
        let (done, refused, log) = (BTreeMap::new(), BTreeMap::new(), String::new());
        Self { cluster, random, verbs, done, refused, log }
    }

    /// Goes on until the time; a verb that is refused is tried once more on another cell. Returns
    /// the figures and a line for each.
    pub(super) fn run(mut self, until: Instant) -> (Value, String) {
        let began = Instant::now();
        let wanted = u32::try_from(self.verbs.len()).unwrap_or(u32::MAX).max(1);
        let pause = until.duration_since(began).mul_f64(0.9) / wanted;
        let mut next = began;
        for verb in std::mem::take(&mut self.verbs) {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += pause;
            for _ in 0..2 {
                if Instant::now() > until || self.force(verb, began) {
                    break;
                }
            }
        }
        (json!({ "done": self.done, "refused": self.refused }), self.log)
    }

    fn force(&mut self, verb: &'static str, began: Instant) -> bool {
        let asked = self.ask(verb);
        let at = Duration::as_secs_f64(&began.elapsed());
        let done = asked.is_ok();
        let said = match asked {
            Ok(cell) => {
                let count = self.done.entry(verb).or_default();
                *count += 1;
                format!("{verb} of cell {cell}")
            }
            Err(error) => {
                // Numbers of cells and epochs do not tell reasons apart.
                let reason = format!("{verb}: {error:#}").replace(|c: char| c.is_ascii_digit(), "");
                let reason = reason.chars().take(REASON_CHARS).collect();
                let count = self.refused.entry(reason).or_default();
                *count += 1;
                format!("{verb} refused: {error:#}")
            }
        };
        let _ = writeln!(self.log, "{at:8.3} {said}");
        done
    }

    fn ask(&mut self, verb: &str) -> Result<u64> {
        let said = self.cluster.ask(&["cells", "--json"])?;
        let cells = led(&said);
        let (cell, replicas) = self.random.choice(&cells).context("nobody leads a cell")?;
        let number = cell.to_string();
        let mut asked = vec!["cell", verb, &number];
        let to;
        if verb == "move" {
            to = self.other(&said, replicas)?;
            asked.extend(["--to", &to]);
        }
        self.cluster.ask(&asked)?;
        Ok(*cell)
    }

    /// The replicas of a cell with one of them replaced by a node that has none.
    fn other(&mut self, said: &Value, replicas: &[u64]) -> Result<String> {
        let nodes = said.as_array().into_iter().flatten();
        let nodes = nodes.filter_map(|node| node.get("node").and_then(Value::as_u64));
        let free: Vec<u64> = nodes.filter(|node| !replicas.contains(node)).collect();
        let new = self.random.choice(&free).copied().context("every node has the cell")?;
        let old = self.random.choice(replicas).copied().context("a cell without replicas")?;
        let of = |node: &u64| if *node == old { new } else { *node };
        let all: Vec<String> = replicas.iter().map(|node| of(node).to_string()).collect();
        Ok(all.join(","))
    }
}

/// The cells that some node says it leads, and their replicas.
pub(super) fn led(nodes: &Value) -> Vec<(u64, Vec<u64>)> {
    let nodes = nodes.as_array().into_iter().flatten();
    nodes
        .flat_map(|node| {
            let number = node.get("node").and_then(Value::as_u64);
            let cells = node.get("answer").and_then(Value::as_array).into_iter().flatten();
            cells
                .filter(move |cell| cell.get("leader").and_then(Value::as_u64) == number)
                .filter_map(|cell| {
                    let replicas = cell.get("replicas")?.as_array()?.iter();
                    let replicas = replicas.filter_map(Value::as_u64).collect();
                    Some((cell.get("cell")?.as_u64()?, replicas))
                })
        })
        .collect()
}
