//! `/v1/query`: one statement, any with POST, only reading ones with GET.

use cellar_cql::plan::{BoundValue, Plan, Planned};
use cellar_schema::ValueError;
use hyper::{Method, StatusCode, header};

use super::{
    call::{Call, Options},
    document::Document,
    problem::HttpError,
    reply::Reply,
    result::{self, page_text},
    uri,
    value::read_segment,
};
use crate::execute::{Answer, Done};

/// What a client asks for.
#[derive(Debug)]
struct Query {
    statement: String,
    params: Params,
    options: Options,
}

/// Values for the statement's variables.
#[derive(Debug)]
enum Params {
    None,
    InOrder(Vec<Document>),
    Named(Vec<(String, Document)>),
    /// Texts of a query string, by name.
    Texts(Vec<(String, String)>),
}

/// Answers a request.
pub(super) async fn answer(call: &Call, method: &Method) -> Result<Reply, HttpError> {
    let reads = *method != Method::POST;
    let query = if reads { of_pairs(call)? } else { of_body(call)? };
    let keep = !matches!(query.params, Params::None);
    let planned = call.plan(&query.statement, query.options.keyspace.as_deref(), keep)?;
    if reads && !matches!(planned.plan, Plan::Select(_) | Plan::Describe(_)) {
        return Err(HttpError::ReadOnly);
    }
    if matches!(planned.plan, Plan::Use(_)) {
        return Err(HttpError::with_hint(
            "USE has no effect over HTTP, where every request stands alone",
            "give \"keyspace\" or the header Cellar-Keyspace with each request",
        ));
    }
    let values = query.params.bind(&planned)?;
    let done = call.run(&planned, values, query.options).await?;
    Ok(reply(call, &done, reads))
}

/// The reply that shows an answer.
pub(super) fn reply(call: &Call, done: &Done, linked: bool) -> Reply {
    let body = result::document(done, call.style);
    let mut reply = Reply::document(StatusCode::OK, call.style.format, body)
        .costing(done.charge)
        .warning(&done.warnings);
    if let (Answer::Rows(rows), true) = (&done.answer, linked)
        && let Some(next) = &rows.next
    {
        reply = reply.with(header::LINK, next_page(call, &page_text(next)));
    }
    reply
}

/// The same request for the page after this one.
fn next_page(call: &Call, state: &str) -> String {
    let mut out = format!("<{}?", call.path);
    for (name, value) in call.pairs.iter().filter(|(name, _)| *name != "page_state") {
        out.push_str(&format!("{}={}&", uri::encode(name), uri::encode(value)));
    }
    out.push_str(&format!("page_state={state}>; rel=\"next\""));
    out
}

fn of_pairs(call: &Call) -> Result<Query, HttpError> {
    let missing = || HttpError::malformed("the parameter statement is missing");
    let statement = call.pairs.get("statement").ok_or_else(missing)?.to_owned();
    let named = call
        .pairs
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("p.")?.to_owned(), value.to_owned())));
    let named: Vec<_> = named.collect();
    let params = if named.is_empty() { Params::None } else { Params::Texts(named) };
    Ok(Query { statement, params, options: call.options()? })
}

fn of_body(call: &Call) -> Result<Query, HttpError> {
    let members = call.document()?.members();
    let members = members.ok_or_else(|| HttpError::malformed("the body is not an object"))?;
    let (mut statement, mut params, mut options) = (None, Params::None, call.options()?);
    for (name, value) in members {
        match name.as_str() {
            "statement" => statement = value.text().map(str::to_owned),
            "params" => params = Params::of(value)?,
            _ if options.set(&name, &value)? => {}
            _ => return Err(HttpError::malformed(format!("\"{name}\" is no member of a query"))),
        }
    }
    let statement = statement.ok_or_else(|| HttpError::malformed("\"statement\" is no text"))?;
    Ok(Query { statement, params, options })
}

impl Params {
    fn of(document: Document) -> Result<Self, HttpError> {
        if document.is_null() {
            return Ok(Self::None);
        }
        if document.is_object() {
            let named = document.members().map(Self::Named);
            return named.ok_or_else(|| HttpError::malformed("names of \"params\" are texts"));
        }
        let in_order = document.elements().map(Self::InOrder);
        in_order.ok_or_else(|| HttpError::malformed("\"params\" is neither array nor object"))
    }

    /// Values in the order of the statement's variables, by their types.
    fn bind(&self, planned: &Planned) -> Result<Vec<BoundValue>, HttpError> {
        let variables = &planned.variables;
        let values = match self {
            Self::None if variables.is_empty() => return Ok(Vec::new()),
            Self::None => return Err(wrong_count(variables.len(), 0)),
            Self::InOrder(documents) if documents.len() != variables.len() => {
                return Err(wrong_count(variables.len(), documents.len()));
            }
            Self::InOrder(documents) => {
                let value = |(variable, document): (&cellar_cql::plan::Variable, &Document)| {
                    document.value(&variable.name, &variable.cql_type)
                };
                variables.iter().zip(documents).map(value).collect::<Result<Vec<_>, _>>()?
            }
            Self::Named(named) => by_name(planned, named, |variable, document| {
                document.value(&variable.name, &variable.cql_type)
            })?,
            Self::Texts(named) => by_name(planned, named, |variable, text| {
                let wrong = |error: ValueError| HttpError::value(&variable.name, &error);
                read_segment(&variable.cql_type, text).map(Some).map_err(wrong)
            })?,
        };
        Ok(values.into_iter().map(BoundValue::from).collect())
    }
}

/// The value of each variable by its name; every name must be one of a variable.
fn by_name<T>(
    planned: &Planned,
    named: &[(String, T)],
    read: impl Fn(&cellar_cql::plan::Variable, &T) -> Result<Option<bytes::Bytes>, HttpError>,
) -> Result<Vec<Option<bytes::Bytes>>, HttpError> {
    let variables = &planned.variables;
    if let Some((name, _)) =
        named.iter().find(|(name, _)| variables.iter().all(|v| v.name != *name))
    {
        let message = format!("the statement has no variable '{name}'");
        let names: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
        return Err(HttpError::with_hint(message, format!("it has: {}", names.join(", "))));
    }
    let value = |variable: &cellar_cql::plan::Variable| {
        let found = named.iter().find(|(name, _)| *name == variable.name);
        let missing = || HttpError::unprocessable(format!("no value for '{}'", variable.name));
        read(variable, &found.ok_or_else(missing)?.1)
    };
    variables.iter().map(value).collect()
}

fn wrong_count(variables: usize, values: usize) -> HttpError {
    HttpError::unprocessable(format!(
        "the statement has {variables} variables, got {values} values"
    ))
}
