//! What the load of one cell means: how much it is asked per second, which of its partitions are
//! hot, and where it should split. Pure: time and counts are given to it.

mod plan;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use cellar_metadata_api::{KeyRange, Position};

pub(crate) use plan::{Plan, after};

use crate::{
    limits::{
        HOT_SHARE_PERCENT, LOAD_CALM_PERCENT, LOAD_HOT_REPORT_PART, LOAD_SAMPLES_MIN,
        LOAD_WINDOW_SECONDS,
    },
    records::position_of,
};

/// One second.
#[derive(Clone, Debug, Default)]
struct Second {
    reads: u64,
    writes: u64,
    /// Partitions that were sampled, with how often.
    samples: BTreeMap<(Position, Bytes), u64>,
}

/// The last seconds of one cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    seconds: VecDeque<Second>,
    /// The totals at the last look.
    before: Option<(u64, u64)>,
    /// Seconds in a row with more requests than one cell should have.
    busy_seconds: u64,
}

/// A partition with more than half of its cell's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hot {
    /// Where it is.
    pub(crate) position: Position,
    /// The start of its engine keys.
    pub(crate) partition: Bytes,
    /// Requests per second, estimated.
    pub(crate) per_second: u64,
}

impl Watch {
    /// Takes in one second: what was counted since the start, and the partitions sampled.
    pub(crate) fn tick(&mut self, totals: (u64, u64), sampled: Vec<Bytes>, limit_per_s: u64) {
        let before = self.before.replace(totals).unwrap_or_default();
        let mut second = Second {
            reads: totals.0.saturating_sub(before.0),
            writes: totals.1.saturating_sub(before.1),
            ..Second::default()
        };
        for partition in sampled {
            if let Ok(position) = position_of(&partition) {
                let count = second.samples.entry((position, partition)).or_insert(0_u64);
                *count = count.saturating_add(1);
            }
        }
        let requests = second.reads.saturating_add(second.writes);
        self.seconds.push_back(second);
        while self.seconds.len() > LOAD_WINDOW_SECONDS {
            self.seconds.pop_front();
        }
        // Between the two limits it stays as it is: a load just at the limit does not flicker.
        if requests > limit_per_s {
            self.busy_seconds = self.busy_seconds.saturating_add(1);
        } else if requests < part(limit_per_s, LOAD_CALM_PERCENT) {
            self.busy_seconds = 0;
        }
    }

    /// Reads and writes per second, of late.
    pub(crate) fn per_second(&self) -> (u64, u64) {
        let seconds = u64::try_from(self.seconds.len()).unwrap_or(1).max(1);
        let sum = |of: fn(&Second) -> u64| self.seconds.iter().map(of).sum::<u64>();
        let rate = |total: u64| total.div_ceil(seconds);
        (rate(sum(|second| second.reads)), rate(sum(|second| second.writes)))
    }

    /// The partition that takes more than half of the requests, if there are many.
    pub(crate) fn hot(&self, limit_per_s: u64) -> Option<Hot> {
        let (counts, all) = self.samples();
        let (reads, writes) = self.per_second();
        let rate = reads.saturating_add(writes);
        let many = rate >= limit_per_s.div_euclid(LOAD_HOT_REPORT_PART);
        if !many || all < LOAD_SAMPLES_MIN {
            return None;
        }
        let ((position, partition), count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        let share = |of: u64| of.saturating_mul(count).div_euclid(all.max(1));
        (count > part(all, HOT_SHARE_PERCENT)).then(|| Hot {
            position: *position,
            partition: partition.clone(),
            per_second: share(rate),
        })
    }

    /// Where a cell of this range should split, if it was asked too much for long enough.
    pub(crate) fn plan(&self, range: KeyRange) -> Option<Plan> {
        let window = u64::try_from(LOAD_WINDOW_SECONDS).unwrap_or(u64::MAX);
        let (counts, all) = self.samples();
        if self.busy_seconds < window || all < LOAD_SAMPLES_MIN {
            return None;
        }
        let mut by_position: BTreeMap<Position, u64> = BTreeMap::new();
        for ((position, _), count) in counts {
            let of_position = by_position.entry(*position).or_insert(0);
            *of_position = of_position.saturating_add(count);
        }
        plan::plan(&by_position, range)
    }

    /// Begins anew, after the range has changed.
    pub(crate) fn forget(&mut self) {
        *self = Self { before: self.before, ..Self::default() };
    }

    fn samples(&self) -> (BTreeMap<&(Position, Bytes), u64>, u64) {
        let (mut counts, mut all) = (BTreeMap::new(), 0_u64);
        for (partition, count) in self.seconds.iter().flat_map(|second| &second.samples) {
            let sum = counts.entry(partition).or_insert(0_u64);
            *sum = sum.saturating_add(*count);
            all = all.saturating_add(*count);
        }
        (counts, all)
    }
}

/// So many percent.
fn part(whole: u64, percent: u64) -> u64 {
    whole.saturating_mul(percent).div_euclid(100)
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::TableId;
    use cellar_schema::keys;

    use super::*;

    const LIMIT: u64 = 20_000;

    fn key(k: u32) -> Bytes {
        keys::partition(TableId(20), &k.to_be_bytes())
    }

    /// `seconds` of `per_s` requests, each second with samples of these partitions.
    fn run(watch: &mut Watch, seconds: u64, per_s: u64, sampled: impl Fn(u64) -> u32) {
        for _ in 0..seconds {
            let (reads, writes) = watch.before.unwrap_or_default();
            let partitions = (0..per_s / 64).map(|n| key(sampled(n))).collect();
            let writes_now = per_s / 4;
            watch.tick((reads + per_s - writes_now, writes + writes_now), partitions, LIMIT);
        }
    }

    fn started() -> Watch {
        let mut watch = Watch::default();
        watch.tick((0, 0), Vec::new(), LIMIT);
        watch
    }

    #[test]
    fn an_even_load_above_the_limit_for_ten_seconds_is_halved() {
        let mut watch = started();
        run(&mut watch, 9, 30_000, |n| u32::try_from(n % 100).unwrap());
        assert_eq!(watch.plan(KeyRange::ALL), None, "not yet");
        run(&mut watch, 1, 30_000, |n| u32::try_from(n % 100).unwrap());
        let Some(Plan::Halves(at)) = watch.plan(KeyRange::ALL) else { panic!("no halves") };
        let left = (0..100).filter(|k| position_of(&key(*k)).unwrap() < at).count();
        assert!((48..=52).contains(&left), "{left} of 100 partitions are left of the middle");
        assert_eq!(watch.per_second().1, 7_500);
        watch.forget();
        assert_eq!(watch.plan(KeyRange::ALL), None, "after the split it begins anew");
    }

    #[test]
    fn a_burst_and_a_load_below_the_limit_split_nothing() {
        let even = |n: u64| u32::try_from(n % 100).unwrap();
        let mut watch = started();
        for _ in 0..10 {
            run(&mut watch, 9, 90_000, even);
            run(&mut watch, 1, 1_000, even);
            assert_eq!(watch.plan(KeyRange::ALL), None);
        }
        let mut calm = started();
        run(&mut calm, 100, LIMIT - 100, even);
        assert_eq!(calm.plan(KeyRange::ALL), None);
        assert_eq!(calm.hot(LIMIT), None);
    }

    #[test]
    fn a_load_that_dips_a_little_below_the_limit_counts_on() {
        let even = |n: u64| u32::try_from(n % 100).unwrap();
        let mut watch = started();
        for _ in 0..10 {
            run(&mut watch, 1, LIMIT + 1_000, even);
            run(&mut watch, 1, LIMIT - 1_000, even);
        }
        assert!(watch.plan(KeyRange::ALL).is_some());
    }

    #[test]
    fn a_partition_with_most_of_the_load_is_isolated_and_reported() {
        let hot = |n: u64| if n % 10 < 9 { 7 } else { u32::try_from(n % 200).unwrap() };
        let mut watch = started();
        run(&mut watch, 10, 40_000, hot);
        let position = position_of(&key(7)).unwrap();
        let found = watch.hot(LIMIT).unwrap();
        assert_eq!((found.position, found.partition.clone()), (position, key(7)));
        assert!((34_000..=38_000).contains(&found.per_second), "{}", found.per_second);
        let plan = watch.plan(KeyRange::ALL);
        assert_eq!(plan, Some(Plan::Isolate(position)));
        let alone = KeyRange {
            start: position,
            end: Some(Position::new(position.table, position.token + 1)),
        };
        assert_eq!(watch.plan(alone), None, "it is alone already");
    }

    #[test]
    fn where_a_hot_partition_leaves_a_quarter_on_the_other_side_the_cell_is_halved() {
        let hot = |n: u64| if n % 10 < 6 { 7 } else { u32::try_from(n % 200).unwrap() };
        let mut watch = started();
        run(&mut watch, 10, 40_000, hot);
        let plan = watch.plan(KeyRange::ALL);
        let position = position_of(&key(7)).unwrap();
        let mut sides = [0_u32; 2];
        for k in (0..1_000).map(|n| u32::try_from(n % 200).unwrap()) {
            sides[usize::from(position_of(&key(k)).unwrap() > position)] += 1;
        }
        // The rest is 40 % of all: a quarter of all on one side is more than 62 % of the rest.
        match plan {
            Some(Plan::Halves(at)) => assert!(at == position || at.token == position.token + 1),
            Some(Plan::Isolate(at)) => {
                assert_eq!(at, position);
                assert!(sides.iter().all(|side| *side < 650), "{sides:?}");
            }
            None => panic!("no plan"),
        }
    }
}
