//! The tables that statements are generated for: one keyspace of types and tables per seed.

use std::rc::Rc;

use fastrand::Rng;

use super::types::{self, SCALARS, Type, Udt, percent, pick};

/// What a column is in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Partition,
    Clustering { descending: bool },
    Static,
    Regular,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) part: Part,
    pub(super) of: Type,
}

/// A table that both sides have.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) keyspace: String,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Statements with conditions write here, and then no statement gives a time.
    pub(super) conditional: bool,
}

impl Table {
    pub(super) fn partition(&self) -> Vec<&Column> {
        self.columns.iter().filter(|column| column.part == Part::Partition).collect()
    }

    pub(super) fn clustering(&self) -> Vec<&Column> {
        let is = |column: &&Column| matches!(column.part, Part::Clustering { .. });
        self.columns.iter().filter(is).collect()
    }

    pub(super) fn statics(&self) -> Vec<&Column> {
        self.columns.iter().filter(|column| column.part == Part::Static).collect()
    }

    /// The columns outside the key.
    pub(super) fn values(&self) -> Vec<&Column> {
        let is = |column: &&Column| matches!(column.part, Part::Static | Part::Regular);
        self.columns.iter().filter(is).collect()
    }

    pub(super) fn has_counters(&self) -> bool {
        self.columns.iter().any(|column| column.of.is("counter"))
    }

    /// The statement that creates it.
    pub(super) fn create(&self) -> String {
        let names = |columns: &[&Column]| -> String {
            columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let mut text = format!("CREATE TABLE {} (", self.name);
        for column in &self.columns {
            let mark = if column.part == Part::Static { " static" } else { "" };
            text += &format!("{} {}{mark}, ", column.name, column.of);
        }
        let clustering = self.clustering();
        text += &format!("PRIMARY KEY (({})", names(&self.partition()));
        if !clustering.is_empty() {
            text += &format!(", {}", names(&clustering));
        }
        text += "))";
        let descends = |column: &&Column| column.part == Part::Clustering { descending: true };
        if clustering.iter().any(descends) {
            let orders: Vec<_> = clustering
                .iter()
                .map(|column| {
                    format!("{} {}", column.name, if descends(column) { "DESC" } else { "ASC" })
                })
                .collect();
            text += &format!(" WITH CLUSTERING ORDER BY ({})", orders.join(", "));
        }
        text
    }

    /// The statement that reads what the schema tables tell of it.
    pub(super) fn described(&self) -> String {
        format!(
            "SELECT column_name, clustering_order, kind, position, type \
             FROM system_schema.columns WHERE keyspace_name = '{}' AND table_name = '{}'",
            self.keyspace,
            self.name.trim_matches('"')
        )
    }

    /// The statement that reads everything a write can change.
    pub(super) fn everything(&self) -> String {
        let mut selected: Vec<String> =
            self.columns.iter().map(|column| column.name.clone()).collect();
        if !self.has_counters() {
            for column in self.values() {
                let name = &column.name;
                selected.push(format!("writetime({name})"));
                selected.push(format!("ttl({name})"));
            }
        }
        format!("SELECT {} FROM {}", selected.join(", "), self.name)
    }
}

/// A keyspace of types and tables.
pub(super) struct Schema {
    pub(super) udts: Vec<Rc<Udt>>,
    pub(super) tables: Vec<Table>,
}

impl Schema {
    /// The statements that create the types, in order.
    pub(super) fn create_types(&self) -> Vec<String> {
        let of = |udt: &Rc<Udt>| {
            let fields: Vec<_> =
                udt.fields.iter().map(|(name, of)| format!("{name} {of}")).collect();
            format!("CREATE TYPE {} ({})", udt.name, fields.join(", "))
        };
        self.udts.iter().map(of).collect()
    }

    pub(super) fn generate(rng: &mut Rng, keyspace: &str) -> Schema {
        let udts = udts(rng);
        let mut tables = vec![
            all_scalars(),
            keyed(rng, "rows1", &udts, false),
            keyed(rng, "rows2", &udts, false),
            collections(rng, &udts),
            counters(rng),
            keyed(rng, "lwt", &udts, true),
        ];
        for table in &mut tables {
            keyspace.clone_into(&mut table.keyspace);
            if percent(rng, 10) {
                table.name = format!("\"{}Q\"", table.name);
            }
        }
        Schema { udts, tables }
    }
}

fn udts(rng: &mut Rng) -> Vec<Rc<Udt>> {
    let int = || Type::Scalar("int");
    let address = Rc::new(Udt {
        name: "address",
        fields: vec![
            ("street", Type::Scalar("text")),
            ("number", int()),
            ("since", types::scalar(rng)),
        ],
    });
    let person = Rc::new(Udt {
        name: "person",
        fields: vec![
            ("name", Type::Scalar("text")),
            ("home", Type::Frozen(Box::new(Type::Udt(Rc::clone(&address))))),
            ("marks", Type::Frozen(Box::new(Type::Set(Box::new(int()))))),
        ],
    });
    vec![address, person]
}

fn column(name: impl Into<String>, part: Part, of: Type) -> Column {
    Column { name: name.into(), part, of }
}

/// A table with one column of every scalar type.
fn all_scalars() -> Table {
    let mut columns = vec![column("k", Part::Partition, Type::Scalar("int"))];
    columns.push(column("c", Part::Clustering { descending: false }, Type::Scalar("int")));
    let values = SCALARS.iter().enumerate();
    columns.extend(
        values.map(|(at, name)| column(format!("v{at}"), Part::Regular, Type::Scalar(name))),
    );
    Table { keyspace: String::new(), name: "scalars".into(), columns, conditional: false }
}

/// A table with keys of any shape.
fn keyed(rng: &mut Rng, name: &str, udts: &[Rc<Udt>], conditional: bool) -> Table {
    let mut columns = Vec::new();
    for at in 0..*pick(rng, &[1, 1, 1, 2, 2, 3]).unwrap_or(&1) {
        columns.push(column(format!("p{at}"), Part::Partition, types::key(rng)));
    }
    for at in 0..*pick(rng, &[0, 1, 1, 2, 2, 2, 3]).unwrap_or(&1) {
        let part = Part::Clustering { descending: percent(rng, 40) };
        columns.push(column(format!("c{at}"), part, types::key(rng)));
    }
    let clustered = columns.iter().any(|column| matches!(column.part, Part::Clustering { .. }));
    let mut value = |rng: &mut Rng, name: String, part| {
        let of = match rng.u8(..100) {
            0..=39 => Type::Scalar(if rng.bool() { "int" } else { "text" }),
            40..=79 => types::scalar(rng),
            _ => types::composite(rng, udts),
        };
        columns.push(column(name, part, of));
    };
    if clustered {
        for at in 0..rng.usize(..3) {
            value(rng, format!("s{at}"), Part::Static);
        }
    }
    for at in 0..rng.usize(1..5) {
        value(rng, format!("v{at}"), Part::Regular);
    }
    Table { keyspace: String::new(), name: name.into(), columns, conditional }
}

/// A table of collections, tuples, vectors and user-defined types.
fn collections(rng: &mut Rng, udts: &[Rc<Udt>]) -> Table {
    let of = |name: &'static str| Box::new(Type::Scalar(name));
    let mut columns = vec![
        column("k", Part::Partition, Type::Scalar("int")),
        column("c", Part::Clustering { descending: rng.bool() }, Type::Scalar("int")),
        column("l", Part::Regular, Type::List(of("int"))),
        column("s", Part::Regular, Type::Set(of("text"))),
        column(
            "m",
            Part::Regular,
            Type::Map(Box::new((Type::Scalar("text"), Type::Scalar("int")))),
        ),
        column("v", Part::Regular, Type::Vector(of("float"), 3)),
    ];
    for at in 0..5 {
        columns.push(column(format!("x{at}"), Part::Regular, types::composite(rng, udts)));
    }
    columns.push(column("st", Part::Static, types::composite(rng, udts)));
    Table { keyspace: String::new(), name: "colls".into(), columns, conditional: false }
}

fn counters(rng: &mut Rng) -> Table {
    let counter = || Type::Scalar("counter");
    let mut columns = vec![
        column("k", Part::Partition, types::key(rng)),
        column("c", Part::Clustering { descending: rng.bool() }, types::key(rng)),
        column("n1", Part::Regular, counter()),
        column("n2", Part::Regular, counter()),
    ];
    if rng.bool() {
        columns.push(column("ns", Part::Static, counter()));
    }
    Table { keyspace: String::new(), name: "counts".into(), columns, conditional: false }
}
