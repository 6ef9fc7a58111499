//! Extensions of the protocol that a client asks for.

use bytes::Bytes;
use cellar_cell_api::CellError;
use cellar_wire::{
    Consistency, ErrorBody, Execute, Options, PreparedResult, QueryParams, Request, Response,
};

use crate::client::Client;

const READ: &str = "SELECT v FROM ks.t WHERE k = 1";
const WRITE: &str = "INSERT INTO ks.t (k, c, v) VALUES (1, 2, 3)";

#[tokio::test]
async fn the_extensions_are_told_to_who_asks_for_options() {
    let mut client = Client::connect().await;
    let answer = client.ask(Request::Options(Options).into()).await.response;
    let Response::Supported(options) = answer else { panic!("{answer:?}") };
    let value = |name: &str| {
        let found = options.iter().find(|(known, _)| known == name);
        found.and_then(|(_, values)| values.first()).map(String::as_str)
    };
    assert_eq!(value("SCYLLA_RATE_LIMIT_ERROR"), Some("ERROR_CODE=61440"));
    let mask = "LWT_OPTIMIZATION_META_BIT_MASK=2147483648";
    assert_eq!(value("SCYLLA_LWT_ADD_METADATA_MARK"), Some(mask));
    assert_eq!(value("SCYLLA_USE_METADATA_ID"), Some(""));
    assert_eq!(value("TABLETS_ROUTING_V1"), None, "frontends hold no tablets");
}

#[tokio::test]
async fn overload_is_a_rate_limit_for_those_only_who_asked_for_it() {
    let mut plain = Client::connect().await;
    let mut asked = plain.another(&[("SCYLLA_RATE_LIMIT_ERROR", "")]).await;
    let reason = "the queue is full".to_owned();
    *plain.cell.failure.lock() = Some(CellError::Overloaded { reason, retry_after_ms: 7 });
    for (text, of_write) in [(READ, false), (WRITE, true)] {
        let answer = plain.query(text, false).await.response;
        let Response::Error(ErrorBody::Overloaded(words)) = answer else { panic!("{answer:?}") };
        assert!(words.contains("the queue is full; retry after 7 ms"), "{words}");
        let answer = asked.query(text, false).await.response;
        let Response::Error(ErrorBody::RateLimit { message, code, write, .. }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!((message, code, write), (words, 0xF000, of_write));
    }
}

#[tokio::test]
async fn conditional_statements_are_marked_for_those_only_who_asked_for_it() {
    let mut plain = Client::connect().await;
    let mut asked = plain.another(&[("SCYLLA_LWT_ADD_METADATA_MARK", "")]).await;
    for (text, conditional) in [
        ("UPDATE ks.t SET v = ? WHERE k = ? AND c = ? IF v = ?", true),
        ("INSERT INTO ks.t (k, c) VALUES (?, ?) IF NOT EXISTS", true),
        ("BEGIN BATCH DELETE FROM ks.t WHERE k = ? AND c = 1 IF EXISTS; APPLY BATCH", true),
        (WRITE, false),
        (READ, false),
    ] {
        assert_eq!(asked.prepare(text).await.conditional, conditional, "{text}");
        assert!(!plain.prepare(text).await.conditional, "{text}");
    }
}

/// Runs a statement whose columns the client says it knows by this id.
async fn execute(client: &mut Client, of: &PreparedResult, known: Option<[u8; 16]>) -> Response {
    let mut params = QueryParams::new(Consistency::LocalQuorum);
    params.skip_metadata = true;
    let result_metadata_id = known.map(|id| Bytes::copy_from_slice(&id));
    let execute = Execute { id: of.id.clone(), result_metadata_id, params };
    client.ask(Request::Execute(execute).into()).await.response
}

#[tokio::test]
async fn result_metadata_have_ids_before_version_5_for_those_only_who_asked_for_it() {
    let mut plain = Client::connect().await;
    plain.run(WRITE).await;
    let without = plain.prepare(READ).await;
    assert_eq!(without.result_metadata_id, None);
    let mut asked = plain.another(&[("SCYLLA_USE_METADATA_ID", "")]).await;
    let prepared = asked.prepare(READ).await;
    let own = prepared.result_metadata_id.expect("an id of the columns");
    for (known, columns, told) in [(own, 0, None), ([7; 16], 1, Some(own))] {
        let answer = execute(&mut asked, &prepared, Some(known)).await;
        let Response::Rows(rows) = answer else { panic!("{answer:?}") };
        let metadata = rows.metadata;
        assert_eq!((metadata.columns.len(), metadata.new_metadata_id), (columns, told));
        assert_eq!(rows.rows.len(), 1);
    }
    let answer = execute(&mut plain, &without, None).await;
    assert!(matches!(answer, Response::Rows(rows) if rows.metadata.new_metadata_id.is_none()));
}

#[tokio::test]
async fn a_client_that_names_its_columns_need_not_prepare_again_once_another_has_done_so() {
    let text = "SELECT * FROM ks.t WHERE k = 1";
    for (option, again) in [("SCYLLA_USE_METADATA_ID", false), ("DRIVER_NAME", true)] {
        let mut one = Client::connect().await;
        one.run(WRITE).await;
        let options = [(option, "")];
        let mut one = one.another(&options).await;
        let mut two = one.another(&options).await;
        let (first, second) = (one.prepare(text).await, two.prepare(text).await);
        let known = second.result_metadata_id;
        one.run("ALTER TABLE ks.t ADD added int").await;
        let unprepared =
            |answer: &Response| matches!(answer, Response::Error(ErrorBody::Unprepared { .. }));
        let answer = execute(&mut one, &first, known).await;
        assert!(unprepared(&answer), "{answer:?}");
        let today = one.prepare(text).await.result_metadata_id;
        let answer = execute(&mut two, &second, known).await;
        assert_eq!(unprepared(&answer), again, "{option}: {answer:?}");
        if let Response::Rows(rows) = answer {
            let metadata = rows.metadata;
            assert_eq!((metadata.columns.len(), metadata.new_metadata_id), (5, today));
        }
        // Other variables are nothing that a client learns with its rows.
        let text = "INSERT INTO ks.t (k, c, w) VALUES (1, 2, ?)";
        one.run("ALTER TABLE ks.t ADD w text").await;
        let second = two.prepare(text).await;
        for statement in ["ALTER TABLE ks.t DROP w", "ALTER TABLE ks.t ADD w blob"] {
            one.run(statement).await;
        }
        one.prepare(text).await;
        let answer = execute(&mut two, &second, second.result_metadata_id).await;
        assert!(unprepared(&answer), "{option}: {answer:?}");
    }
}
