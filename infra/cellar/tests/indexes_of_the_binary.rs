//! Indexes of the real binary through a stock driver: what they find is always what a look at all
//! rows would find, whatever happened to the rows, the cells and the process before.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod processes;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use cellar_loadtest::session;
use processes::Ready;
use scylla::client::session::Session;

/// An address of its own, so that its ports are free.
const HOST: &str = "127.79.3.1";

/// A `cellar dev` that ends with the test, in whatever way.
struct Server(Ready);

fn cellar(verb: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
    command.args(verb).args(["--admin", &format!("{HOST}:9080")]).stdin(Stdio::null());
    command
}

impl Server {
    /// Serves the folder from when this returns.
    fn start(data: &Path) -> Self {
        let mut command = cellar(&["dev", "--balance", "off"]);
        command.args(["--cql", &format!("{HOST}:9042"), "--http", &format!("{HOST}:8080")]);
        Self(Ready::start(command.arg("--data").arg(data)))
    }

    async fn session(&self) -> Arc<Session> {
        session::connect(&[format!("{HOST}:9042")], 1).await.unwrap()
    }

    /// Ends it as operators do, or in the middle of whatever it does.
    fn stop(mut self, signal: &str) {
        let Self(Ready(child)) = &mut self;
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        child.wait().unwrap();
    }
}

/// A row as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    city: Option<String>,
    age: Option<i32>,
    job: Option<String>,
    tags: BTreeSet<String>,
    props: BTreeMap<String, String>,
}

type Rows = BTreeMap<(i32, i32), Row>;

/// A restriction and the rows that it is true of.
type Case = (&'static str, fn((i32, i32), &Row) -> bool);

const CASES: [Case; 13] = [
    ("job = 'cook'", |_, row| row.job.as_deref() == Some("cook")),
    ("city = 'Bern'", |_, row| row.city.as_deref() == Some("Bern")),
    ("city = 'nowhere'", |_, row| row.city.as_deref() == Some("nowhere")),
    ("age = 30", |_, row| row.age == Some(30)),
    ("age >= 20 AND age < 35", |_, row| row.age.is_some_and(|age| (20..35).contains(&age))),
    ("city = 'Bern' AND age > 40", |_, row| {
        row.city.as_deref() == Some("Bern") && row.age.is_some_and(|age| age > 40)
    }),
    ("tags CONTAINS 't1'", |_, row| row.tags.contains("t1")),
    ("tags CONTAINS 't1' AND age < 50", |_, row| {
        row.tags.contains("t1") && row.age.is_some_and(|age| age < 50)
    }),
    ("tags CONTAINS 't1' AND tags CONTAINS 't2'", |_, row| {
        row.tags.contains("t1") && row.tags.contains("t2")
    }),
    ("props['p'] = 'v1'", |_, row| row.props.get("p").is_some_and(|value| value == "v1")),
    ("keyed CONTAINS KEY 'p'", |_, row| row.props.contains_key("p")),
    ("k = 3 AND city = 'Bern'", |(k, _), row| k == 3 && row.city.as_deref() == Some("Bern")),
    ("k = 3 AND age > 25", |(k, _), row| k == 3 && row.age.is_some_and(|age| age > 25)),
];

const TABLE: [&str; 2] = [
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    // `keyed` holds what `props` holds: a column has one index of a class.
    "CREATE TABLE ks.people (k int, c int, city text, age int, job text, tags set<text>, \
     props map<text, text>, keyed map<text, text>, PRIMARY KEY (k, c))",
];

const INDEXES: [&str; 6] = [
    "CREATE INDEX by_job ON ks.people (job)",
    "CREATE INDEX by_city ON ks.people (city) USING 'sai'",
    "CREATE CUSTOM INDEX by_age ON ks.people (age) USING 'StorageAttachedIndex'",
    "CREATE INDEX by_tag ON ks.people (tags) USING 'sai'",
    "CREATE INDEX by_prop ON ks.people (ENTRIES(props)) USING 'sai'",
    "CREATE INDEX by_key ON ks.people (KEYS(keyed)) USING 'sai'",
];

/// Every restriction finds its rows and no others.
async fn check(session: &Session, rows: &Rows, when: &str) {
    for (restriction, holds) in CASES {
        let text = format!("SELECT k, c FROM ks.people WHERE {restriction}");
        let answer = session.query_unpaged(text, ()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{when}: {restriction}: {error}"));
        let answer = answer.into_rows_result().unwrap();
        let mut found: Vec<(i32, i32)> =
            answer.rows::<(i32, i32)>().unwrap().map(Result::unwrap).collect();
        found.sort_unstable();
        let expected = rows.iter().filter(|(key, row)| holds(**key, row));
        let expected: Vec<(i32, i32)> = expected.map(|(key, _)| *key).collect();
        assert_eq!(found, expected, "{when}: {restriction}");
        assert_eq!(found.is_empty(), restriction.contains("nowhere"), "{when}: {restriction}");
    }
}

/// The table and what it should hold.
struct Model {
    session: Arc<Session>,
    rows: Rows,
}

impl Model {
    async fn run(&self, text: &str) {
        session::run(&self.session, &[text]).await.unwrap();
    }

    /// Writes rows of some partitions, each of its own.
    async fn insert(&mut self, partitions: std::ops::Range<i32>) {
        for k in partitions {
            for c in 0..8 {
                let number = k * 8 + c;
                let city = ["Bern", "Oslo", "Rome"][usize::try_from(number % 3).unwrap()];
                let job = if number % 4 == 0 { "cook" } else { "smith" };
                let (age, tag, prop) = (20 + number % 40, number % 5, number % 7);
                self.run(&format!(
                    "INSERT INTO ks.people (k, c, city, age, job, tags, props, keyed) VALUES \
                     ({k}, {c}, '{city}', {age}, '{job}', {{'t1', 't{tag}'}}, \
                     {{'p': 'v{prop}', 'q{prop}': 'x'}}, {{'p': 'v{prop}', 'q{prop}': 'x'}})"
                ))
                .await;
                let row = Row {
                    city: Some(city.to_owned()),
                    age: Some(age),
                    job: Some(job.to_owned()),
                    tags: ["t1".to_owned(), format!("t{tag}")].into(),
                    props: [
                        ("p".to_owned(), format!("v{prop}")),
                        (format!("q{prop}"), "x".to_owned()),
                    ]
                    .into(),
                };
                self.rows.insert((k, c), row);
            }
        }
    }

    /// Changes and deletes columns, elements, rows and partitions among the first of a span.
    async fn change(&mut self, first: i32) {
        let at = |k: i32, c: i32| format!("WHERE k = {} AND c = {c}", first + k);
        let column = |name: &str| format!("DELETE {name} FROM ks.people");
        for (c, city) in [(0, "Bern"), (1, "Oslo"), (2, "Bern")] {
            self.run(&format!("UPDATE ks.people SET city = '{city}', age = 45 {}", at(0, c))).await;
            let row = self.rows.get_mut(&(first, c)).unwrap();
            (row.city, row.age) = (Some(city.to_owned()), Some(45));
        }
        self.run(&format!("{} {}", column("city"), at(0, 3))).await;
        self.rows.get_mut(&(first, 3)).unwrap().city = None;
        self.run(&format!("UPDATE ks.people SET tags = tags - {{'t1'}} {}", at(0, 4))).await;
        self.rows.get_mut(&(first, 4)).unwrap().tags.remove("t1");
        self.run(&format!("UPDATE ks.people SET tags = tags + {{'t2'}} {}", at(0, 5))).await;
        self.rows.get_mut(&(first, 5)).unwrap().tags.insert("t2".to_owned());
        for (c, value) in [(6, Some("v1")), (7, None)] {
            let props = &mut self.rows.get_mut(&(first, c)).unwrap().props;
            match value {
                Some(value) => props.insert("p".to_owned(), value.to_owned()),
                None => props.remove("p"),
            };
            let value = value.map_or("null".to_owned(), |value| format!("'{value}'"));
            let set = format!("props['p'] = {value}, keyed['p'] = {value}");
            self.run(&format!("UPDATE ks.people SET {set} {}", at(0, c))).await;
        }
        self.run(&format!("DELETE FROM ks.people {}", at(1, 0))).await;
        self.rows.remove(&(first + 1, 0));
        self.run(&format!("DELETE FROM ks.people WHERE k = {} AND c > 5", first + 1)).await;
        self.rows.retain(|(k, c), _| *k != first + 1 || *c <= 5);
        self.run(&format!("DELETE FROM ks.people WHERE k = {}", first + 2)).await;
        self.rows.retain(|(k, _), _| *k != first + 2);
        let conditional = format!("UPDATE ks.people SET job = 'cook' {} IF age > 0", at(3, 1));
        self.run(&conditional).await;
        self.rows.get_mut(&(first + 3, 1)).unwrap().job = Some("cook".to_owned());
    }

    async fn check(&self, when: &str) {
        check(&self.session, &self.rows, when).await;
    }

    /// The cells that hold the table.
    async fn cells(&self) -> Vec<i64> {
        let text = "SELECT cell, keyspaces FROM system_cellar.cells";
        let answer = self.session.query_unpaged(text, ()).await.unwrap();
        let answer = answer.into_rows_result().unwrap();
        let cells = answer.rows::<(i64, Option<Vec<String>>)>().unwrap().map(Result::unwrap);
        let held = cells.filter(|(_, names)| names.iter().flatten().any(|name| name == "ks"));
        held.map(|(cell, _)| cell).collect()
    }
}

#[tokio::test]
async fn indexes_find_exactly_the_rows_after_every_change_a_split_and_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut model = Model { session: server.session().await, rows: Rows::new() };
    session::run(&model.session, &TABLE).await.unwrap();
    model.insert(0..8).await;
    session::run(&model.session, &INDEXES).await.unwrap();
    model.check("while rows that were there are taken in").await;
    model.insert(8..16).await;
    model.check("after rows were added").await;
    model.change(3).await;
    model.change(10).await;
    model.check("after changes").await;

    for cell in model.cells().await {
        let split = cellar(&["cell", "split", &cell.to_string()]).output().unwrap();
        assert!(split.status.success(), "{}", String::from_utf8_lossy(&split.stderr));
    }
    assert!(model.cells().await.len() > 1, "the table lies in several cells");
    model.check("after a split").await;
    model.insert(16..24).await;
    model.change(17).await;
    model.check("after changes in several cells").await;

    let mut running = server;
    for (signal, more) in [("-TERM", 24..28), ("-KILL", 28..32)] {
        running.stop(signal);
        running = Server::start(data.path());
        model.session = running.session().await;
        model.check("after the process began again").await;
        model.insert(more).await;
        model.check("after rows were added to what was there before").await;
    }

    model.run("DROP INDEX ks.by_city").await;
    let refused = model.session.query_unpaged("SELECT k FROM ks.people WHERE city = 'Bern'", ());
    assert!(refused.await.unwrap_err().to_string().contains("ALLOW FILTERING"));
    model.insert(32..34).await;
    model.change(28).await;
    model.run(INDEXES[1]).await;
    model.check("with an index that was dropped and made again").await;
}
