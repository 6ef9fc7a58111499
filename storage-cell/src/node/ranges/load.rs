//! Looking at the load of the cells once a second: cells that are asked too much are split, hot
//! partitions are isolated, and the metadata service is told what this node carries.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::CellError;
use cellar_metadata_api::{CellId, CellLoad, Epoch, HotPartition, NodeId, NodeReport};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    cell::Cell,
    limits::{LOAD_CHECK_MS, REPORT_MS_MAX, SIZES_EVERY},
    load::{Hot, Plan, Watch, after},
    node::Inner,
};

/// What is known of the cells from one look to the next.
#[derive(Default)]
struct Looks {
    looks: u64,
    /// By cell, with its epoch: another range is another load.
    watches: BTreeMap<CellId, (Epoch, Watch)>,
    hot_bytes: BTreeMap<CellId, u64>,
    told: Option<(NodeReport, Instant)>,
}

impl Inner {
    /// Looks at the load until the node stops.
    pub(in crate::node) async fn watch_load(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(LOAD_CHECK_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = Looks::default();
        loop {
            ticks.tick().await;
            let cells = self.cells.all();
            let plans = self.look(&cells, &mut looks).await;
            self.report_load(&cells, &mut looks).await;
            for (cell, plan) in plans {
                if let Err(error) = self.carry_out(cell, plan).await {
                    tracing::warn!(%cell, %error, "cannot split by load");
                }
            }
        }
    }

    /// Counts; says what is to be split.
    async fn look(self: &Arc<Self>, cells: &[Arc<Cell>], looks: &mut Looks) -> Vec<(CellId, Plan)> {
        let limit = self.options.cell_split_requests_per_s;
        let here: Vec<CellId> = cells.iter().map(|cell| cell.id()).collect();
        looks.watches.retain(|cell, _| here.contains(cell));
        let mut plans = Vec::new();
        for cell in cells {
            let descriptor = Arc::clone(&cell.state().descriptor);
            let fresh = || (descriptor.epoch, Watch::default());
            let (epoch, watch) = looks.watches.entry(cell.id()).or_insert_with(fresh);
            if *epoch != descriptor.epoch {
                *epoch = descriptor.epoch;
                watch.forget();
            }
            let counted = cell.load().counted();
            watch.tick((counted.reads, counted.writes), cell.load().take_samples(), limit);
            if cell.group().is_leader()
                && let Some(plan) = watch.plan(descriptor.range)
            {
                watch.forget();
                plans.push((cell.id(), plan));
            }
        }
        if looks.looks.checked_rem(SIZES_EVERY) == Some(0) {
            let all = cells.to_vec();
            let sizes = move |_: &Self| {
                all.iter().map(|cell| (cell.id(), cell.hot_bytes_lately().unwrap_or(0))).collect()
            };
            looks.hot_bytes = self.blocking(sizes).await.unwrap_or_default();
        }
        looks.looks = looks.looks.saturating_add(1);
        plans
    }

    /// Tells the metadata service, if there is anything new or it has not been told for long.
    async fn report_load(&self, cells: &[Arc<Cell>], looks: &mut Looks) {
        let report = self.node_report(cells, looks);
        let old = Duration::from_millis(REPORT_MS_MAX);
        let known = looks.told.as_ref();
        if known.is_some_and(|(told, at)| *told == report && at.elapsed() < old) {
            return;
        }
        match self.metadata.report(report.clone()).await {
            Ok(()) => looks.told = Some((report, Instant::now())),
            Err(error) => tracing::debug!(%error, "the load was not reported"),
        }
    }

    fn node_report(&self, cells: &[Arc<Cell>], looks: &Looks) -> NodeReport {
        let limit = self.options.cell_split_requests_per_s;
        let mut hot_partitions = Vec::new();
        let mut loads = Vec::new();
        for cell in cells {
            let watch = looks.watches.get(&cell.id()).map(|(_, watch)| watch);
            loads.push(cell_load(cell, watch, looks));
            if cell.group().is_leader()
                && let Some(hot) = watch.and_then(|watch| watch.hot(limit))
            {
                hot_partitions.push(hot_partition(cell.id(), &hot));
            }
        }
        hot_partitions.sort_by_key(|hot| std::cmp::Reverse(hot.per_second));
        let (disk_free_bytes, disk_total_bytes) = self.room();
        let (damaged_cells, healed_cells, damaged_blocks) = self.damages.told();
        NodeReport {
            node: self.id,
            cells: loads,
            hot_partitions,
            disk_free_bytes,
            disk_total_bytes,
            moved_bytes: self.host.received_snapshot_bytes(),
            damaged_cells,
            healed_cells,
            damaged_blocks,
        }
    }

    /// Bytes left on the disk, and its size. Only whole MiB: every write would be news otherwise.
    fn room(&self) -> (u64, u64) {
        let Ok(disk) = rustix::fs::statvfs(&self.options.dir) else { return (0, 0) };
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize) & !((64 << 20) - 1);
        (bytes(disk.f_bavail), bytes(disk.f_blocks))
    }

    async fn carry_out(self: &Arc<Self>, cell: CellId, plan: Plan) -> Result<(), CellError> {
        match plan {
            Plan::Halves(at) => {
                let right = self.split_cell(cell, Some(at)).await?;
                tracing::info!(%cell, %right, %at, "split by load");
            }
            Plan::Isolate(position) => {
                let found = self.asked(cell)?;
                let range = found.state().descriptor.range;
                let with = if range.splits_at(position) {
                    self.split_cell(cell, Some(position)).await?
                } else {
                    cell
                };
                let end = after(position);
                if range.splits_at(end) {
                    self.split_cell(with, Some(end)).await?;
                }
                tracing::info!(%cell, hot = %with, %position, "a hot partition is on its own");
            }
        }
        Ok(())
    }
}

fn cell_load(cell: &Cell, watch: Option<&Watch>, looks: &Looks) -> CellLoad {
    let state = cell.state();
    let changes = cell.group().changes();
    let voters = changes.borrow().voters.iter().copied().map(NodeId).collect();
    let (reads_per_second, writes_per_second) = watch.map(Watch::per_second).unwrap_or_default();
    CellLoad {
        cell: cell.id(),
        epoch: state.descriptor.epoch,
        leads: cell.group().is_leader(),
        voters,
        applied_index: cell.group().applied().borrow().unwrap_or(0),
        hot_bytes: looks.hot_bytes.get(&cell.id()).copied().unwrap_or(0),
        cold_bytes: state.manifest.size().1,
        reads_per_second,
        writes_per_second,
    }
}

fn hot_partition(cell: CellId, hot: &Hot) -> HotPartition {
    HotPartition {
        cell,
        table: hot.position.table,
        token: hot.position.token,
        key: routing(&hot.partition),
        per_second: hot.per_second,
    }
}

/// The bytes that drivers route by, out of the start of a partition's engine keys.
fn routing(partition: &Bytes) -> Vec<u8> {
    let escaped = partition.get(12..).unwrap_or_default();
    let escaped = escaped.strip_suffix(&[0, 1]).unwrap_or(escaped);
    let mut zero = false;
    let plain = escaped.iter().copied().filter(|byte| {
        let escape = zero && *byte == 0xff;
        zero = *byte == 0;
        !escape
    });
    plain.collect()
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::TableId;
    use cellar_schema::keys;

    use super::*;

    #[test]
    fn the_key_of_a_hot_partition_is_what_drivers_route_by() {
        for key in [&b"user-7"[..], &[0, 0, 0, 7], &[0, 0xff, 0, 1], &[]] {
            assert_eq!(routing(&keys::partition(TableId(20), key)), key);
        }
    }
}
