//! What the log should hold, kept the simplest way, and random work for both.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use cellar_raft::{
    disk::SimDisk,
    log::{Log, LogEntry, LogError, LogOptions, Position},
};

const GROUPS: std::ops::Range<u64> = 1..4;

/// A record's effect.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Entry(u64, LogEntry),
    Vote(u64, Bytes),
    Truncate(u64, u64),
    Purge(u64, Position),
    /// Comes right before a removal.
    Said(u64),
    Remove(u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ModelGroup {
    vote: Option<Bytes>,
    purged: Option<Position>,
    entries: BTreeMap<u64, (u64, Bytes)>,
    /// What it had before it was removed: term and index.
    said: Option<(u64, u64)>,
}

pub(crate) type Model = BTreeMap<u64, ModelGroup>;

impl ModelGroup {
    fn last(&self) -> Option<(u64, u64)> {
        let entry = self.entries.iter().next_back().map(|(index, (term, _))| (*term, *index));
        entry.or(self.purged.map(|purged| (purged.term, purged.index)))
    }

    fn next(&self) -> u64 {
        let last = self.entries.keys().next_back().copied();
        last.max(self.purged.map(|purged| purged.index)).map_or(0, |last| last + 1)
    }
}

pub(crate) fn apply(model: &mut Model, step: &Step) {
    match step.clone() {
        Step::Entry(group, entry) => {
            let entries = &mut model.entry(group).or_default().entries;
            entries.insert(entry.index, (entry.term, entry.payload));
        }
        Step::Vote(group, vote) => model.entry(group).or_default().vote = Some(vote),
        Step::Truncate(group, from) => {
            model.entry(group).or_default().entries.retain(|index, _| *index < from);
        }
        Step::Purge(group, to) => {
            let group = model.entry(group).or_default();
            group.entries.retain(|index, _| *index > to.index);
            group.purged = Some(to);
        }
        Step::Said(group) => {
            let group = model.entry(group).or_default();
            group.said = group.said.max(group.last());
        }
        Step::Remove(group) => {
            let ModelGroup { vote, said, .. } = model.remove(&group).unwrap_or_default();
            model.insert(group, ModelGroup { vote, said, ..ModelGroup::default() });
        }
    }
    model.retain(|_, group| *group != ModelGroup::default());
}

/// What the log holds.
pub(crate) fn observe(log: &Log) -> Result<Model, LogError> {
    let mut model = Model::new();
    for group in GROUPS {
        let state = log.state(group);
        let entries = log.read(group, 0..u64::MAX, usize::MAX)?;
        let entries = entries.into_iter().map(|entry| (entry.index, (entry.term, entry.payload)));
        let entries = entries.collect();
        let said = state.said.map(|said| (said.term, said.index));
        let found = ModelGroup { vote: state.vote, purged: state.purged, entries, said };
        if found != ModelGroup::default() {
            model.insert(group, found);
        }
    }
    Ok(model)
}

pub(crate) fn options(disk: &SimDisk, segment_bytes: u64) -> LogOptions {
    LogOptions {
        disk: Arc::new(disk.clone()),
        dir: PathBuf::from("/log"),
        segment_bytes,
        cache_bytes: 2000,
        on_fatal: Arc::new(|_| ()),
    }
}

pub(crate) fn open(disk: &SimDisk, segment_bytes: u64) -> Result<Log, LogError> {
    Log::open(options(disk, segment_bytes))
}

pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }

    /// Something to do that Raft might do.
    fn steps(&mut self, model: &Model, serial: u64) -> Vec<Step> {
        let group = GROUPS.start + self.roll(GROUPS.end - GROUPS.start);
        let now = model.get(&group).cloned().unwrap_or_default();
        let (next, term) = (now.next(), serial);
        match self.roll(20) {
            0..=1 => vec![Step::Vote(group, Bytes::from(format!("vote {serial}")))],
            2 if !now.entries.is_empty() => {
                let back = self.roll(3).min(now.entries.len() as u64);
                vec![Step::Truncate(group, next - back)]
            }
            3..=5 if !now.entries.is_empty() => {
                let at = self.roll(now.entries.len() as u64) as usize;
                let (index, (term, _)) = now.entries.iter().nth(at).unwrap();
                // Sometimes as a snapshot has it that says otherwise.
                if self.roll(8) == 0 {
                    let to = Position { index: *index, term: serial };
                    return vec![Step::Truncate(group, *index), Step::Purge(group, to)];
                }
                vec![Step::Purge(group, Position { index: *index, term: *term })]
            }
            6 if self.roll(10) == 0 => match now.said.max(now.last()) {
                Some(_) => vec![Step::Said(group), Step::Remove(group)],
                None => vec![Step::Remove(group)],
            },
            7 if self.roll(4) == 0 => vec![Step::Purge(group, Position { index: next + 5, term })],
            _ => (next..=next + self.roll(4))
                .map(|index| {
                    let payload = vec![serial as u8; self.roll(700) as usize].into();
                    Step::Entry(group, LogEntry { index, term, tag: 7, payload })
                })
                .collect(),
        }
    }
}

/// Gives `steps` to the log as one operation; `done` is raised to `upto` when it is durable.
fn submit(log: &Log, steps: &[Step], upto: usize, done: &Arc<AtomicUsize>) {
    let done = Arc::clone(done);
    let told = Box::new(move |outcome: Result<(), LogError>| {
        if outcome.is_ok() {
            done.fetch_max(upto, Ordering::SeqCst);
        }
    });
    match steps.last().unwrap().clone() {
        Step::Entry(group, _) => {
            let entries = steps.iter().map(|step| match step {
                Step::Entry(_, entry) => entry.clone(),
                other => panic!("{other:?} among entries"),
            });
            log.append(group, entries.collect(), told);
        }
        Step::Vote(group, vote) => log.save_vote(group, vote, told),
        Step::Truncate(group, from) => log.truncate(group, from, told),
        Step::Purge(group, to) => log.purge(group, to, told),
        Step::Said(_) => panic!("only before a removal"),
        Step::Remove(group) => log.remove(group, told),
    }
}

/// Several lives of a log with a crash at the end of each.
///
/// The law: what is found is what a prefix of the steps makes, and the prefix has every step
/// that was acknowledged.
pub(crate) fn lives(seed: u64, lying: bool) -> Result<(), String> {
    let dice = &mut Dice(seed);
    let segment_bytes = if dice.roll(2) == 0 { 4 << 10 } else { 64 << 10 };
    let mut disk = SimDisk::new();
    let mut model = Model::new();
    let mut serial = 0;
    for life in 0..4 {
        let log = open(&disk, segment_bytes).map_err(|error| format!("life {life}: {error}"))?;
        let found = observe(&log).map_err(|error| error.to_string())?;
        if found != model {
            return Err(format!("life {life}: an intact disk shows another state"));
        }
        if lying {
            disk.lie_about_syncs();
        }
        disk.fail_after(dice.roll(60));
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut states = vec![model.clone()];
        for _ in 0..dice.roll(120) {
            serial += 1;
            let steps = dice.steps(&model, serial);
            for step in &steps {
                apply(&mut model, step);
                states.push(model.clone());
            }
            submit(&log, &steps, states.len() - 1, &acknowledged);
            if dice.roll(4) == 0 {
                std::thread::yield_now();
            }
        }
        log.close();
        let acknowledged = acknowledged.load(Ordering::SeqCst);
        disk = disk.crash(seed ^ serial);
        let log = open(&disk, segment_bytes).map_err(|error| format!("after crash: {error}"))?;
        let found = observe(&log).map_err(|error| error.to_string())?;
        log.close();
        if let Some(before) = states.iter().position(|state| *state == found)
            && !states[acknowledged..].contains(&found)
        {
            return Err(format!("{acknowledged} acknowledged, {before} found"));
        }
        if !states.contains(&found) {
            return Err(format!("a phantom: {found:?}"));
        }
        model = found;
    }
    Ok(())
}

impl ModelGroup {
    /// Count of its entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
