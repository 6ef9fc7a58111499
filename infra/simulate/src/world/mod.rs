//! What processes see of the world: a network, disks and a clock, all of which a seed decides.

pub(crate) mod clock;
pub(crate) mod disk;
pub(crate) mod network;
mod pipe;
