//! The schema, and what tells about the process.

use hyper::Method;
use serde_json::json;

use crate::service::Service;

#[tokio::test]
async fn keyspaces_and_tables_are_listed_and_described() {
    let service = Service::start().await;
    let all = service.get("/v1/keyspaces").await.expect(200);
    let all = all["keyspaces"].as_array().unwrap();
    let demo = all.iter().find(|keyspace| keyspace["name"] == "demo").unwrap();
    assert_eq!(demo["tables"], json!(["Odd \"Names\"", "hits", "readings"]));
    assert_eq!(demo["virtual"], json!(false));
    assert!(all.iter().any(|keyspace| keyspace["virtual"] == json!(true)));
    let demo = service.get("/v1/keyspaces/demo").await.expect(200);
    let table = service.get("/v1/keyspaces/demo/tables/readings").await.expect(200);
    assert_eq!(demo["tables"][2], table);
    assert_eq!(table["partition_key"], json!(["sensor"]));
    assert_eq!(table["clustering_key"], json!([{"name": "at", "order": "asc"}]));
    assert_eq!(table["static"], json!(["site"]));
    assert_eq!(table["columns"][0], json!({"name": "sensor", "type": "text"}));
    let missing = service.get("/v1/keyspaces/dem").await.expect(404);
    assert_eq!(missing["code"], "CEL-4040");
    assert_eq!(missing["hint"], "did you mean demo?");
    service.get("/v1/keyspaces/demo/tables/none").await.expect(404);
}

#[tokio::test]
async fn the_schema_comes_as_cql_when_asked_for() {
    let service = Service::start().await;
    for path in ["/v1/keyspaces", "/v1/keyspaces/demo", "/v1/keyspaces/demo/tables/readings"] {
        let ask = service.ask(Method::GET, path).header("accept", "application/cql");
        let got = ask.send().await;
        assert_eq!((got.status, got.header("content-type")), (200, Some("application/cql")));
        let text = String::from_utf8_lossy(&got.body).into_owned();
        assert!(text.contains("CREATE TABLE demo.readings"), "{path}: {text}");
    }
}

#[tokio::test]
async fn schema_changes_say_what_changed() {
    let service = Service::start().await;
    let create = json!({"statement": "CREATE TABLE demo.t (k int PRIMARY KEY)"});
    let change = service.query(&create).await.expect(200)["schema_change"].clone();
    assert_eq!(
        change,
        json!({"change": "created", "target": "table", "keyspace": "demo", "name": "t"})
    );
    service.get("/v1/keyspaces/demo/tables/t").await.expect(200);
}

#[tokio::test]
async fn the_process_tells_its_version_and_its_health() {
    let service = Service::start().await;
    let version = service.get("/version").await.expect(200);
    assert_eq!(version["name"], "cellar");
    for path in ["/livez", "/readyz"] {
        let got = service.get(path).await;
        assert_eq!(
            (got.status, got.header("content-type")),
            (200, Some("text/plain; charset=utf-8"))
        );
    }
    let head = service.ask(Method::HEAD, "/livez").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
