//! A trace as one frontend tells it to another.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Trace;

/// A trace as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) id: Uuid,
    /// Where the client is.
    pub(crate) client: Option<IpAddr>,
    /// The frontend that served it.
    pub(crate) coordinator: SocketAddr,
    pub(crate) activity: String,
    pub(crate) parameters: Vec<(String, String)>,
    /// When it came, in microseconds since the epoch.
    pub(crate) at_us: i64,
    /// None while it runs.
    pub(crate) took_us: Option<u32>,
    pub(crate) notes: Vec<ToldNote>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldNote {
    /// A time UUID.
    pub(crate) id: Uuid,
    /// Since the request came.
    pub(crate) elapsed_us: u32,
    /// The node it happened at; none for the coordinator.
    pub(crate) source: Option<IpAddr>,
    pub(crate) activity: String,
}

impl Trace {
    /// What is known of it now.
    pub(super) fn told(&self, coordinator: SocketAddr) -> Told {
        // Read first: when it is there, so are all notes.
        let took_us = self.took_us();
        let notes = self.notes().into_iter();
        Told {
            id: self.id,
            client: self.request.client,
            coordinator,
            activity: self.request.activity.to_owned(),
            parameters: self.request.parameters.clone(),
            at_us: self.request.at_us,
            took_us,
            notes: notes
                .map(|(id, note)| ToldNote {
                    id,
                    elapsed_us: note.elapsed_us,
                    source: note.source,
                    activity: note.activity,
                })
                .collect(),
        }
    }
}

impl Told {
    /// Memory it takes, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        let texts = self.parameters.iter().map(|(name, value)| name.len() + value.len());
        let notes = self.notes.iter().map(|note| note.activity.len() + size_of::<ToldNote>());
        size_of::<Self>() + texts.chain(notes).sum::<usize>()
    }
}
