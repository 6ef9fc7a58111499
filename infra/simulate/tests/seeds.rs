//! A few seeds with every test run; `cargo xtask simulate` runs many, and compares traces.
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

use tokio::runtime::Builder;

#[test]
fn a_cluster_in_trouble_keeps_its_promises_for_a_few_seeds() {
    let mut requests = 0;
    for seed in 1..=4 {
        // A thread of its own, as each seed has it in the program.
        let running = std::thread::spawn(move || {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_time().start_paused(true).build().unwrap();
            cellar_simulate::run(&runtime, seed, false)
        });
        let report = running.join().unwrap();
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
        requests += report.requests;
    }
    assert!(requests > 500, "{requests} requests show nothing");
}
