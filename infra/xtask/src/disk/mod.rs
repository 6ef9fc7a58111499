//! `cargo xtask disk`: the real server on disks that are full, damaged or stand still. Needs root,
//! because it mounts file systems of its own; so it is not part of `cargo xtask test`.
//!
//! [`full`] fills a disk to the last byte, [`damage`] flips bytes in what a node has stored, and
//! `chaos::stall` freezes the disk of a node that leads.

mod damage;
mod full;
mod image;

use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};
use clap::Args;

use crate::{chaos, places::Places};

pub(crate) use image::Image;

/// What to do.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this: `full`, `damage` or `stall`.
    #[arg(long)]
    only: Option<String>,
}

/// Runs all, or one.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    ensure!(is_root, "only root can mount file systems");
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    if !chaos::is_inside() {
        if wanted("full") {
            full::run(places)?;
        }
        if wanted("damage") {
            damage::run(places)?;
        }
    }
    if wanted("stall") { chaos::stall(places) } else { Ok(()) }
}
