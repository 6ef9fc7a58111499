//! What a store must hold after a range of messages was written, by making the rows again.
//!
//! Guarantees: [`Oracle::of`] streams and keeps no rows; the oracles of the parts of a range merge
//! into the oracle of the range; rows read back from a store are added through
//! [`Totals::add_values`], by the same sums.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::date;
use crate::totals::RowSum;
use crate::value::{Value, canonical_row};

use super::{EventKind, Message, Pipeline, Row, Table, TimelineRow, schema};

/// Which rows count. Every part that is given must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Rows of this UTC day and later, since 1970-01-01.
    pub from_day: Option<i64>,
    /// Rows before this UTC day: those a tier policy calls old.
    pub before_day: Option<i64>,
    /// Rows of this account.
    pub account_id: Option<i64>,
    /// Events of this kind; claims have none and do not count.
    pub event: Option<EventKind>,
}

impl Filter {
    /// Rows older than a day.
    #[must_use]
    pub fn before_day(day: i64) -> Self {
        Self { before_day: Some(day), ..Self::default() }
    }

    /// Rows of a day and later.
    #[must_use]
    pub fn from_day(day: i64) -> Self {
        Self { from_day: Some(day), ..Self::default() }
    }

    fn keeps(&self, account_id: i64, at_ms: i64, event: Option<EventKind>) -> bool {
        let day = date::day_of_ms(at_ms);
        self.from_day.is_none_or(|from| day >= from)
            && self.before_day.is_none_or(|before| day < before)
            && self.account_id.is_none_or(|account| account == account_id)
            && (self.event.is_none() || self.event == event)
    }
}

/// What rows of one table add up to, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Rows and the sum of their hashes.
    #[serde(flatten)]
    pub sum: RowSum,
    /// Sum of the column that ageing goes by, in whole seconds since 1970.
    pub seconds: i64,
    /// Sum of `subscriber_id`.
    pub subscriber_ids: i64,
    /// Sum of `attempt`.
    pub attempts: i64,
}

impl Totals {
    /// Adds a generated row.
    pub fn add(&mut self, row: &Row) {
        self.add_values(row.table(), &row.values());
    }

    /// Adds a row that a store gave back, its columns in the order of the table.
    pub fn add_values(&mut self, table: &Table, values: &[Value]) {
        let number = |column| match values.get(column) {
            Some(Value::Bigint(number)) => *number,
            Some(Value::Smallint(number)) => i64::from(*number),
            Some(Value::Timestamp(ms)) => ms.div_euclid(date::SECOND_MS),
            _ => 0,
        };
        self.sum.add(&canonical_row(values));
        self.seconds += number(table.time_column);
        self.subscriber_ids += number(table.subscriber_column);
        self.attempts += table.attempt_column.map_or(0, number);
    }

    /// Adds the rows of another total.
    pub const fn merge(&mut self, other: &Self) {
        self.sum.merge(other.sum);
        self.seconds += other.seconds;
        self.subscriber_ids += other.subscriber_ids;
        self.attempts += other.attempts;
    }
}

/// What the tables hold after a range of messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oracle {
    /// `email.send_claim`
    pub claims: Totals,
    /// `email.events`
    pub events: Totals,
    /// `email.subscriber_timeline`
    pub timeline: Totals,
    /// Events by kind.
    pub kinds: BTreeMap<EventKind, u64>,
    /// Claims that nothing followed.
    pub orphans: u64,
}

impl Oracle {
    /// The rows of a range of messages that a filter keeps.
    #[must_use]
    pub fn of(pipeline: &Pipeline, range: Range<u64>, filter: &Filter) -> Self {
        let mut oracle = Self::default();
        pipeline.range(range).for_each(|message| oracle.add(&message, filter));
        oracle
    }

    /// The same as [`Oracle::of`], made by this many threads.
    #[must_use]
    pub fn of_parallel(
        pipeline: &Pipeline,
        range: Range<u64>,
        filter: &Filter,
        threads: u64,
    ) -> Self {
        let part = range.end.saturating_sub(range.start).div_ceil(threads.max(1)).max(1);
        let step = usize::try_from(part).unwrap_or(usize::MAX);
        std::thread::scope(|scope| {
            let started: Vec<_> = range
                .clone()
                .step_by(step)
                .map(|from| from..(from + part).min(range.end))
                .map(|part| (part.clone(), scope.spawn(|| Self::of(pipeline, part, filter))))
                .collect();
            let mut oracle = Self::default();
            for (part, thread) in started {
                // A part whose thread died is made here, where it dies loudly.
                oracle.merge(&thread.join().unwrap_or_else(|_| Self::of(pipeline, part, filter)));
            }
            oracle
        })
    }

    /// Adds the rows of one message that a filter keeps.
    pub fn add(&mut self, message: &Message, filter: &Filter) {
        let claim = &message.claim;
        if filter.keeps(claim.account_id, claim.claimed_at, None) {
            self.claims.add_values(&schema::SEND_CLAIM, &claim.values());
            self.orphans += u64::from(message.send.is_orphan);
        }
        for event in &message.events {
            if filter.keeps(event.account_id, event.event_ts, Some(event.event)) {
                self.events.add_values(&schema::EVENTS, &event.values());
                *self.kinds.entry(event.event).or_default() += 1;
                if let Some(row) = event.timeline() {
                    self.timeline.add_values(&schema::TIMELINE, &row.values());
                }
            }
        }
    }

    /// Adds the rows of another oracle.
    pub fn merge(&mut self, other: &Self) {
        self.claims.merge(&other.claims);
        self.events.merge(&other.events);
        self.timeline.merge(&other.timeline);
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        self.orphans += other.orphans;
    }

    /// Rows of all three tables.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.claims.sum.rows + self.events.sum.rows + self.timeline.sum.rows
    }
}

/// A row of `email.campaign_report`, which is also a group of `email.events`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportKey {
    /// Account that sends.
    pub account_id: i64,
    /// Campaign of that account.
    pub campaign_id: String,
    /// UTC day, since 1970-01-01.
    pub day: i64,
    /// What happened.
    pub event: EventKind,
}

/// How often each kind of event happened, by campaign and day.
#[must_use]
pub fn reports(pipeline: &Pipeline, range: Range<u64>) -> BTreeMap<ReportKey, u64> {
    let mut reports = BTreeMap::new();
    for event in pipeline.range(range).flat_map(|message| message.events) {
        let key = ReportKey {
            account_id: event.account_id,
            campaign_id: event.campaign_id,
            day: event.day,
            event: event.event,
        };
        *reports.entry(key).or_default() += 1;
    }
    reports
}

/// The timelines of the (account, subscriber) pairs that `keep` wants, latest first, as
/// [`schema::LATEST_20`] gives their starts.
#[must_use]
pub fn timelines(
    pipeline: &Pipeline,
    range: Range<u64>,
    keep: impl Fn(i64, i64) -> bool,
) -> BTreeMap<(i64, i64), Vec<TimelineRow>> {
    let mut timelines: BTreeMap<_, Vec<TimelineRow>> = BTreeMap::new();
    for message in pipeline.range(range) {
        let key = (message.send.account_id, message.send.subscriber_id);
        if keep(key.0, key.1) {
            let rows = message.events.iter().filter_map(super::EventRow::timeline);
            timelines.entry(key).or_default().extend(rows);
        }
    }
    for rows in timelines.values_mut() {
        rows.sort_by_key(|row| (Reverse(row.event_ts), row.sg_event_id.clone()));
    }
    timelines
}
