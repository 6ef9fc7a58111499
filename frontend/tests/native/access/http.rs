//! The same roles over HTTP.

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::service::Service;
use super::with_user;

/// The whole answer, headers and all, to a statement; `said` goes into the header Authorization.
async fn ask(service: &Service, statement: &str, said: Option<&str>) -> String {
    let body = format!("{{\"statement\":\"{statement}\"}}");
    let said = said.map(|said| format!("Authorization: {said}\r\n")).unwrap_or_default();
    let request = format!(
        "POST /v1/query HTTP/1.1\r\nHost: cellar\r\nConnection: close\r\n{said}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(service.http).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.to_lowercase()
}

#[tokio::test]
async fn http_asks_for_the_same_passwords_and_knows_the_same_permissions() {
    let (service, mut root, _user) = with_user().await;
    let select = "SELECT * FROM ks.t";
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for said in [None, Some("Digest x".to_owned()), Some(basic("u:wrong"))] {
        let answer = ask(&service, select, said.as_deref()).await;
        assert!(answer.starts_with("http/1.1 401"), "{answer}");
        assert!(answer.contains("www-authenticate: basic realm=\"cellar\""), "{answer}");
        assert!(answer.contains("cel-4010"), "{answer}");
    }
    let user = basic("u:pw");
    let refused = ask(&service, select, Some(&user)).await;
    assert!(refused.starts_with("http/1.1 403"), "{refused}");
    assert!(refused.contains("user u has no select permission on <table ks.t>"), "{refused}");
    root.run(&["GRANT SELECT ON ks.t TO u"]).await;
    let served = ask(&service, select, Some(&user)).await;
    assert!(served.starts_with("http/1.1 200"), "{served}");
    let bearer = user.replace("Basic", "Bearer");
    assert!(ask(&service, select, Some(&bearer)).await.starts_with("http/1.1 200"));
}
