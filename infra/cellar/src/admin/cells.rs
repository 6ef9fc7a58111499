//! Cells over admin HTTP: `GET /cells`, `POST /cells/{id}/split[?table=&token=]`, `POST /tier`,
//! `POST /flush`. Every node of the placement is asked.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, Cells, Target};
use cellar_metadata_api::{CellId, Metadata, NodeId, Position};
use cellar_schema::TableId;
use http_body_util::Full;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{missing, reply};

/// How long tiering may take before the answer is given up; the work goes on.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Reaches every node.
#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) cells: Cells,
}

impl Operator {
    pub(super) async fn answer(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
    ) -> Response<Full<Bytes>> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let request = match (method, parts.as_slice()) {
            (&Method::GET, ["cells"]) => AdminRequest::Cells,
            (&Method::POST, ["tier"]) => AdminRequest::Tier { cell: None },
            (&Method::POST, ["flush"]) => AdminRequest::Flush,
            (&Method::POST, ["cells", id, "split"]) => match split(id, query) {
                Ok(request) => request,
                Err(reason) => return reply(StatusCode::BAD_REQUEST, &json!({ "error": reason })),
            },
            _ => return missing(path),
        };
        match self.ask_all(&request).await {
            Ok(value) => reply(StatusCode::OK, &value),
            Err(error) => reply(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({ "error": error.to_string(), "definite": error.is_definite() }),
            ),
        }
    }

    async fn ask_all(&self, request: &AdminRequest) -> Result<Value, CellError> {
        let answers = self.each_node(request).await?;
        Ok(answers
            .iter()
            .map(|(node, answer)| json!({ "node": node.0, "answer": told(answer) }))
            .collect())
    }

    /// Asks every node, or the one that leads the cell to split.
    pub(crate) async fn each_node(
        &self,
        request: &AdminRequest,
    ) -> Result<Vec<(NodeId, AdminAnswer)>, CellError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let mut answers = Vec::new();
        for node in catalog.nodes.values() {
            if let AdminRequest::Split { cell, .. } = request {
                let mut all = catalog.placements.values().flat_map(|placement| placement.cells());
                let leads = all.any(|c| c.id == *cell && c.replicas.first() == Some(&node.id));
                if !leads {
                    continue;
                }
            }
            let target = Target { node: node.id, address: &node.address };
            answers.push((node.id, self.cells.admin(target, request.clone(), TIMEOUT).await?));
        }
        Ok(answers)
    }
}

fn split(id: &str, query: Option<&str>) -> Result<AdminRequest, String> {
    let cell = id.parse().map(CellId).map_err(|_| format!("{id} is not a cell id"))?;
    let field = |name: &str| {
        let pairs = query.unwrap_or_default().split('&');
        let mut found = pairs.filter_map(|pair| pair.split_once('=')).filter(|(n, _)| *n == name);
        found.next().map(|(_, value)| value.to_owned())
    };
    let at = match (field("table"), field("token")) {
        (None, None) => None,
        (Some(table), Some(token)) => Some(Position::new(
            TableId(table.parse().map_err(|_| "table is not a number".to_owned())?),
            token.parse().map_err(|_| "token is not a number".to_owned())?,
        )),
        _ => return Err("give both table and token, or neither".to_owned()),
    };
    Ok(AdminRequest::Split { cell, at })
}

fn told(answer: &AdminAnswer) -> Value {
    match answer {
        AdminAnswer::Done => json!("done"),
        AdminAnswer::Split(cell) => json!({ "right": cell.0 }),
        AdminAnswer::Tiered { rows, segments, bytes } => {
            json!({ "rows": rows, "segments": segments, "bytes": bytes })
        }
        AdminAnswer::Cells(cells) => cells
            .iter()
            .map(|cell| {
                json!({
                    "cell": cell.cell.0,
                    "range": cell.range.to_string(),
                    "epoch": cell.epoch.0,
                    "leader": cell.leader.map(|node| node.0),
                    "replicas": cell.replicas.iter().map(|node| node.0).collect::<Vec<_>>(),
                    "applied_index": cell.applied_index,
                    "hot_bytes": cell.hot_bytes,
                    "cold_bytes": cell.cold_bytes,
                    "cold_rows": cell.cold_rows,
                })
            })
            .collect(),
    }
}
