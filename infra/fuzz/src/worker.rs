//! The process that runs inputs. It may die of any of them: the supervisor finds the input in a
//! file. What can be told from inside (panics, broken laws, inputs that take too long) it tells.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use fastrand::Rng;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::Arguments;
use crate::input::{Current, save_crash, shown};
use crate::mutate::mutate;
use crate::pool::Pool;
use crate::target::{Name, Signature, Target};

/// Memory that the process may have. Inputs have 64 KiB; what they expand to by right, an LZ4
/// block among them, is below a quarter of this.
const MEMORY_BYTES_MAX: u64 = 256 << 20;
/// Stack of the thread that runs inputs: that of a thread of the server.
const STACK_BYTES: usize = 2 << 20;
/// Time for one input.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);
/// Time for making an input that failed smaller.
const SHRINK_TIME: Duration = Duration::from_secs(5);
/// Exit status when an input takes too long.
pub(crate) const HANGS: u8 = 4;

/// What any thread said when it panicked.
static PANIC: Mutex<Option<String>> = Mutex::new(None);
/// Inputs so far.
static INPUTS: AtomicU64 = AtomicU64::new(0);
static FINISHED: AtomicBool = AtomicBool::new(false);

/// Runs inputs until the time is over; whether all passed.
pub(crate) fn run(arguments: &Arguments, target: Name) -> anyhow::Result<bool> {
    limit(Resource::As, MEMORY_BYTES_MAX)?;
    limit(Resource::Core, 0)?;
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut panic) = PANIC.lock() {
            panic.get_or_insert_with(|| info.to_string());
        }
    }));
    let options = arguments.clone();
    let fuzzer = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let passed = fuzz(&options, target);
            FINISHED.store(true, Ordering::SeqCst);
            passed
        })
        .context("cannot start the thread that runs inputs")?;
    watch();
    fuzzer.join().map_err(|_| anyhow::anyhow!("the fuzzer itself panicked: {:?}", PANIC.lock()))?
}

fn limit(resource: Resource, most: u64) -> anyhow::Result<()> {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(resource, limit).context("cannot set a limit of the process")
}

/// Ends the process if one input takes too long.
fn watch() {
    let (mut inputs, mut since) = (0, Instant::now());
    while !FINISHED.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(50));
        let now = INPUTS.load(Ordering::Relaxed);
        if now != inputs {
            (inputs, since) = (now, Instant::now());
        } else if since.elapsed() > INPUT_TIME_MAX {
            std::process::exit(HANGS.into());
        }
    }
}

struct Fuzzer {
    target: Box<dyn Target>,
    current: Current,
}

fn fuzz(arguments: &Arguments, name: Name) -> anyhow::Result<bool> {
    let out = arguments.out.as_path();
    let fuzzer = Fuzzer { target: name.target(), current: Current::create(out, name)? };
    let started = Instant::now();
    let time = Duration::from_secs(arguments.seconds);
    let mut rng = Rng::with_seed(arguments.seed.unwrap_or(0));
    let mut pool = Pool::new(fuzzer.target.seeds());
    for seed in pool.seeds().to_vec() {
        match fuzzer.run(&seed)? {
            Ok(signature) => _ = pool.offer(&seed, signature.value(), &mut rng),
            Err(reason) => return fuzzer.failed(out, name, seed, &reason),
        }
    }
    let words = fuzzer.target.words();
    while started.elapsed() < time {
        let mut input = pool.pick(&mut rng).to_vec();
        mutate(&mut input, pool.pick(&mut rng), &words, &mut rng);
        // Some inputs keep their wrong checksums, so that those are met too.
        if rng.u8(0..8) != 0 {
            fuzzer.target.repair(&mut input);
        }
        match fuzzer.run(&input)? {
            Ok(signature) => _ = pool.offer(&input, signature.value(), &mut rng),
            Err(reason) => return fuzzer.failed(out, name, input, &reason),
        }
    }
    let (inputs, seconds) = (INPUTS.load(Ordering::Relaxed), started.elapsed().as_secs());
    let (seeds, outcomes) = (pool.seeds().len(), pool.outcomes());
    println!("{name}: {inputs} inputs in {seconds} s from {seeds} seeds, {outcomes} outcomes");
    Ok(true)
}

impl Fuzzer {
    /// Runs an input; why it failed if it did.
    fn run(&self, input: &[u8]) -> anyhow::Result<Result<Signature, String>> {
        self.current.keep(input).context("cannot keep the current input")?;
        INPUTS.fetch_add(1, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.target.run(input)));
        // A thread of the target may have panicked while its caller saw nothing.
        let panic = PANIC.lock().ok().and_then(|mut panic| panic.take());
        Ok(match (outcome, panic) {
            (_, Some(panic)) => Err(panic),
            (Ok(Ok(signature)), None) => Ok(signature),
            (Ok(Err(broken)), None) => Err(broken.0),
            (Err(_), None) => Err("a panic without a message".to_owned()),
        })
    }

    /// Makes an input that failed smaller, writes it down and tells of it.
    fn failed(&self, out: &Path, name: Name, input: Vec<u8>, reason: &str) -> anyhow::Result<bool> {
        let (input, reason) = self.shrink(input, reason)?;
        let path = save_crash(out, name, &input)?;
        println!("{name}: FAILED: {reason}");
        println!("{name}: input of {} bytes: {}", input.len(), shown(&input));
        println!("{name}: again with: cellar-fuzz {name} --replay {}", path.display());
        Ok(false)
    }

    /// Leaves out whatever is not needed to fail in the same way.
    fn shrink(&self, mut input: Vec<u8>, reason: &str) -> anyhow::Result<(Vec<u8>, String)> {
        let started = Instant::now();
        let mut reason = reason.to_owned();
        let mut piece = input.len().div_ceil(2);
        while piece > 0 && started.elapsed() < SHRINK_TIME {
            let mut at = 0;
            while at < input.len() && started.elapsed() < SHRINK_TIME {
                let mut smaller = input.clone();
                smaller.drain(at..input.len().min(at + piece));
                self.target.repair(&mut smaller);
                match self.run(&smaller)? {
                    Err(other) if kind(&other) == kind(&reason) => {
                        (input, reason) = (smaller, other);
                    }
                    _ => at += piece,
                }
            }
            piece /= 2;
        }
        Ok((input, reason))
    }
}

/// The first line of a reason: the place of a panic, or the law that is broken.
fn kind(reason: &str) -> &str {
    reason.lines().next().unwrap_or_default()
}
