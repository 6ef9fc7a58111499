//! Traces of single requests, for clients that asked for one: what happened, where, after how many
//! microseconds. They are kept by the frontend that served the request, a bounded number for a
//! bounded time, and read through `system_traces` of any frontend, which asks the others for what
//! it does not have. Start at [`traced`] and [`note`].

mod find;
mod store;
mod told;

use std::{future::Future, net::IpAddr, sync::Arc, time::Instant};

use parking_lot::Mutex;
use tokio::task_local;
use uuid::Uuid;

pub(crate) use self::{find::Wish, told::Told};
pub use store::Traces;

/// Notes of one trace; what happens after them is not told.
const NOTES_MAX: usize = 200;
/// Bytes of a statement that a trace keeps.
const TEXT_BYTES_MAX: usize = 4_096;

task_local! {
    static CURRENT: Arc<Trace>;
}

/// What is known of a request before it runs.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where the client is.
    pub(crate) client: Option<IpAddr>,
    /// As Cassandra names it: `Execute CQL3 query` and so on.
    pub(crate) activity: &'static str,
    /// What is shown of it, `query` and `consistency_level` for example.
    pub(crate) parameters: Vec<(String, String)>,
    /// When it came, in microseconds since the epoch.
    pub(crate) at_us: i64,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) id: Uuid,
    pub(crate) request: Request,
    begun: Instant,
    rest: Mutex<Rest>,
}

#[derive(Debug, Default)]
struct Rest {
    notes: Vec<Note>,
    took_us: Option<u32>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// Since the request came.
    pub(crate) elapsed_us: u32,
    /// The node it happened at; none for this frontend.
    pub(crate) source: Option<IpAddr>,
    /// For people.
    pub(crate) activity: String,
}

impl Trace {
    fn new(mut request: Request) -> Self {
        for (_, text) in &mut request.parameters {
            cut(text);
        }
        let id = time_uuid(request.at_us, fastrand::u64(..), 0);
        Self { id, request, begun: Instant::now(), rest: Mutex::default() }
    }

    fn elapsed_us(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_micros()).unwrap_or(u32::MAX)
    }

    fn note(&self, source: Option<IpAddr>, mut activity: String) {
        cut(&mut activity);
        let mut rest = self.rest.lock();
        if rest.notes.len() < NOTES_MAX {
            // Under the lock, so that the notes stand in the order of their times.
            let elapsed_us = self.elapsed_us();
            rest.notes.push(Note { elapsed_us, source, activity });
        }
    }

    /// What happened so far, each with an id that drivers sort by.
    pub(crate) fn notes(&self) -> Vec<(Uuid, Note)> {
        let node = u64::from_be_bytes(first_eight(self.id));
        let notes = self.rest.lock().notes.clone();
        let id = |(number, note): (u16, Note)| {
            let at_us = self.request.at_us.saturating_add(i64::from(note.elapsed_us));
            (time_uuid(at_us, node, number), note)
        };
        (1_u16..).zip(notes).map(id).collect()
    }

    /// How long the request took; none while it runs.
    pub(crate) fn took_us(&self) -> Option<u32> {
        self.rest.lock().took_us
    }
}

fn first_eight(id: Uuid) -> [u8; 8] {
    id.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
}

/// A version 1 UUID of this time; ids of one time differ in `number`.
fn time_uuid(at_us: i64, node: u64, number: u16) -> Uuid {
    /// Ticks of 100 ns between the calendar reform, where such ids begin, and 1970.
    const EPOCH_TICKS: u64 = 0x01B2_1DD2_1381_4000;
    let ticks = u64::try_from(at_us).unwrap_or(0).saturating_mul(10).saturating_add(EPOCH_TICKS);
    let [_, _, node @ ..] = node.to_be_bytes();
    let stamp = uuid::Timestamp::from_gregorian_time(ticks, number);
    Uuid::new_v1(stamp, &node)
}

/// Runs a request with a trace of its own, which is among `traces` at once and complete when the
/// request is.
pub(crate) async fn traced<F: Future>(
    traces: &Traces,
    request: Request,
    running: F,
) -> (Uuid, F::Output) {
    let trace = Arc::new(Trace::new(request));
    traces.add(Arc::clone(&trace));
    let answer = CURRENT.scope(Arc::clone(&trace), running).await;
    let took_us = trace.elapsed_us();
    trace.rest.lock().took_us = Some(took_us);
    (trace.id, answer)
}

/// Says what happened in this frontend, if the request that runs is traced.
pub(crate) fn note(activity: impl FnOnce() -> String) {
    // Without a trace there is nothing to do.
    let _ = CURRENT.try_with(|trace| trace.note(None, activity()));
}

/// Says what happened at a node of this address ("host:port"), as seen from here.
pub(crate) fn note_at(address: &str, activity: impl FnOnce() -> String) {
    let _ = CURRENT.try_with(|trace| {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        trace.note(host.trim_matches(['[', ']']).parse().ok(), activity());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(at_us: i64, query: &str) -> Request {
        Request {
            client: None,
            activity: "Execute CQL3 query",
            parameters: vec![("query".to_owned(), query.to_owned())],
            at_us,
        }
    }

    #[tokio::test]
    async fn notes_belong_to_the_request_that_runs_and_no_other() {
        let traces = Traces::default();
        note(|| panic!("nobody is traced"));
        let run = |name: &'static str| {
            let traces = &traces;
            async move {
                let (id, ()) = traced(traces, request(1_000_000, name), async {
                    note(|| format!("{name} begins"));
                    tokio::task::yield_now().await;
                    note_at("10.0.0.7:7100", || format!("{name} ends"));
                })
                .await;
                id
            }
        };
        let (one, two) = tokio::join!(run("one"), run("two"));
        assert_ne!(one, two);
        let trace = traces.get(one).unwrap();
        let activities: Vec<String> = trace.notes().into_iter().map(|(_, n)| n.activity).collect();
        assert_eq!(activities, ["one begins", "one ends"]);
        assert_eq!(trace.notes()[1].1.source, Some([10, 0, 0, 7].into()));
        assert!(trace.took_us().is_some());
    }

    #[tokio::test]
    async fn ids_of_notes_are_time_uuids_in_order() {
        let traces = Traces::default();
        let (id, ()) = traced(&traces, request(1_700_000_000_000_000, "q"), async {
            (0..NOTES_MAX + 5).for_each(|number| note(|| number.to_string()));
        })
        .await;
        let notes = traces.get(id).unwrap().notes();
        assert_eq!(notes.len(), NOTES_MAX);
        let ids: Vec<Uuid> = notes.iter().map(|(id, _)| *id).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 1));
        let seconds = ids[0].get_timestamp().unwrap().to_unix().0;
        assert_eq!(seconds, 1_700_000_000);
        let order = |id: &Uuid| (id.get_timestamp().unwrap().to_gregorian(), *id);
        assert!(ids.windows(2).all(|pair| order(&pair[0]) < order(&pair[1])));
    }

    #[test]
    fn a_long_statement_is_cut_between_characters() {
        let mut text = "ä".repeat(TEXT_BYTES_MAX);
        cut(&mut text);
        assert!(text.len() <= TEXT_BYTES_MAX + 4 && text.ends_with("ä ..."));
    }
}
