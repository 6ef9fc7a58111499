//! DESCRIBE as clients see it, where it depends on what was done to a table.

use cellar_schema::CqlType::Text;

use crate::client::Client;

#[tokio::test]
async fn internals_tell_how_a_column_comes_to_be_dropped_and_others_hear_nothing_of_it() {
    let mut client = Client::connect().await;
    for statement in [
        "ALTER TABLE ks.t DROP v USING TIMESTAMP 7",
        "ALTER TABLE ks.t DROP m USING TIMESTAMP 8",
        "ALTER TABLE ks.t ADD v int",
        "ALTER TABLE ks.t DROP v USING TIMESTAMP 9",
        "ALTER TABLE ks.t ADD v int",
    ] {
        client.run(statement).await;
    }
    let types = [Text, Text, Text, Text];
    let plain = client.rows("DESCRIBE TABLE ks.t", &types).await.concat().join("\n");
    assert!(plain.contains("v int") && !plain.contains("map<"), "{plain}");
    assert!(!plain.contains("ALTER"), "{plain}");
    let text = "DESCRIBE TABLE ks.t WITH INTERNALS";
    let whole = client.rows(text, &types).await.concat().join("\n");
    let columns =
        "    k int,\n    c int,\n    m map<text, int>,\n    v int,\n    PRIMARY KEY (k, c)";
    assert!(whole.contains(columns), "{whole}");
    let end = ";\nALTER TABLE ks.t DROP m USING TIMESTAMP 8;\
               \nALTER TABLE ks.t DROP v USING TIMESTAMP 9;\
               \nALTER TABLE ks.t ADD v int;";
    assert!(whole.contains(end), "{whole}");
}
