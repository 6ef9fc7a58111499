//! Cuts between processes, each of which has an address of its own and sends from it. A packet
//! that is cut is dropped where it arrives, so that senders wait as they do on a broken network.

use std::{net::IpAddr, process::Command};

use anyhow::Result;

use crate::cache;

/// Directions that are cut; they heal when told to.
#[derive(Debug, Default)]
pub(super) struct Cuts(Vec<(IpAddr, IpAddr)>);

impl Cuts {
    /// Nothing from any of `from` reaches any of `to`.
    pub(super) fn cut(&mut self, from: &[IpAddr], to: &[IpAddr]) -> Result<()> {
        for source in from {
            for target in to.iter().filter(|target| *target != source) {
                policy("add", *source, *target, &["action", "block"])?;
                self.0.push((*source, *target));
            }
        }
        Ok(())
    }

    /// Nothing between the two groups gets through.
    pub(super) fn part(&mut self, one: &[IpAddr], other: &[IpAddr]) -> Result<()> {
        self.cut(one, other)?;
        self.cut(other, one)
    }

    /// Everything gets through again.
    pub(super) fn heal(&mut self) -> Result<()> {
        for (source, target) in self.0.drain(..) {
            policy("delete", source, target, &[])?;
        }
        Ok(())
    }
}

fn policy(verb: &str, source: IpAddr, target: IpAddr, rest: &[&str]) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(["xfrm", "policy", verb, "dir", "in"]);
    command.args(["src", &format!("{source}/32"), "dst", &format!("{target}/32")]);
    cache::run(command.args(rest))
}
