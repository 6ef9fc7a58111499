//! What a connection has agreed on: version, keyspace, events.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use cellar_cql::plan::Planned;
use cellar_schema::TableId;
use cellar_wire::{Envelope, Startup, Version};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use super::{
    Shared, clients::Connected, events::Interest, extensions::Agreement, prepared::Current,
};
use crate::{access::Who, error::RequestError};

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) shared: Shared,
    /// Where the client is.
    pub(super) peer: Option<IpAddr>,
    /// The version of STARTUP; answers to broken frames before it are in the highest one.
    pub(super) version: Option<Version>,
    pub(super) agreed: Agreed,
    pub(super) interest: Interest,
    pub(super) events: Option<broadcast::Receiver<Arc<cellar_wire::Event>>>,
}

/// Statements of which a connection remembers what its client was told.
const TOLD_MAX: usize = 10_000;

/// What the connection's requests share while they run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreed(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Who the client is, once it is known.
    who: RwLock<Option<Who>>,
    /// The keyspace of USE.
    keyspace: RwLock<Option<String>>,
    /// What the client knows of each prepared statement, by id.
    told: Mutex<HashMap<[u8; 16], u64>>,
    /// What the client said in STARTUP.
    startup: OnceLock<Said>,
    /// Messages that have come.
    requests: AtomicU64,
    /// The table that the last request was about, and whether it is another one than before.
    table: AtomicU64,
}

/// Set in [`Inner::table`] until somebody has asked.
const TURNED: u64 = 1 << 32;

/// What a client said in STARTUP.
#[derive(Debug)]
struct Said {
    version: Version,
    agreement: Agreement,
    options: BTreeMap<String, String>,
}

/// Bytes of a client's options that are kept to be shown.
const OPTIONS_BYTES_MAX: usize = 16 << 10;

impl Agreed {
    /// Who the client is.
    pub(super) fn who(&self) -> Result<Who, RequestError> {
        let refused = || RequestError::unauthorized("You have not logged in");
        self.0.who.read().clone().ok_or_else(refused)
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.0.who.read().is_some()
    }

    pub(super) fn log_in(&self, who: Who) {
        *self.0.who.write() = Some(who);
    }

    pub(super) fn keyspace(&self) -> Option<String> {
        self.0.keyspace.read().clone()
    }

    pub(super) fn set_keyspace(&self, name: String) {
        *self.0.keyspace.write() = Some(name);
    }

    /// A message has come.
    pub(super) fn count(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is about these tables.
    pub(super) fn ask_for(&self, planned: &Planned) {
        let mut stored = planned.tables.iter().filter(|(id, _)| !crate::system::is_virtual(*id));
        let Some((table, _)) = stored.next() else { return };
        let table = u64::from(table.0);
        if self.0.table.load(Ordering::Relaxed) & !TURNED != table {
            self.0.table.store(table | TURNED, Ordering::Relaxed);
        }
    }

    /// The table that the client asks for, if it has turned to it since this was last called.
    pub(super) fn turned_to(&self) -> Option<TableId> {
        let table = self.0.table.load(Ordering::Relaxed);
        if table & TURNED == 0 {
            return None;
        }
        self.0.table.store(table & !TURNED, Ordering::Relaxed);
        u32::try_from(table & !TURNED).ok().map(TableId)
    }

    /// The client has begun with this.
    pub(super) fn begin(&self, version: Version, startup: &Startup) {
        let mut bytes = 0_usize;
        let options = startup.options.iter().take_while(|(name, value)| {
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            bytes <= OPTIONS_BYTES_MAX
        });
        let options = options.cloned().collect();
        // There is one STARTUP only.
        let agreement = Agreement::with(startup);
        let _ = self.0.startup.set(Said { version, agreement, options });
    }

    /// The extensions in use.
    pub(super) fn agreement(&self) -> Agreement {
        self.0.startup.get().map(|said| said.agreement).unwrap_or_default()
    }

    /// The connection to this client as it is now.
    pub(super) fn connected(&self, peer: SocketAddr) -> Connected {
        let said = self.0.startup.get();
        let who = self.0.who.read().clone();
        let stage = match (said, &who) {
            (None, _) => "established",
            (Some(_), None) => "authenticating",
            (Some(_), Some(_)) => "ready",
        };
        let name = |who: Who| who.name().unwrap_or("anonymous").to_owned();
        Connected {
            peer,
            stage,
            version: said.map_or(0, |said| said.version.as_u8()),
            options: said.map(|said| said.options.clone()).unwrap_or_default(),
            username: who.map(name),
            keyspace: self.keyspace(),
            requests: self.0.requests.load(Ordering::Relaxed),
        }
    }

    /// What a client has to know of a statement to execute it. One that says which columns it
    /// knows is told of others with its rows, so it has to know the variables only.
    fn needed(&self, current: &Current) -> u64 {
        let tells = self.0.startup.get().is_some_and(|said| {
            said.version >= Version::V5 || said.agreement.messages.metadata_ids
        });
        if tells { current.variables } else { current.mark }
    }

    /// The client was told this of a statement.
    pub(super) fn tell(&self, id: [u8; 16], current: &Current) {
        let mark = self.needed(current);
        let mut told = self.0.told.lock();
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        told.insert(id, mark);
    }

    /// Whether the client knows this of a statement. One that it has prepared through another
    /// connection it knows as it is now.
    pub(super) fn knows(&self, id: [u8; 16], current: &Current) -> bool {
        if let Some(told) = self.0.told.lock().get(&id) {
            return *told == self.needed(current);
        }
        self.tell(id, current);
        true
    }
}

impl Session {
    pub(super) fn new(shared: Shared) -> Self {
        let agreed = Agreed::default();
        if let Some(who) = shared.executor.access.unasked() {
            agreed.log_in(who);
        }
        Self {
            shared,
            peer: None,
            version: None,
            agreed,
            interest: Interest::default(),
            events: None,
        }
    }

    pub(super) fn version(&self) -> Version {
        self.version.unwrap_or(Version::V5)
    }

    /// The next event the client asked for; waits for ever if it asked for none.
    pub(super) async fn next_event(&mut self) -> Envelope {
        loop {
            let Some(events) = self.events.as_mut() else {
                return std::future::pending().await;
            };
            match events.recv().await {
                Ok(event) if self.interest.wants(&event) => {
                    return Envelope::from(cellar_wire::Response::Event((*event).clone()));
                }
                // A client that lags reads the schema anew when it sees the next event.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => self.events = None,
            }
        }
    }
}
