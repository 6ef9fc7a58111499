//! `…/rows/{key…}`.

use hyper::Method;
use serde_json::{Value, json};

use crate::service::Service;

const ROWS: &str = "/v1/keyspaces/demo/tables/readings/rows";
const ODD: &str = "/v1/keyspaces/demo/tables/Odd%20%22Names%22/rows";
const HITS: &str = "/v1/keyspaces/demo/tables/hits/rows";

fn row(key: &str) -> String {
    format!("{ROWS}/{key}")
}

#[tokio::test]
async fn a_row_that_is_put_is_got_as_it_was_put() {
    let service = Service::start().await;
    let path = row("a%2F1/2026-01-02T03:04:05Z");
    let body = json!({
        "sensor": "a/1", "at": "2026-01-02T03:04:05.000Z", "temp": 20.5, "note": "ok",
        "tags": ["x"], "site": "s",
    });
    let put = service.put(&path, &body).await;
    assert_eq!(put.expect(200), json!({"consumed": {"ru": 0, "wu": 1}}));
    let got = service.get(&path).await;
    assert_eq!(got.expect(200), body);
    assert_eq!(got.header("cellar-consumed"), Some("ru=1, wu=0"));
    let selected = service.get(&format!("{path}?select=temp,note")).await.expect(200);
    assert_eq!(selected, json!({"temp": 20.5, "note": "ok"}));
}

#[tokio::test]
async fn what_a_put_leaves_out_becomes_null_and_statics_stay() {
    let service = Service::start().await;
    service.put(&row("a/1"), &json!({"temp": 1, "note": "n", "site": "s"})).await.expect(200);
    service.put(&row("a/1"), &json!({"temp": 2})).await.expect(200);
    let got = service.get(&row("a/1")).await.expect(200);
    assert_eq!(
        (&got["temp"], &got["note"], &got["site"]),
        (&json!(2.0), &Value::Null, &json!("s"))
    );
}

#[tokio::test]
async fn a_row_that_is_not_there_is_404() {
    let service = Service::start().await;
    let got = service.get(&row("a/1")).await;
    let problem = got.expect(404);
    assert_eq!((&problem["code"], &problem["outcome"]), (&json!("CEL-4043"), &json!("none")));
    assert_eq!(got.header("cellar-consumed"), Some("ru=1, wu=0"));
    let nowhere = "/v1/keyspaces/demo/tables/readngs/rows/a/1";
    let problem = service.get(nowhere).await.expect(404);
    assert_eq!(problem["code"], "CEL-4041");
    assert_eq!(problem["hint"], "did you mean readings?");
}

#[tokio::test]
async fn preconditions_are_412_with_the_row_that_is_there() {
    let service = Service::start().await;
    let ask = |method: Method, header: &str, body: Value| {
        service.ask(method, &row("a/1")).header(header, "*").json(&body).send()
    };
    let absent = ask(Method::PUT, "if-match", json!({"temp": 1})).await.expect(412);
    assert_eq!((&absent["current"], &absent["code"]), (&Value::Null, &json!("CEL-4120")));
    ask(Method::PATCH, "if-match", json!({"temp": 1})).await.expect(412);
    ask(Method::DELETE, "if-match", json!({})).await.expect(412);
    ask(Method::PUT, "if-none-match", json!({"temp": 1})).await.expect(201);
    let there = ask(Method::PUT, "if-none-match", json!({"temp": 2})).await;
    let problem = there.expect(412);
    assert_eq!(problem["current"]["temp"], json!(1.0));
    assert_eq!(there.header("cellar-consumed"), Some("ru=1, wu=0"));
    ask(Method::PUT, "if-match", json!({"note": "n"})).await.expect(200);
    let got = service.get(&row("a/1")).await.expect(200);
    assert_eq!((&got["temp"], &got["note"]), (&Value::Null, &json!("n")));
    ask(Method::DELETE, "if-match", json!({})).await.expect(204);
    service.get(&row("a/1")).await.expect(404);
    let tagged = service.ask(Method::PUT, &row("a/1")).header("if-match", "\"x\"");
    tagged.json(&json!({})).send().await.expect(422);
}

#[tokio::test]
async fn entity_tags_change_with_the_row_and_save_sending_it() {
    let service = Service::start().await;
    service.put(&row("a/1"), &json!({"temp": 1})).await.expect(200);
    let got = service.get(&row("a/1")).await;
    let tag = got.header("etag").unwrap().to_owned();
    let again = || service.ask(Method::GET, &row("a/1")).header("if-none-match", &tag).send();
    let known = again().await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), Some(&*tag));
    service.patch(&row("a/1"), &json!({"temp": 2})).await.expect(200);
    assert_eq!(again().await.expect(200)["temp"], json!(2.0));
}

#[tokio::test]
async fn patch_changes_what_it_names_and_nothing_else() {
    let service = Service::start().await;
    service.patch(&row("a/1"), &json!({"temp": 1, "note": "n"})).await.expect(200);
    service.patch(&row("a/1"), &json!({"note": null, "tags": ["a", "b"]})).await.expect(200);
    service.patch(&row("a/1"), &json!({"tags": {"$add": ["c"]}})).await.expect(200);
    service.patch(&row("a/1"), &json!({"tags": {"$remove": ["a"]}})).await.expect(200);
    service.patch(&row("a"), &json!({"site": "s"})).await.expect(200);
    let got = service.get(&row("a/1?select=temp,note,tags,site")).await.expect(200);
    assert_eq!(got, json!({"temp": 1.0, "note": null, "tags": ["b", "c"], "site": "s"}));
    for (body, status) in [
        (json!({}), 422),
        (json!({"nothing": 1}), 422),
        (json!({"at": 2}), 422),
        (json!({"tags": {"$inc": 1}}), 422),
        (json!({"temp": "warm"}), 422),
        (json!([]), 400),
    ] {
        service.patch(&row("a/1"), &body).await.expect(status);
    }
    service.patch(&row("a"), &json!({"temp": 1})).await.expect(422);
}

#[tokio::test]
async fn counters_are_changed_by_patch() {
    let service = Service::start().await;
    let path = format!("{HITS}/home");
    service.patch(&path, &json!({"n": {"$inc": 5}})).await.expect(200);
    service.patch(&path, &json!({"n": {"$inc": "-2"}})).await.expect(200);
    assert_eq!(service.get(&path).await.expect(200), json!({"page": "home", "n": "3"}));
    let native = service.get(&format!("{path}?numbers=native")).await.expect(200);
    assert_eq!(native["n"], json!(3));
    service.put(&path, &json!({"n": 1})).await.expect(422);
}

#[tokio::test]
async fn a_prefix_is_a_page_of_rows_with_filters_and_order() {
    let service = Service::start().await;
    for n in 0..6 {
        service.put(&row(&format!("a/{}", n * 1000)), &json!({"temp": n})).await.expect(200);
    }
    service.put(&row("b/0"), &json!({"temp": 9})).await.expect(200);
    let temps = |path: String| {
        let service = &service;
        async move {
            let got = service.get(&path).await;
            let next = got.header("link").map(str::to_owned);
            let rows = got.expect(200)["rows"].clone();
            let temps = rows.as_array().unwrap().iter().map(|row| row["temp"].clone());
            (temps.collect::<Value>(), next)
        }
    };
    let (first, next) = temps(row("a?page_size=4")).await;
    assert_eq!(first, json!([0.0, 1.0, 2.0, 3.0]));
    let next = next.unwrap();
    let next = next.trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert_eq!(temps(next).await, (json!([4.0, 5.0]), None));
    assert_eq!(temps(row("a?at=gte.4000&select=temp")).await.0, json!([4.0, 5.0]));
    assert_eq!(temps(row("a?order=at.desc&limit=2")).await.0, json!([5.0, 4.0]));
    assert_eq!(temps(format!("{ROWS}?sensor=in.[%22b%22]")).await.0, json!([9.0]));
    assert_eq!(temps(row("nobody")).await.0, json!([]));
    assert_eq!(temps(ROWS.to_owned()).await.0.as_array().unwrap().len(), 7);
    for (path, status) in [
        ("a?temp=eq.1", 422),
        ("a?nothing=eq.1", 422),
        ("a?at=about.1", 422),
        ("a?at=eq.noon", 422),
        ("a?limit=0", 400),
        ("a/1/2", 422),
        ("a/noon", 422),
    ] {
        let problem = service.get(&row(path)).await.expect(status);
        assert_eq!(problem["outcome"], "none", "{path}");
    }
}

#[tokio::test]
async fn deletes_take_a_row_a_range_or_a_partition() {
    let service = Service::start().await;
    for key in ["a/1", "a/2", "b/1"] {
        service.put(&row(key), &json!({"temp": 1})).await.expect(200);
    }
    let delete = |path: String| service.ask(Method::DELETE, &path).send();
    let got = delete(row("a/1")).await;
    assert_eq!((got.status, got.body.len()), (204, 0));
    assert_eq!(got.header("cellar-consumed"), Some("ru=0, wu=1"));
    service.get(&row("a/1")).await.expect(404);
    service.get(&row("a/2")).await.expect(200);
    delete(row("a")).await.expect(204);
    service.get(&row("a/2")).await.expect(404);
    service.get(&row("b/1")).await.expect(200);
    delete(ROWS.to_owned()).await.expect(422);
}

#[tokio::test]
async fn odd_names_empty_keys_and_blobs_work() {
    let service = Service::start().await;
    let path = format!("{ODD}/0x00ff");
    service.put(&path, &json!({"select": 7, "big": "9007199254740993"})).await.expect(200);
    let got = service.get(&path).await.expect(200);
    assert_eq!(got, json!({"Key": "AP8=", "select": 7, "big": "9007199254740993"}));
    let by_array = format!("{ODD}?key=[%22AP8=%22]");
    assert_eq!(service.get(&by_array).await.expect(200), got);
    let empty = format!("{ROWS}?key=[%22%22,1]");
    let refused = service.put(&empty, &json!({"temp": 1})).await.expect(422);
    assert_eq!(refused["detail"], "Key may not be empty");
    service.get(&format!("{ROWS}//1")).await.expect(422);
}

#[tokio::test]
async fn rows_expire_and_timestamps_decide() {
    let service = Service::start().await;
    service.put(&row("a/1?timestamp=2000"), &json!({"temp": 2})).await.expect(200);
    service.put(&row("a/1?timestamp=1000"), &json!({"temp": 1})).await.expect(200);
    assert_eq!(service.get(&row("a/1")).await.expect(200)["temp"], json!(2.0));
    service.patch(&row("b/1?ttl=1000"), &json!({"temp": 1})).await.expect(200);
    let ttl = service.rows("SELECT ttl(temp) FROM demo.readings WHERE sensor = 'b'").await;
    let left = ttl[0]["ttl(temp)"].as_i64().unwrap();
    assert!((990..=1000).contains(&left), "{ttl}");
    service.patch(&row("b/1?ttl=soon"), &json!({"temp": 1})).await.expect(400);
}

#[tokio::test]
async fn rows_come_in_cbor_too() {
    let service = Service::start().await;
    service.put(&row("a/1"), &json!({"temp": 0.5})).await.expect(200);
    let path = row("a/1?select=sensor,temp");
    let ask = service.ask(Method::GET, &path).header("accept", "application/cbor");
    assert_eq!(ask.send().await.cbor(), json!({"sensor": "a", "temp": 0.5}));
    let ask = service.ask(Method::PUT, &row("a/1")).header("accept", "application/cbor");
    let refused = ask.header("if-none-match", "*").json(&json!({})).send().await;
    assert_eq!(refused.status, 412);
    let media_type = Some("application/concise-problem-details+cbor");
    assert_eq!(refused.header("content-type"), media_type);
    let text = String::from_utf8_lossy(&refused.body).into_owned();
    for part in ["urn:cellar:problem", "CEL-4120", "current", "outcome"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
