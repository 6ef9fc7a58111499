//! Prints puts, gets and scanned rows per second:
//! `cargo run --release -p cellar-engine --example bench_engine -- 1000000`.
//! The argument is the number of rows, of 16 bytes of key and 100 of value, in random order.

use std::{
    error::Error,
    thread,
    time::{Duration, Instant},
};

use cellar_engine::{Batch, Engine, EngineError, Options};

const BATCH_ROWS: u64 = 10;
const READERS: u64 = 4;

/// Spreads numbers over the key space; different numbers give different keys.
fn key(number: u64) -> [u8; 16] {
    let mut key = [b'k'; 16];
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    for (to, from) in key.iter_mut().zip(spread) {
        *to = from;
    }
    key
}

#[expect(clippy::cast_precision_loss, reason = "a rate to be read by people")]
fn report(what: &str, count: u64, took: Duration) {
    let rate = count as f64 / took.as_secs_f64() / 1e3;
    println!("{what:<28} {rate:>9.0} k/s   ({count} in {took:.2?})");
}

fn get_all(engine: &Engine, first: u64, step: u64, rows: u64) -> Result<(), EngineError> {
    for number in (first..rows).step_by(usize::try_from(step).unwrap_or(1)) {
        if engine.get(&key(number))?.is_none() {
            eprintln!("row {number} is missing");
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    let scratch = tempfile::tempdir()?;
    let engine = Engine::open(scratch.path(), Options::default())?;

    let start = Instant::now();
    for first in (0..rows).step_by(usize::try_from(BATCH_ROWS)?) {
        let mut batch = Batch::new();
        for number in first..rows.min(first + BATCH_ROWS) {
            let mut value = [b'v'; 100];
            for (to, from) in value.iter_mut().zip(number.to_string().bytes().cycle().take(50)) {
                *to = from;
            }
            batch.put(&key(number), &value);
        }
        engine.apply(&batch)?;
    }
    report("puts, batches of 10", rows, start.elapsed());
    let start = Instant::now();
    engine.flush()?;
    println!("last flush {:.2?}; {:?}", start.elapsed(), engine.stats());

    let start = Instant::now();
    get_all(&engine, 0, 1, rows)?;
    report("gets, one thread", rows, start.elapsed());
    let start = Instant::now();
    thread::scope(|scope| {
        let engine = &engine;
        let readers: Vec<_> = (0..READERS)
            .map(|reader| scope.spawn(move || get_all(engine, reader, READERS, rows)))
            .collect();
        readers.into_iter().try_for_each(|reader| match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    report("gets, four threads", rows, start.elapsed());
    for reverse in [false, true] {
        let start = Instant::now();
        let mut found = 0;
        for row in engine.snapshot().scan_from(b"", reverse) {
            row?;
            found += 1;
        }
        report(
            if reverse { "scan, descending" } else { "scan, ascending" },
            found,
            start.elapsed(),
        );
    }
    let start = Instant::now();
    let bytes = engine.approximate_bytes(&[0x20], &[0x60])?;
    let middle = engine.middle_key(&[0x20], &[0x60])?;
    println!("quarter: {bytes} bytes, middle {middle:02x?}, in {:.2?}", start.elapsed());
    engine.close()?;
    Ok(())
}
