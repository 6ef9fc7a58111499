//! Cells and nodes over admin HTTP: `GET /cells`, `GET /nodes`, `POST /cells/ID/split`
//! (`?table=&token=`), `POST /cells/ID/merge` (`?right=`), `POST /cells/ID/transfer-leader`
//! (`?to=`), `POST /tier`, `POST /flush`, and what `cluster` serves.
//! A node that does not answer is told of beside the answers of the others.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, CellReport, Cells, Target};
use cellar_metadata_api::{CellId, Metadata, MetadataError, Node, NodeId, Position};
use cellar_rpc::Pool;
use cellar_schema::TableId;
use futures::future::join_all;
use http_body_util::Full;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{cluster::is_refusal, missing, reply, told};

/// How long tiering may take before the answer is given up; the work goes on.
pub(super) const TIMEOUT: Duration = Duration::from_secs(600);
/// How long a node may take to tell of its cells.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Reaches every node.
#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) cells: Cells,
    pub(crate) pool: Pool,
}

/// What each node answered.
type Answers<T> = Vec<(Node, Result<T, CellError>)>;

impl Operator {
    pub(super) async fn answer(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
    ) -> Response<Full<Bytes>> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let done = match (method, parts.as_slice()) {
            (&Method::GET, ["cells"]) => Ok(told::cells(&self.reports().await)),
            (&Method::GET, ["nodes"]) => {
                Ok(told::nodes(&self.reports().await, &self.reported().await))
            }
            (&Method::GET, ["events"]) => self.events().await.map_err(Refused::from),
            (&Method::GET, ["overview"]) => self.overview().await.map_err(Refused::from),
            (&Method::GET, ["members"]) => self.members().await.map_err(Refused::from),
            (&Method::POST, ["members", id, verb]) => {
                self.change_member(id, verb, query).await.map_err(Refused::from)
            }
            (&Method::POST, ["nodes", id, verb]) => {
                self.change_node(id, verb).await.map_err(Refused::from)
            }
            (&Method::POST, ["tier"]) => {
                self.all(&AdminRequest::Tier { cell: None }).await.map_err(Refused::from)
            }
            (&Method::POST, ["flush"]) => {
                self.all(&AdminRequest::Flush).await.map_err(Refused::from)
            }
            (&Method::POST, ["cells", id, verb]) => self.change(id, verb, query).await,
            _ => return missing(path),
        };
        match done {
            Ok(value) => reply(StatusCode::OK, &value),
            Err(Refused { status, error, definite }) => {
                reply(status, &json!({ "error": error, "definite": definite }))
            }
        }
    }

    async fn all(&self, request: &AdminRequest) -> Result<Value, CellError> {
        Ok(told::answers(&self.each_node(request).await?))
    }

    /// Asks every node; the first failure is that of all.
    pub(crate) async fn each_node(
        &self,
        request: &AdminRequest,
    ) -> Result<Vec<(NodeId, AdminAnswer)>, CellError> {
        let answers = self.ask_each(request, TIMEOUT).await;
        answers.into_iter().map(|(node, answer)| Ok((node.id, answer?))).collect()
    }

    async fn ask_each(&self, request: &AdminRequest, patience: Duration) -> Answers<AdminAnswer> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let asked = catalog.nodes.values().map(async |node| {
            if node.address.is_empty() {
                let reason = "another node has come up at its address".to_owned();
                return (node.clone(), Err(CellError::Unavailable { reason }));
            }
            let target = Target { node: node.id, address: &node.address };
            (node.clone(), self.cells.admin(target, request.clone(), patience).await)
        });
        join_all(asked).await
    }

    /// What every node says of its cells.
    async fn reports(&self) -> Answers<Vec<CellReport>> {
        let answers = self.ask_each(&AdminRequest::Cells, LOOK_TIMEOUT).await;
        let reports = answers.into_iter().map(|(node, answer)| {
            let reports = answer.and_then(|answer| match answer {
                AdminAnswer::Cells(cells) => Ok(cells),
                _ => Err(CellError::Unknown { reason: "an answer of another kind".to_owned() }),
            });
            (node, reports)
        });
        reports.collect()
    }

    /// Changes one cell.
    async fn change(&self, id: &str, verb: &str, query: Option<&str>) -> Result<Value, Refused> {
        let cell = id.parse().map(CellId);
        let cell = cell.map_err(|_| invalid(format!("{id} is not the number of a cell")))?;
        match verb {
            "split" => {
                let at = position(query)?;
                let answer = self.ask_leader(cell, &AdminRequest::Split { cell, at }).await?;
                Ok(told::answer(&answer))
            }
            "transfer-leader" => {
                let to = field(query, "to").map(|to| to.parse::<u64>());
                let to = to.transpose().map_err(|_| invalid("`to` is not the number of a node"))?;
                Ok(self.transfer_leader(cell, to).await?)
            }
            "merge" => {
                let right = field(query, "right").map(|right| right.parse().map(CellId));
                let right = right.transpose();
                let right = right.map_err(|_| invalid("`right` is not the number of a cell"))?;
                let right = right.map_or_else(|| self.right_of(cell), Ok)?;
                let request = AdminRequest::Merge { left: cell, right };
                let answer = self.ask_leader(cell, &request).await?;
                Ok(told::answer(&answer))
            }
            "move" => Ok(self.move_cell(cell, query).await?),
            other => Err(invalid(format!("nothing is known about `{other}` of a cell")).into()),
        }
    }

    async fn transfer_leader(&self, cell: CellId, to: Option<u64>) -> Result<Value, CellError> {
        let (leader, report) = self.wait_for_leader(cell).await?;
        if report.replicas.len() < 2 {
            return Err(invalid(format!("{cell} has no other replica that could lead")));
        }
        let client = self.pool.client(&leader.address);
        let asked = cellar_raft::ask_transfer_leader(&client, leader.id.0, cell.0, to).await;
        let leads = asked.map_err(|error| {
            let reason = error.to_string();
            CellError::Unavailable { reason }
        })?;
        Ok(json!({ "cell": cell.0, "leader": leads }))
    }

    /// The node that leads a cell, by its own word.
    ///
    /// # Errors
    /// [`CellError::NotLeader`] if every node has answered and none leads it.
    pub(super) async fn leader_of(&self, cell: CellId) -> Result<(Node, CellReport), CellError> {
        let (mut silent, mut known) = (Vec::new(), false);
        for (node, reports) in self.reports().await {
            let reports = match reports {
                Ok(reports) => reports,
                Err(error) => {
                    silent.push(format!("{}: {error}", node.id));
                    continue;
                }
            };
            let found = reports.into_iter().find(|report| report.cell == cell);
            known |= found.is_some();
            if let Some(report) = found.filter(|report| report.leader == Some(node.id)) {
                return Ok((node, report));
            }
        }
        match (known, silent.is_empty()) {
            (false, true) => Err(CellError::WrongCell { cell, epoch: None }),
            (true, true) => Err(CellError::NotLeader { leader: None }),
            _ => Err(CellError::Unavailable {
                reason: format!("no node leads {cell} now; {}", silent.join("; ")),
            }),
        }
    }
}

fn invalid(message: impl Into<String>) -> CellError {
    CellError::Invalid { message: message.into() }
}

/// Why something was not done, as it is answered.
struct Refused {
    status: StatusCode,
    error: String,
    definite: bool,
}

impl From<CellError> for Refused {
    fn from(error: CellError) -> Self {
        Self { status: status(&error), error: error.to_string(), definite: error.is_definite() }
    }
}

impl From<MetadataError> for Refused {
    fn from(error: MetadataError) -> Self {
        let status = match is_refusal(&error) {
            true => StatusCode::BAD_REQUEST,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, error: error.to_string(), definite: !error.is_unknown() }
    }
}

fn status(error: &CellError) -> StatusCode {
    match error {
        CellError::Invalid { .. } => StatusCode::BAD_REQUEST,
        CellError::WrongCell { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A field of the query.
pub(super) fn field<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    let pairs = query.unwrap_or_default().split('&');
    let mut found = pairs.filter_map(|pair| pair.split_once('=')).filter(|(n, _)| *n == name);
    found.next().map(|(_, value)| value)
}

fn position(query: Option<&str>) -> Result<Option<Position>, CellError> {
    match (field(query, "table"), field(query, "token")) {
        (None, None) => Ok(None),
        (Some(table), Some(token)) => Ok(Some(Position::new(
            TableId(table.parse().map_err(|_| invalid("`table` is not a number"))?),
            token.parse().map_err(|_| invalid("`token` is not a number"))?,
        ))),
        _ => Err(invalid("give both `table` and `token`, or neither")),
    }
}
