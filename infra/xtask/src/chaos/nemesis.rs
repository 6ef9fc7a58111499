//! Who breaks what and when: kills, pauses and cuts by a schedule that a seed decides. Every fault
//! ends; [`Nemesis::heal`] ends those that still go on.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Options, forced::Forcing, load::Load, network::Cuts, signal};
use crate::local::{Local, Member};

/// Between two looks at what is due.
const LOOK: Duration = Duration::from_millis(50);
/// How long a process may take to serve again.
const READY_WITHIN: Duration = Duration::from_secs(180);
/// How long a cut lasts, but for that of the metadata service.
const CUT: Duration = Duration::from_secs(10);
/// From the end of a cut to the next one.
const BETWEEN_CUTS: Duration = Duration::from_secs(5);

/// Something to do at its time.
enum Act {
    Kill,
    Start(String),
    Pause,
    Continue(Member),
    Cut(usize),
    Heal(usize),
}

/// A run of faults.
pub(super) struct Nemesis<'a> {
    cluster: &'a Local,
    options: &'a Options,
    random: fastrand::Rng,
    began: Instant,
    /// What is due at which time after the beginning; the number keeps acts of one moment apart.
    due: BTreeMap<(Duration, usize), Act>,
    acts: usize,
    /// Who was killed and not yet told to start.
    down: BTreeSet<String>,
    starting: Vec<(String, Child, Instant)>,
    paused: BTreeMap<String, u64>,
    cuts: Cuts,
    counts: BTreeMap<String, u32>,
    slowest_start: Duration,
    forced: Value,
    log: String,
}

impl<'a> Nemesis<'a> {
    pub(super) fn new(cluster: &'a Local, options: &'a Options) -> Result<Self> {
        let random = fastrand::Rng::with_seed(options.seed);
        let mut nemesis = Self {
            cluster,
            options,
            random,
            began: Instant::now(),
            due: BTreeMap::new(),
            acts: 0,
            down: BTreeSet::new(),
            starting: Vec::new(),
            paused: BTreeMap::new(),
            cuts: Cuts::default(),
            counts: BTreeMap::new(),
            slowest_start: Duration::ZERO,
            forced: Value::Null,
            log: String::new(),
        };
        nemesis.plan();
        Ok(nemesis)
    }

    fn length(&self) -> Duration {
        Duration::from_secs_f64(self.options.minutes * 60.0)
    }

    fn plan(&mut self) {
        let length = self.length();
        if let Some(every) = Some(self.options.kill_every).filter(|every| *every > 0) {
            let kills = length.as_secs() / every;
            for kill in 1..=kills {
                let jitter = Duration::from_millis(self.random.u64(0..1_000));
                self.at(Duration::from_secs(kill * every).saturating_sub(jitter), Act::Kill);
            }
        }
        for _ in 0..self.options.pauses {
            let at = length.mul_f64(self.random.f64());
            self.at(at, Act::Pause);
        }
        if self.options.partitions {
            self.at(Duration::from_secs(2), Act::Cut(0));
        }
    }

    fn at(&mut self, when: Duration, act: Act) {
        self.acts += 1;
        self.due.insert((when, self.acts), act);
    }

    fn after(&mut self, pause: Duration, act: Act) {
        self.at(self.began.elapsed() + pause, act);
    }

    /// Breaks things until the time is over.
    pub(super) fn run(&mut self, load: &mut Load) -> Result<()> {
        self.began = Instant::now();
        let (cluster, options, length) = (self.cluster, self.options, self.length());
        let until = self.began + length;
        thread::scope(|scope| {
            let forcing = scope.spawn(move || Forcing::new(cluster, options).run(until));
            let broken = self.until(length, load);
            let (forced, log) = forcing.join().map_err(|_| anyhow::anyhow!("forcing panicked"))?;
            self.forced = forced;
            self.log.push_str(&log);
            broken
        })
    }

    fn until(&mut self, length: Duration, load: &mut Load) -> Result<()> {
        while self.began.elapsed() < length {
            load.still_runs()?;
            self.reap()?;
            let now = self.began.elapsed();
            let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) else {
                thread::sleep(LOOK);
                continue;
            };
            let act = entry.remove();
            self.act(act)?;
        }
        Ok(())
    }

    fn act(&mut self, act: Act) -> Result<()> {
        match act {
            Act::Kill => self.kill(),
            Act::Start(id) => self.start(&id),
            Act::Pause => self.pause(),
            Act::Continue(member) => self.resume(&member),
            Act::Cut(kind) => {
                let lasts = self.cut(kind)?;
                self.after(lasts, Act::Heal(kind));
                Ok(())
            }
            Act::Heal(kind) => {
                self.cuts.heal()?;
                self.note("cut healed");
                self.after(BETWEEN_CUTS, Act::Cut(kind + 1));
                Ok(())
            }
        }
    }

    /// Who lives; an error if somebody died who was not killed.
    fn living(&self) -> Result<Vec<Member>> {
        let members = self.cluster.members()?;
        let expected = |member: &Member| {
            self.down.contains(&member.id) || self.starting.iter().any(|(id, ..)| *id == member.id)
        };
        if let Some(dead) = members.iter().find(|m| m.pid.is_none() && !expected(m)) {
            bail!("{} ended by itself; see its log", dead.id);
        }
        let serving = |member: &Member| member.pid.is_some() && !expected(member);
        Ok(members.into_iter().filter(serving).collect())
    }

    fn victim(&mut self) -> Result<Option<(Member, u64)>> {
        let living = self.living()?;
        let free: Vec<_> =
            living.into_iter().filter(|m| !self.paused.contains_key(&m.id)).collect();
        let member = self.random.choice(&free).cloned();
        Ok(member.and_then(|member| member.pid.map(|pid| (member, pid))))
    }

    fn kill(&mut self) -> Result<()> {
        let Some((member, pid)) = self.victim()? else { return Ok(()) };
        signal("KILL", pid)?;
        self.note(&format!("kill {}", member.id));
        self.count(&format!("kills of {}", member.role));
        self.down.insert(member.id.clone());
        let pause = Duration::from_millis(self.random.u64(1_000..7_000));
        self.after(pause, Act::Start(member.id));
        Ok(())
    }

    fn start(&mut self, id: &str) -> Result<()> {
        let mut command = self.cluster.verb(&["start", id]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().context("cannot start cellar cluster start")?;
        self.down.remove(id);
        self.note(&format!("start {id}"));
        self.starting.push((id.to_owned(), child, Instant::now()));
        Ok(())
    }

    /// Looks which of the started processes serve.
    fn reap(&mut self) -> Result<()> {
        let mut still = Vec::new();
        for (id, mut child, since) in std::mem::take(&mut self.starting) {
            match child.try_wait()? {
                Some(status) => {
                    ensure!(status.success(), "{id} does not start: {status}; see its log");
                    self.slowest_start = self.slowest_start.max(since.elapsed());
                    self.note(&format!("{id} is ready, {} ms", since.elapsed().as_millis()));
                }
                None if since.elapsed() > READY_WITHIN => bail!("{id} is not ready"),
                None => still.push((id, child, since)),
            }
        }
        self.starting = still;
        Ok(())
    }

    fn pause(&mut self) -> Result<()> {
        let Some((member, pid)) = self.victim()? else { return Ok(()) };
        signal("STOP", pid)?;
        self.note(&format!("pause {}", member.id));
        self.count(&format!("pauses of {}", member.role));
        self.paused.insert(member.id.clone(), pid);
        let pause = Duration::from_millis(self.random.u64(300..8_000));
        self.after(pause, Act::Continue(member));
        Ok(())
    }

    fn resume(&mut self, member: &Member) -> Result<()> {
        if let Some(pid) = self.paused.remove(&member.id) {
            signal("CONT", pid)?;
            self.note(&format!("continue {}", member.id));
        }
        Ok(())
    }

    /// One kind of cut after the other.
    fn cut(&mut self, number: usize) -> Result<Duration> {
        let members = self.cluster.members()?;
        let of = |role: &str| -> Vec<IpAddr> {
            members.iter().filter(|member| member.role == role).map(|member| member.ip).collect()
        };
        let (nodes, metadata, frontends) = (of("node"), of("metadata"), of("frontend"));
        let all: Vec<IpAddr> = members.iter().map(|member| member.ip).collect();
        let node = [self.random.choice(&nodes).copied().context("no node")?];
        let (what, lasts) = match number % 7 {
            0 => {
                self.cuts.part(&node, &all)?;
                (format!("node {} from all", node[0]), CUT)
            }
            1 => {
                self.cuts.cut(&node, &all)?;
                (format!("what node {} sends", node[0]), CUT)
            }
            2 => {
                self.cuts.part(&metadata, &[nodes, frontends].concat())?;
                let lasts = Duration::from_secs(self.options.metadata_cut);
                ("metadata from nodes and frontends".to_owned(), lasts)
            }
            3 => {
                self.cuts.cut(&all, &node)?;
                (format!("what node {} would hear", node[0]), CUT)
            }
            4 => {
                self.cuts.part(&node, &nodes)?;
                (format!("node {} from the other nodes", node[0]), CUT)
            }
            5 => {
                let one = [self.random.choice(&metadata).copied().context("no metadata")?];
                self.cuts.part(&one, &all)?;
                (format!("metadata {} from all", one[0]), CUT)
            }
            _ => {
                let one = [self.random.choice(&frontends).copied().context("no frontend")?];
                self.cuts.part(&one, &nodes)?;
                (format!("frontend {} from the nodes", one[0]), CUT)
            }
        };
        self.note(&format!("cut {what}"));
        self.count("cuts");
        Ok(lasts)
    }

    /// Ends all faults and waits until every process serves.
    pub(super) fn heal(&mut self) -> Result<()> {
        self.cuts.heal()?;
        for (_, pid) in std::mem::take(&mut self.paused) {
            signal("CONT", pid)?;
        }
        for id in std::mem::take(&mut self.down) {
            self.start(&id)?;
        }
        while !self.starting.is_empty() {
            self.reap()?;
            thread::sleep(LOOK);
        }
        self.note("healed");
        self.living().map(|_| ())
    }

    fn count(&mut self, what: &str) {
        let count = self.counts.entry(what.to_owned()).or_default();
        *count += 1;
    }

    fn note(&mut self, what: &str) {
        let line = format!("{:8.3} {what}\n", self.began.elapsed().as_secs_f64());
        print!("xtask: {line}");
        self.log.push_str(&line);
    }

    /// What was done: counted, and line by line.
    pub(super) fn figures(&self) -> (Value, String) {
        let slowest_ms = u64::try_from(self.slowest_start.as_millis()).unwrap_or(u64::MAX);
        let counts = &self.counts;
        let figures =
            json!({ "counts": counts, "slowest_start_ms": slowest_ms, "forced": self.forced });
        (figures, self.log.clone())
    }
}

impl Drop for Nemesis<'_> {
    fn drop(&mut self) {
        // A process that stands still cannot be stopped in order. It may have ended already.
        for pid in self.paused.values() {
            let _ = signal("CONT", *pid);
        }
    }
}
