//! Finding traces wherever they are: here, or at the other frontends, which are asked for those
//! that are not here. One that does not answer in time is as good as one that has nothing.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use cellar_metadata_api::Catalog;
use cellar_rpc::{CallError, Router};
use futures::{StreamExt, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Told, Traces};

/// The method by which a frontend is asked.
const PATH: &str = "/frontend/traces";
/// How long the others may take all together: less than drivers wait for a trace.
const ANSWER_MAX: Duration = Duration::from_millis(1_500);
/// Frontends asked, so that a read of a trace is not a storm.
const FRONTENDS_ASKED_MAX: usize = 256;
/// Bytes of traces that a frontend tells at once, the latest first: with as many frontends as are
/// asked, and the traces of most of them small, an answer fits in memory.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Which traces are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wish {
    /// Every one.
    All,
    /// Those with these ids.
    These(BTreeSet<Uuid>),
}

impl Wish {
    fn holds(&self, id: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(&id),
        }
    }

    /// What is left to look for once these were found.
    fn without(self, found: &[Told]) -> Option<Self> {
        let Self::These(mut ids) = self else { return Some(self) };
        for told in found {
            ids.remove(&told.id);
        }
        (!ids.is_empty()).then_some(Self::These(ids))
    }
}

impl Traces {
    /// What other frontends may ask of this one, whose clients reach it at `coordinator`.
    #[must_use]
    pub fn routes(&self, coordinator: SocketAddr) -> Router {
        let traces = self.clone();
        Router::new().call(PATH, move |wish: Wish| {
            let told = traces.told(&wish, coordinator);
            async move { Ok::<_, ()>(told) }
        })
    }

    /// The traces that are kept here, the latest first.
    fn told(&self, wish: &Wish, coordinator: SocketAddr) -> Vec<Told> {
        let mut bytes = 0_usize;
        let kept = self.all().into_iter().rev().filter(|trace| wish.holds(trace.id));
        kept.map(|trace| trace.told(coordinator))
            .take_while(|told| {
                let fits = bytes < ANSWER_BYTES_MAX;
                bytes = bytes.saturating_add(told.weight());
                fits
            })
            .collect()
    }

    /// The traces, wherever they are. `own` is this frontend.
    pub(crate) async fn find(
        &self,
        wish: Wish,
        catalog: &Catalog,
        own: (Uuid, SocketAddr),
    ) -> Vec<Told> {
        let (host_id, coordinator) = own;
        let mut found = self.told(&wish, coordinator);
        let (Some(pool), Some(mut wish)) = (self.pool(), wish.without(&found)) else {
            return found;
        };
        let others = catalog.frontends.values().filter(|frontend| frontend.host_id != host_id);
        let addresses = others.filter_map(|frontend| frontend.internal_address.as_deref());
        let asked = wish.clone();
        let mut answers: FuturesUnordered<_> = addresses
            .take(FRONTENDS_ASKED_MAX)
            .map(|address| {
                let (client, asked) = (pool.client(address), &asked);
                async move {
                    let told: Result<Vec<Told>, CallError> =
                        client.call(PATH, asked, ANSWER_MAX).await;
                    told.inspect_err(|error| {
                        tracing::debug!(peer = client.peer(), %error, "no traces were told");
                    })
                }
            })
            .collect();
        let collected = async {
            while let Some(told) = answers.next().await {
                let told = told.unwrap_or_default();
                let rest = wish.clone().without(&told);
                found.extend(told);
                match rest {
                    Some(rest) => wish = rest,
                    None => return,
                }
            }
        };
        if timeout(ANSWER_MAX, collected).await.is_err() {
            tracing::debug!("some frontends did not tell their traces in time");
        }
        found
    }
}
