//! What one more table costs when there are many: run by hand, with `--ignored --nocapture`.
#![allow(clippy::print_stdout, reason = "it shows what it measured")]

mod harness;

use std::{hint::black_box, time::Instant};

use cellar_metadata_api::Catalog;
use cellar_schema::CqlType;
use harness::*;

#[test]
#[ignore = "a measurement"]
fn a_table_among_ten_thousand() {
    let mut state = state();
    let mut watcher = Catalog::default().apply(state.catalog().to_update());
    for thousand in 1..=10 {
        let (mut decided, mut followed) = (0, 0);
        for number in 0..1_000 {
            let name = format!("t{thousand}_{number}");
            let columns = [("k", CqlType::Int, KEY), ("v", CqlType::Text, VALUE)];
            let began = Instant::now();
            run(&mut state, &create_table(&name, &columns));
            decided += began.elapsed().as_micros();
            let began = Instant::now();
            if let Some(update) = state.since(watcher.version, true) {
                // As a client does: others hold on to the catalog before.
                let before = watcher.clone();
                watcher = before.apply(update);
                black_box(&before);
            }
            followed += began.elapsed().as_micros();
        }
        println!(
            "{thousand}000 tables: {} µs to decide, {} µs to follow, each",
            decided / 1_000,
            followed / 1_000
        );
    }
}
