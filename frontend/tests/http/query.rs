//! `/v1/query`.

use cellar_cell_api::CellError;
use hyper::Method;
use serde_json::{Value, json};

use crate::service::Service;

const AT: &str = "2026-01-02T03:04:05.006Z";

async fn with_rows(count: u32) -> Service {
    let service = Service::start().await;
    for n in 0..count {
        let statement = "INSERT INTO readings (sensor, at, temp) VALUES (?, ?, ?)";
        let body = json!({
            "statement": statement, "keyspace": "demo", "params": ["a1", n * 1000, n],
        });
        service.query(&body).await.expect(200);
    }
    service
}

#[tokio::test]
async fn values_go_in_by_order_or_by_name_and_come_out_typed() {
    let service = Service::start().await;
    let by_order = json!({
        "statement": "INSERT INTO demo.readings (sensor, at, temp, tags) VALUES (?, ?, ?, ?)",
        "params": ["a1", AT, 20.5, ["x", "b", "x"]],
    });
    let written = service.query(&by_order).await;
    let document = written.expect(200);
    assert_eq!(document["consumed"], json!({"ru": 0, "wu": 1}));
    assert_eq!(written.header("cellar-consumed"), Some("ru=0, wu=1"));
    let by_name = json!({
        "statement": "SELECT at, temp, tags FROM demo.readings WHERE sensor = :s AND at >= :since",
        "params": {"since": 0, "s": "a1"},
    });
    let read = service.query(&by_name).await;
    assert_eq!(
        read.expect(200),
        json!({
            "columns": [
                {"name": "at", "type": "timestamp"},
                {"name": "temp", "type": "double"},
                {"name": "tags", "type": "set<text>"},
            ],
            "rows": [{"at": AT, "temp": 20.5, "tags": ["b", "x"]}],
            "next": null,
            "consumed": {"ru": 1, "wu": 0},
        })
    );
    assert_eq!(read.header("cellar-consumed"), Some("ru=1, wu=0"));
    assert_eq!(read.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn curl_with_nothing_but_a_body_is_understood() {
    let service = Service::start().await;
    let ask = service.ask(Method::POST, "/v1/query").header("accept", "*/*");
    let ask = ask.header("content-type", "application/x-www-form-urlencoded");
    let got = ask.body(r#"{"statement":"SELECT release_version FROM system.local"}"#).send().await;
    assert_eq!(got.expect(200)["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_follow_each_other_until_there_is_no_next() {
    let service = with_rows(10).await;
    let mut state = Value::Null;
    let mut pages = Vec::new();
    loop {
        let body = json!({
            "statement": "SELECT temp FROM demo.readings WHERE sensor = ?",
            "params": ["a1"], "page_size": 4, "page_state": state,
        });
        let page = service.query(&body).await.expect(200);
        let rows = page["rows"].as_array().unwrap();
        pages.push(rows.iter().map(|row| row["temp"].as_f64().unwrap()).collect::<Vec<_>>());
        state = page["next"].clone();
        if state.is_null() {
            break;
        }
    }
    let all: Vec<f64> = pages.concat();
    assert_eq!(all, (0..10).map(f64::from).collect::<Vec<_>>());
    assert!(pages.iter().all(|page| page.len() <= 4), "{pages:?}");
}

#[tokio::test]
async fn a_page_of_a_statement_that_read_elsewhere_is_refused() {
    let service = with_rows(3).await;
    let select = |rest: &str, state: Value| {
        json!({
            "statement": format!("SELECT temp FROM demo.readings{rest}"),
            "page_size": 1, "page_state": state,
        })
    };
    let first = service.query(&select("", Value::Null)).await.expect(200);
    let other = select(" WHERE sensor = 'a2'", first["next"].clone());
    let problem = service.query(&other).await.expect(422);
    assert_eq!(problem["code"], "CEL-4220");
}

#[tokio::test]
async fn get_reads_with_texts_as_values_and_links_to_the_next_page() {
    let service = with_rows(3).await;
    let statement = "SELECT+temp+FROM+readings+WHERE+sensor+%3D+%3As";
    let path =
        format!("/v1/query?statement={statement}&p.s=a1&keyspace=demo&page_size=2&rows=array");
    let got = service.get(&path).await;
    assert_eq!(got.expect(200)["rows"], json!([[0.0], [1.0]]));
    let link = got.header("link").unwrap();
    let next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let got = service.get(next).await;
    assert_eq!(got.expect(200)["rows"], json!([[2.0]]));
    assert_eq!(got.header("link"), None);
}

#[tokio::test]
async fn get_does_not_write() {
    let service = with_rows(1).await;
    let got = service.get("/v1/query?statement=TRUNCATE+demo.readings").await;
    let problem = got.expect(405);
    assert_eq!((&problem["code"], &problem["outcome"]), (&json!("CEL-4051"), &json!("none")));
    assert_eq!(got.header("allow"), Some("POST"));
    let got = service.get("/v1/query?statement=DELETE+FROM+demo.readings+WHERE+sensor='a1'").await;
    got.expect(405);
    assert_eq!(service.rows("SELECT temp FROM demo.readings").await, json!([{"temp": 0.0}]));
}

#[tokio::test]
async fn conditional_writes_say_whether_they_were_applied() {
    let service = Service::start().await;
    let insert = json!({
        "statement": "INSERT INTO demo.readings (sensor, at, temp) VALUES ('a', 0, 1) \
                      IF NOT EXISTS",
    });
    let first = service.query(&insert).await.expect(200);
    assert_eq!((&first["applied"], &first["rows"]), (&json!(true), &json!([])));
    let second = service.query(&insert).await.expect(200);
    assert_eq!(second["applied"], json!(false));
    assert_eq!(second["rows"][0]["temp"], json!(1.0));
    assert_eq!(second["consumed"], json!({"ru": 1, "wu": 0}));
}

#[tokio::test]
async fn cbor_goes_in_and_comes_out() {
    let service = Service::start().await;
    // {"statement": …, "params": [bytes, 2^40]}
    let statement = "INSERT INTO demo.\"Odd \"\"Names\"\"\" (\"Key\", big) VALUES (?, ?)";
    let mut body = vec![0xa2, 0x69];
    body.extend_from_slice(b"statement\x78");
    body.push(u8::try_from(statement.len()).unwrap());
    body.extend_from_slice(statement.as_bytes());
    body.extend_from_slice(b"\x66params\x82\x42\x00\xff\x1b\x00\x00\x01\x00\x00\x00\x00\x00");
    let ask = service.ask(Method::POST, "/v1/query").header("content-type", "application/cbor");
    let got = ask.header("accept", "application/cbor").body(body).send().await;
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(got.header("content-type"), Some("application/cbor"));
    assert_eq!(got.cbor()["consumed"], json!({"ru": 0, "wu": 1}));
    let rows = service.rows("SELECT * FROM demo.\"Odd \"\"Names\"\"\"").await;
    assert_eq!(rows, json!([{"Key": "AP8=", "big": "1099511627776", "select": null}]));
}

#[tokio::test]
async fn errors_say_what_is_wrong_and_where() {
    let service = Service::start().await;
    let problem = |statement: &str| {
        let body = json!({ "statement": statement });
        let service = &service;
        async move { service.query(&body).await }
    };
    let got = problem("SELECT temp FORM demo.readings").await;
    assert_eq!(got.header("content-type"), Some("application/problem+json"));
    let syntax = got.expect(400);
    assert_eq!(syntax["position"], json!({"line": 1, "column": 12, "length": 4}));
    assert_eq!((&syntax["near"], &syntax["code"]), (&json!("FORM"), &json!("CEL-4000")));
    assert_eq!(syntax["request_id"].as_str(), got.header("cellar-request-id"));
    for (statement, status, code) in [
        ("SELECT * FROM demo.reading", 404, "CEL-4041"),
        ("SELECT * FROM dem.readings", 404, "CEL-4040"),
        ("SELECT * FROM readings", 422, "CEL-4220"),
        ("SELECT nothing FROM demo.readings", 422, "CEL-4220"),
        ("SELECT * FROM demo.readings WHERE temp = 1.0", 422, "CEL-4220"),
        ("USE demo", 422, "CEL-4220"),
        (
            "CREATE KEYSPACE demo WITH replication = {'class': 'SimpleStrategy', \
          'replication_factor': 1}",
            409,
            "CEL-4090",
        ),
    ] {
        let document = problem(statement).await.expect(status);
        assert_eq!(document["code"], code, "{statement}");
        assert_eq!(document["outcome"], "none", "{statement}");
        assert_eq!(document["status"], json!(status), "{statement}");
    }
    let unknown = problem("SELECT * FROM demo.reading").await.json();
    assert_eq!(unknown["hint"], "did you mean readings?");
    let detail = unknown["detail"].as_str().unwrap();
    assert!(detail.contains("reading") && !detail.contains("did you mean"), "{detail}");
}

#[tokio::test]
async fn requests_that_are_no_queries_are_refused() {
    let service = Service::start().await;
    let one = "SELECT * FROM demo.readings WHERE sensor = ?";
    for (body, status) in [
        (json!([]), 400),
        (json!({}), 400),
        (json!({"statement": 1}), 400),
        (json!({"statement": one, "parameters": []}), 400),
        (json!({"statement": one, "params": "a"}), 400),
        (json!({"statement": one, "params": ["a"], "consistency": "most"}), 400),
        (json!({"statement": one, "params": ["a"], "page_size": 0}), 400),
        (json!({"statement": one}), 422),
        (json!({"statement": one, "params": []}), 422),
        (json!({"statement": one, "params": ["a", "b"]}), 422),
        (json!({"statement": one, "params": [1]}), 422),
        (json!({"statement": one, "params": {"sensors": "a"}}), 422),
        (json!({"statement": one, "params": {}}), 422),
    ] {
        let problem = service.query(&body).await.expect(status);
        assert_eq!(problem["outcome"], "none", "{body}");
    }
    service.query(&json!({"statement": one, "params": {"sensor": "a"}})).await.expect(200);
}

#[tokio::test]
async fn failures_of_the_cell_say_whether_the_write_may_have_been_applied() {
    let service = Service::start().await;
    let increment = "UPDATE demo.hits SET n = n + 1 WHERE page = 'x'";
    let body = |statement: &str| json!({"statement": statement, "timeout_ms": 200});
    *service.cell.failure.lock() =
        Some(CellError::Overloaded { reason: "queue".to_owned(), retry_after_ms: 1500 });
    let got = service.query(&body(increment)).await;
    let problem = got.expect(503);
    assert_eq!((&problem["outcome"], &problem["retryable"]), (&json!("none"), &json!(true)));
    assert_eq!((got.header("retry-after"), &problem["retry_after_ms"]), (Some("2"), &json!(1500)));
    let unknown = CellError::Unknown { reason: "cut off".to_owned() };
    *service.cell.failure.lock() = Some(unknown);
    let problem = service.query(&body(increment)).await.expect(504);
    assert_eq!((&problem["outcome"], &problem["code"]), (&json!("unknown"), &json!("CEL-5040")));
    let problem = service.query(&body("SELECT * FROM demo.hits")).await.expect(504);
    assert_eq!((&problem["outcome"], &problem["code"]), (&json!("none"), &json!("CEL-5041")));
}

#[tokio::test]
async fn a_refusal_by_statics_alone_shows_the_first_row_of_the_partition() {
    let service = with_rows(2).await;
    let ask = async |statement: &str| {
        let body = json!({"statement": statement, "keyspace": "demo"});
        let document = service.query(&body).await.expect(200);
        assert_eq!(document["applied"], json!(false), "{statement}");
        document["rows"].clone()
    };
    let batch = "BEGIN BATCH
        UPDATE readings SET temp = 9 WHERE sensor = 'a1' AND at = 5 IF site = 'x'; APPLY BATCH";
    let first = "1970-01-01T00:00:00.000Z";
    assert_eq!(ask(batch).await, json!([{"sensor": "a1", "at": first, "site": null}]));
    let update = "UPDATE readings SET site = 'y' WHERE sensor = 'a1' IF site = 'x'";
    assert_eq!(ask(update).await, json!([{"site": null}]));
    let absent = "UPDATE readings SET site = 'y' WHERE sensor = 'none' IF site = 'x'";
    assert!(ask(absent).await.as_array().unwrap().iter().all(|row| *row == json!({})));
}
