//! The generated e-mail events: fixed for ever, unique, skewed as specified, added up by parts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};

use cellar_workload::date;
use cellar_workload::email::{
    Arrival, EventKind, Filter, Oracle, Pipeline, Row, RowId, Shape, reports, timelines, webhook,
};
use cellar_workload::value::Value;
use proptest::prelude::*;

fn small() -> Pipeline {
    Pipeline::new(Shape { emails: 3_000, ..Shape::ci(7) })
}

/// The scale at which the specification measured its own generator.
fn measured() -> Pipeline {
    Pipeline::new(Shape { emails: 200_000, days: 731, ..Shape::ci(7) })
}

#[test]
fn the_same_seed_gives_the_same_rows_for_ever() {
    let pipeline = Pipeline::new(Shape::ci(7));
    let oracle = Oracle::of(&pipeline, 0..2_000, &Filter::default());
    assert_eq!(oracle.claims.sum.sum64, 0x9b16_7c8f_7c3f_1275);
    assert_eq!(oracle.events.sum.sum64, 0x8346_b5dd_0177_2f7c);
    assert_eq!(oracle.timeline.sum.sum64, 0x7b99_7bd8_7c0d_0a1a);
    assert_eq!(oracle.events.sum.rows, 5_774);
    let main = Pipeline::new(Shape::main(1).with_whales().with_orphans(137));
    let sample = (0..main.messages()).step_by(50_021).map(|index| main.message(index));
    let mut oracle = Oracle::default();
    sample.for_each(|message| oracle.add(&message, &Filter::default()));
    assert_eq!(oracle.events.sum.sum64, 0x3985_5cf6_3c09_c134);
    let mut profiles = cellar_workload::email::Totals::default();
    (1..50).for_each(|id| profiles.add(&Row::Profile(main.profile(1, id))));
    assert_eq!(profiles.sum.sum64, 0x358a_caa0_271f_34b2);
}

#[test]
fn another_seed_gives_other_rows() {
    let other = Pipeline::new(Shape { emails: 3_000, ..Shape::ci(8) });
    let all = Filter::default();
    let (a, b) = (Oracle::of(&small(), 0..3_000, &all), Oracle::of(&other, 0..3_000, &all));
    assert_eq!(a.claims.sum.rows, b.claims.sum.rows);
    assert_ne!(a.claims.sum.sum64, b.claims.sum.sum64);
    assert_ne!(a.events.sum, b.events.sum);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_oracles_of_parts_merge_into_that_of_the_range(
        mut cuts in prop::collection::vec(0_u64..3_000, 0..6), before in 0_i64..400,
    ) {
        let pipeline = small();
        let cutoff = pipeline.shape().day0 + before;
        let whole = Oracle::of(&pipeline, 0..3_000, &Filter::default());
        cuts.extend([0, 3_000]);
        cuts.sort_unstable();
        let mut parts = Oracle::default();
        for pair in cuts.windows(2) {
            // By index and, within each part, by age: both must partition the totals.
            parts.merge(&Oracle::of(&pipeline, pair[0]..pair[1], &Filter::before_day(cutoff)));
            parts.merge(&Oracle::of(&pipeline, pair[0]..pair[1], &Filter::from_day(cutoff)));
        }
        prop_assert_eq!(parts, whole);
    }

    #[test]
    fn a_row_can_be_made_again_from_its_address(message in 0_u64..3_000) {
        let pipeline = small();
        let rows: Vec<Row> = pipeline.message(message).rows().collect();
        for (ordinal, row) in (0_u16..).zip(&rows) {
            prop_assert_eq!(pipeline.row(RowId { message, ordinal }), Some(row.clone()));
        }
        let ordinal = u16::try_from(rows.len()).unwrap();
        prop_assert_eq!(pipeline.row(RowId { message, ordinal }), None);
        prop_assert_eq!(pipeline.row(RowId { message: message + 3_000, ordinal: 0 }), None);
    }
}

#[test]
fn no_two_rows_of_a_table_share_a_primary_key() {
    let shape = Shape { whales: 2, whale_emails: 5_000, emails: 20_000, ..Shape::ci(3) };
    let pipeline = Pipeline::new(shape.with_orphans(137));
    let mut keys = BTreeSet::new();
    let mut messages = BTreeSet::new();
    let mut rows = 0;
    for message in pipeline.range(0..pipeline.messages()) {
        messages.insert(message.send.message_id);
        for row in message.rows() {
            let table = row.table();
            let key: Vec<String> =
                row.values().iter().take(table.key_columns).map(Value::canonical).collect();
            keys.insert((table.name, key));
            rows += 1;
        }
    }
    assert_eq!(keys.len(), rows);
    assert_eq!(messages.len() as u64, pipeline.messages());
}

#[test]
fn threads_do_not_change_the_oracle() {
    let pipeline = small();
    let whole = Oracle::of(&pipeline, 5..2_900, &Filter::default());
    for threads in [0, 1, 3, 4_000] {
        assert_eq!(Oracle::of_parallel(&pipeline, 5..2_900, &Filter::default(), threads), whole);
    }
    let none = Oracle::of_parallel(&pipeline, 9..9, &Filter::default(), 4);
    assert_eq!(none, Oracle::default());
}

#[test]
fn whoever_leaves_or_complains_is_suppressed() {
    let pipeline = measured();
    let (mut left, mut complained) = (0, 0);
    for message in pipeline.range(0..60_000) {
        let has = |kind| message.events.iter().any(|event| event.event == kind);
        let (unsubscribed, spam) = (has(EventKind::Unsubscribe), has(EventKind::Spamreport));
        let reason = message.suppression().map(|row| row.reason);
        left += u32::from(reason == Some(EventKind::Unsubscribe));
        complained += u32::from(reason == Some(EventKind::Spamreport));
        assert_eq!(reason.is_some(), unsubscribed || spam);
        assert_eq!(reason == Some(EventKind::Spamreport), spam);
    }
    assert!(left > 50 && complained > 0, "{left} {complained}");
}

#[test]
fn shares_of_the_events_are_those_of_the_specification() {
    let pipeline = measured();
    let oracle = Oracle::of(&pipeline, 0..200_000, &Filter::default());
    // Section 2.1, seed 7, 200,000 messages; another generator, so within its noise.
    for (kind, known, tolerance) in [
        (EventKind::Processed, 198_402, 400),
        (EventKind::Delivered, 196_321, 600),
        (EventKind::Open, 103_112, 1_500),
        (EventKind::Deferred, 57_778, 1_500),
        (EventKind::Click, 5_874, 400),
        (EventKind::Bounce, 2_081, 200),
        (EventKind::Dropped, 1_598, 160),
        (EventKind::Unsubscribe, 310, 70),
        (EventKind::Spamreport, 43, 30),
    ] {
        let found = oracle.kinds[&kind];
        assert!(found.abs_diff(known) <= tolerance, "{kind:?}: {found}, known {known}");
    }
    // 5.376 records per message in the story, 5.366 measured by the specification.
    assert!(oracle.records().abs_diff(1_073_200) < 10_000, "{}", oracle.records());
}

#[test]
fn accounts_campaigns_and_deferrals_are_skewed_as_specified() {
    let pipeline = measured();
    let mut accounts: BTreeMap<i64, u64> = BTreeMap::new();
    let mut campaigns: BTreeMap<String, u64> = BTreeMap::new();
    let (mut at_cap, mut on_slot, mut total) = (0_u32, 0_u32, 0_u64);
    for message in pipeline.range(0..200_000) {
        let events = message.events.len() as u64;
        total += events;
        *accounts.entry(message.send.account_id).or_default() += events;
        *campaigns.entry(message.send.campaign_id).or_default() += events;
        let attempts = message.events.iter().filter_map(|event| event.attempt);
        assert!(attempts.clone().is_sorted() && attempts.clone().all(|n| (1..=15).contains(&n)));
        at_cap += u32::from(attempts.max() == Some(15));
        let since_slot_ms = message.send.claimed_at.rem_euclid(30 * date::MINUTE_MS);
        on_slot += u32::from(since_slot_ms < 10 * date::MINUTE_MS);
    }
    let mut by_size: Vec<u64> = accounts.values().copied().collect();
    by_size.sort_unstable_by(|a, b| b.cmp(a));
    let percent = |n: u64| n * 100 / total;
    assert!((17..=23).contains(&percent(by_size[0])), "{}", percent(by_size[0]));
    let top_ten: u64 = by_size.iter().take(10).sum();
    assert!((48..=58).contains(&percent(top_ten)), "{}", percent(top_ten));
    assert!((400..=620).contains(&at_cap), "{at_cap}");
    assert!((160_000..190_000).contains(&on_slot), "{on_slot}");
    assert!((500..=4_000).contains(&campaigns.len()), "{}", campaigns.len());
    let largest = campaigns.values().max().unwrap();
    assert!((600..=4_000).contains(largest), "{largest}");
}

#[test]
fn a_whale_sends_one_sharded_campaign_within_ten_minutes() {
    let pipeline = Pipeline::new(Shape { emails: 0, ..Shape::main(5) }.with_whales());
    let sends: Vec<_> =
        (0..pipeline.messages()).step_by(997).map(|index| pipeline.message(index).send).collect();
    let campaigns: BTreeSet<_> = sends.iter().map(|send| send.campaign_id.as_str()).collect();
    assert_eq!(Vec::from_iter(campaigns), ["c20001-001", "c20002-001", "c20003-001"]);
    let first: Vec<_> = sends.iter().filter(|send| send.account_id == 20_001).collect();
    assert!(first.iter().all(|send| send.shards == 40));
    let times = first.iter().map(|send| send.claimed_at);
    assert!(times.clone().max().unwrap() - times.min().unwrap() < 10 * date::MINUTE_MS);
}

#[test]
fn orphans_are_claims_that_nothing_follows() {
    let pipeline = Pipeline::new(Shape { emails: 2_000, ..Shape::ci(7) }.with_orphans(137));
    let oracle = Oracle::of(&pipeline, 0..pipeline.messages(), &Filter::default());
    assert_eq!((oracle.orphans, oracle.claims.sum.rows), (137, 2_137));
    let silent = pipeline.range(0..2_137).filter(|message| message.events.is_empty()).count();
    assert_eq!(silent, 137);
}

#[test]
fn reports_and_timelines_agree_with_the_oracle() {
    let pipeline = small();
    let oracle = Oracle::of(&pipeline, 0..3_000, &Filter::default());
    let reports = reports(&pipeline, 0..3_000);
    for (kind, count) in &oracle.kinds {
        let of_kind = reports.iter().filter(|(key, _)| key.event == *kind);
        assert_eq!(of_kind.map(|(_, n)| n).sum::<u64>(), *count);
    }
    let timelines = timelines(&pipeline, 0..3_000, |_, _| true);
    let rows: usize = timelines.values().map(Vec::len).sum();
    assert_eq!(rows as u64, oracle.timeline.sum.rows);
    for rows in timelines.values() {
        assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row.event_ts)));
    }
}

#[test]
fn totals_of_rows_read_back_equal_the_oracle() {
    let pipeline = small();
    let oracle = Oracle::of(&pipeline, 0..3_000, &Filter::default());
    let mut read = Oracle::default();
    for row in pipeline.range(0..3_000).flat_map(|message| message.rows().collect::<Vec<_>>()) {
        let table = row.table();
        let values: Vec<Value> = row
            .values()
            .iter()
            .zip(table.columns)
            .map(|(value, (_, kind))| Value::from_wire(*kind, value.wire().as_deref()).unwrap())
            .collect();
        assert_eq!(values, row.values());
        let totals = match row {
            Row::Claim(_) => &mut read.claims,
            Row::Event(_) => &mut read.events,
            _ => &mut read.timeline,
        };
        totals.add_values(table, &values);
    }
    assert_eq!(read.claims, oracle.claims);
    assert_eq!(read.events, oracle.events);
    assert_eq!(read.timeline, oracle.timeline);
}

#[test]
fn every_event_is_posted_once_and_a_two_hundredth_of_them_twice() {
    let pipeline = Pipeline::new(Shape::ci(7));
    let oracle = Oracle::of(&pipeline, 0..20_000, &Filter::default());
    let posts = webhook::posts(&pipeline, 0..20_000);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut posted = 0_u64;
    for post in &posts {
        assert!(post.body.len() <= cellar_workload::limits::POST_BYTES_MAX);
        let events: Vec<serde_json::Value> = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(events.len(), post.events);
        for event in events {
            let timestamp = event["timestamp"].as_i64().unwrap();
            assert!(timestamp * 1_000 <= post.at_ms);
            posted += 1;
            *seen.entry(event["sg_event_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(seen.len() as u64, oracle.events.sum.rows);
    let twice = posted - oracle.events.sum.rows;
    // 0.5 % of the events.
    assert!((200..=370).contains(&twice), "{twice} of {posted}");
}

#[test]
fn most_events_arrive_behind_a_later_one() {
    let pipeline = measured();
    let mut arrivals = Vec::new();
    for event in pipeline.range(0..200_000).flat_map(|message| message.events) {
        let arrival = Arrival::of(pipeline.shape(), &event);
        arrivals.push((arrival.at_ms, event.event_ts));
        arrivals.extend(arrival.again_ms.map(|again_ms| (again_ms, event.event_ts)));
    }
    arrivals.sort_by_key(|(at_ms, _)| *at_ms);
    let mut latest = 0;
    let behind = arrivals.iter().filter(|(_, event_ts)| {
        latest = latest.max(*event_ts);
        *event_ts < latest
    });
    let percent = behind.count() * 100 / arrivals.len();
    // The specification measured 91 % over a span it does not state; this is 79 % over 24 months
    // and 87 % over 30 days.
    assert!((75..=85).contains(&percent), "{percent} %");
}

#[test]
fn an_arrival_is_never_before_its_event_nor_a_day_late() {
    let pipeline = small();
    for event in pipeline.range(0..3_000).flat_map(|message| message.events) {
        let arrival = Arrival::of(pipeline.shape(), &event);
        let day_ms = date::DAY_MS + 2 * date::MINUTE_MS;
        assert!((1..day_ms).contains(&(arrival.at_ms - event.event_ts)));
        assert!(
            arrival.again_ms.is_none_or(|again| (1..day_ms).contains(&(again - arrival.at_ms)))
        );
    }
}

#[test]
fn statements_list_the_columns_of_the_tables_that_are_created() {
    use cellar_workload::email::schema;
    let tables = [
        &schema::SEND_CLAIM,
        &schema::EVENTS,
        &schema::TIMELINE,
        &schema::PROFILE,
        &schema::SUPPRESSION,
    ];
    for (table, create) in tables.into_iter().zip(schema::CREATE_TABLES) {
        assert!(create.contains(&format!(" {} (", table.name)), "{create}");
        let mut from = 0;
        for (name, _) in table.columns {
            from += create[from..].find(name).unwrap_or_else(|| panic!("{name} in {create}"));
        }
        assert_eq!(table.insert().matches('?').count(), table.columns.len());
        assert_eq!(table.select_row().matches('?').count(), table.key_columns);
    }
    let insert = "INSERT INTO email.suppression (account_id, subscriber_id, reason, since) \
                  VALUES (?, ?, ?, ?)";
    assert_eq!(schema::SUPPRESSION.insert(), insert);
    let select = "SELECT account_id, subscriber_id, reason, since FROM email.suppression \
                  WHERE account_id = ? AND subscriber_id = ?";
    assert_eq!(schema::SUPPRESSION.select_partition(), select);
}
