//! Functions of time and uuids: the present, conversions between kinds of moments, and the bounds
//! of the timeuuids of a moment. Every name has a form with and one without underscores.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cellar_schema::{CqlType, value};
use uuid::Uuid;

use super::ScalarFn;
use super::choose::Call;
use crate::plan::{Env, PlanError};

const DAY_MS: i64 = 86_400_000;
/// The stored day of 1970-01-01.
const EPOCH_DAY: i64 = 1 << 31;
/// 1582-10-15, where time in uuids begins, before the epoch, in units of 100 ns.
const UUID_EPOCH_TICKS: i64 = 0x01b2_1dd2_1381_4000;
/// Units of 100 ns in a millisecond.
const MS_TICKS: i64 = 10_000;
/// Times in uuids have 60 bits.
const UUID_TICKS_END: i64 = 1 << 60;

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    use CqlType::{Bigint, Date, Time, Timestamp, Timeuuid, Uuid};
    let name = call.name;
    let candidates = match name {
        "now" | "current_timeuuid" | "currenttimeuuid" => {
            vec![present(name, Timeuuid, |env| now(env.now_us))]
        }
        "uuid" => vec![present(name, Uuid, |_| Ok(value::uuid(uuid::Uuid::new_v4())))],
        "current_timestamp" | "currenttimestamp" => {
            vec![present(name, Timestamp, |env| Ok(value::timestamp(env.now_us.div_euclid(1000))))]
        }
        "current_date" | "currentdate" => vec![present(name, Date, |env| {
            from_ms(&Date, env.now_us.div_euclid(1000)).ok_or_else(out_of_range)
        })],
        "current_time" | "currenttime" => vec![present(name, Time, |env| {
            let of_day_us = env.now_us.rem_euclid(DAY_MS * 1000);
            // Whole milliseconds, as Cassandra.
            Ok(value::time(of_day_us / 1000 * 1_000_000))
        })],
        "to_date" | "todate" => conversions(name, &[Timeuuid, Timestamp], &Date),
        "to_timestamp" | "totimestamp" => conversions(name, &[Timeuuid, Date], &Timestamp),
        "to_unix_timestamp" | "tounixtimestamp" => {
            conversions(name, &[Timeuuid, Timestamp, Date], &Bigint)
        }
        // Gone from Cassandra 5.0 but still in applications written for 4.
        "dateof" => conversions(name, &[Timeuuid], &Timestamp),
        "unixtimestampof" => conversions(name, &[Timeuuid], &Bigint),
        "min_timeuuid" | "mintimeuuid" => vec![bound(name, 0, 0, 0x80)],
        "max_timeuuid" | "maxtimeuuid" => vec![bound(name, 1, -1, 0x7f)],
        _ => return None,
    };
    Some(call.among(candidates))
}

fn present(
    name: &str,
    result: CqlType,
    compute: impl Fn(&Env) -> Result<Bytes, PlanError> + Send + Sync + 'static,
) -> ScalarFn {
    ScalarFn {
        name: name.to_owned(),
        arguments: Vec::new(),
        result,
        pure: false,
        compute: std::sync::Arc::new(move |env, _| compute(env).map(Some)),
    }
}

fn conversions(name: &str, from: &[CqlType], to: &CqlType) -> Vec<ScalarFn> {
    from.iter().map(|from| conversion(name, from, to)).collect()
}

/// The conversion of one kind of moment into another.
pub(super) fn conversion(name: &str, from: &CqlType, to: &CqlType) -> ScalarFn {
    let (function, source, target) = (name.to_owned(), from.clone(), to.clone());
    ScalarFn::unary(name, from.clone(), to.clone(), move |bytes| {
        let converted = to_ms(&source, bytes).and_then(|epoch_ms| from_ms(&target, epoch_ms));
        converted.map(Some).ok_or_else(|| {
            let reason = format!("value out of the range of type {target}");
            ScalarFn::failure(&function, std::slice::from_ref(&source), reason)
        })
    })
}

/// Milliseconds since the epoch of a moment.
pub(super) fn to_ms(cql_type: &CqlType, bytes: &[u8]) -> Option<i64> {
    match cql_type {
        CqlType::Timestamp | CqlType::Bigint => value::as_i64(bytes),
        CqlType::Date => Some((i64::from(value::as_u32(bytes)?) - EPOCH_DAY) * DAY_MS),
        CqlType::Timeuuid => Some(ticks(bytes)?.div_euclid(MS_TICKS)),
        _ => None,
    }
}

/// Units of 100 ns since the epoch in a version 1 uuid.
fn ticks(bytes: &[u8]) -> Option<i64> {
    let bits = value::as_uuid(bytes)?.as_u128();
    let low = (bits >> 96) & 0xffff_ffff;
    let middle = (bits >> 80) & 0xffff;
    let high = (bits >> 64) & 0x0fff;
    let ticks = i64::try_from(high << 48 | middle << 32 | low).ok()?;
    Some(ticks - UUID_EPOCH_TICKS)
}

/// A moment as a value, if the type reaches it.
pub(super) fn from_ms(cql_type: &CqlType, epoch_ms: i64) -> Option<Bytes> {
    match cql_type {
        CqlType::Timestamp | CqlType::Bigint => Some(value::bigint(epoch_ms)),
        CqlType::Date => {
            let day = u32::try_from(epoch_ms.div_euclid(DAY_MS).checked_add(EPOCH_DAY)?).ok()?;
            Some(value::date(day))
        }
        _ => None,
    }
}

/// A version 1 uuid of this time, in units of 100 ns since the epoch, with these last 8 bytes.
fn timeuuid(epoch_ticks: i64, node: [u8; 8]) -> Bytes {
    // Times beyond the year 5236 begin anew, as in Cassandra.
    let ticks = epoch_ticks.wrapping_add(UUID_EPOCH_TICKS).rem_euclid(UUID_TICKS_END);
    let ticks = u128::from(ticks.unsigned_abs());
    let (low, middle, high) = (ticks & 0xffff_ffff, (ticks >> 32) & 0xffff, ticks >> 48);
    let node = u128::from(u64::from_be_bytes(node));
    let bits = low << 96 | middle << 80 | (0x1000 | high) << 64 | node;
    value::uuid(Uuid::from_u128(bits))
}

/// `minTimeuuid` and `maxTimeuuid`: not real uuids, but below or above all of a millisecond.
fn bound(name: &str, after_ms: i64, after_ticks: i64, filler: u8) -> ScalarFn {
    ScalarFn::unary(name, CqlType::Timestamp, CqlType::Timeuuid, move |bytes| {
        Ok(value::as_i64(bytes).map(|epoch_ms| {
            let epoch_ticks = epoch_ms.wrapping_add(after_ms).wrapping_mul(MS_TICKS);
            timeuuid(epoch_ticks.wrapping_add(after_ticks), [filler; 8])
        }))
    })
}

/// The last time given out by [`now`], in units of 100 ns since the epoch of uuids.
static LAST_TICKS: AtomicU64 = AtomicU64::new(0);

/// How far times given out may run ahead of the clock: one millisecond. A clock that was set back
/// further than that counts again.
const AHEAD_TICKS_MAX: u64 = 10_000;

/// A new timeuuid of this time. Those of one process increase; all are distinct, because clock
/// sequence and node are random, the node marked as no hardware address.
fn now(now_us: i64) -> Result<Bytes, PlanError> {
    let ticks = now_us.checked_mul(10).and_then(|ticks| ticks.checked_add(UUID_EPOCH_TICKS));
    let ticks = ticks.and_then(|ticks| u64::try_from(ticks).ok()).ok_or_else(out_of_range)?;
    let next = |last: u64| {
        let after = last.saturating_add(1);
        if after > ticks && after - ticks <= AHEAD_TICKS_MAX { after } else { ticks }
    };
    let last = LAST_TICKS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |l| Some(next(l)));
    let ticks = next(last.unwrap_or_else(|last| last));
    // A random uuid has the variant bits of its clock sequence already.
    let (_, mut node) = Uuid::new_v4().as_u64_pair();
    node |= 1 << 40;
    let epoch_ticks = i64::try_from(ticks).ok().map(|ticks| ticks - UUID_EPOCH_TICKS);
    epoch_ticks.map(|ticks| timeuuid(ticks, node.to_be_bytes())).ok_or_else(out_of_range)
}

fn out_of_range() -> PlanError {
    PlanError::invalid("the time of the request is out of range")
}
