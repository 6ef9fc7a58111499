//! Every setting there is: its name, default and flag. The one list that all layers share.

use clap::Args;

/// One setting: its key in files, its default.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
}

/// Settings whose values are not shown.
pub(crate) const SECRET: &[&str] = &["superuser-password"];

/// All settings in the order they are shown. An empty default means: derived or off.
pub(super) const KEYS: &[Key] = &[
    Key { name: "data", default: "./cellar-data" },
    Key { name: "cql", default: "127.0.0.1:9042" },
    Key { name: "http", default: "127.0.0.1:8080" },
    Key { name: "admin", default: "127.0.0.1:9080" },
    Key { name: "listen", default: "" },
    Key { name: "advertise", default: "" },
    Key { name: "metadata", default: "127.0.0.1:7100" },
    Key { name: "object-store", default: "" },
    Key { name: "s3-endpoint", default: "" },
    Key { name: "object-store-region", default: "" },
    Key { name: "datacenter", default: "dc1" },
    Key { name: "rack", default: "rack1" },
    Key { name: "region", default: "local" },
    Key { name: "cell-split-bytes", default: "8GiB" },
    Key { name: "cell-split-requests-per-s", default: "20000" },
    Key { name: "disk-reserve-bytes", default: "256MiB" },
    Key { name: "disk-stall-ms", default: "5000" },
    Key { name: "balance", default: "on" },
    Key { name: "replace-after-s", default: "60" },
    Key { name: "authentication", default: "none" },
    Key { name: "superuser-password", default: "cassandra" },
    Key { name: "member", default: "" },
    Key { name: "now", default: "" },
];

/// The flags, which lie above all other layers.
#[derive(Debug, Default, Args)]
pub(crate) struct Flags {
    /// Folder of everything durable.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    /// Where CQL is served.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    cql: Option<String>,
    /// Where HTTP is served.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    http: Option<String>,
    /// Where health, metrics and admin are served.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    admin: Option<String>,
    /// Where a process answers the others; default: a port of its role, or a free one beside CQL
    /// for a frontend.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The address that others reach `listen` by, where it differs.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    advertise: Option<String>,
    /// The members of the metadata service, always in the same order: 1, 3 or 5 of them. For
    /// `cluster`: how many.
    #[arg(long, global = true, value_name = "HOST:PORT[,HOST:PORT…]")]
    metadata: Option<String>,
    /// Where cold segments go; default: `file:` below the data folder.
    #[arg(long, global = true, value_name = "file:DIR|s3://BUCKET/PREFIX")]
    object_store: Option<String>,
    /// Endpoint of an S3-compatible store other than AWS.
    #[arg(long, global = true, value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Region of the object store, told to the metadata service: tables whose keyspace must stay in
    /// another region are not tiered.
    #[arg(long, global = true, value_name = "NAME")]
    object_store_region: Option<String>,
    /// Data center name that drivers see.
    #[arg(long, global = true, value_name = "NAME")]
    datacenter: Option<String>,
    /// Rack or availability zone of this process.
    #[arg(long, visible_alias = "zone", global = true, value_name = "NAME")]
    rack: Option<String>,
    /// Region of this process.
    #[arg(long, global = true, value_name = "NAME")]
    region: Option<String>,
    /// Hot bytes from which a cell splits in two, such as 64MiB.
    #[arg(long, global = true, value_name = "SIZE")]
    cell_split_bytes: Option<String>,
    /// Requests per second that one cell may take for ten seconds before it splits in two.
    #[arg(long, global = true, value_name = "NUMBER")]
    cell_split_requests_per_s: Option<String>,
    /// Room on a node's disk, such as 256MiB, below which it refuses writes; at most a twentieth of
    /// the disk.
    #[arg(long, global = true, value_name = "SIZE")]
    disk_reserve_bytes: Option<String>,
    /// Milliseconds that a write to a node's log may take until other nodes take over leading.
    #[arg(long, global = true, value_name = "MILLISECONDS")]
    disk_stall_ms: Option<String>,
    /// Whether the metadata service moves and merges cells and replaces lost replicas by itself.
    #[arg(long, global = true, value_name = "on|off")]
    balance: Option<String>,
    /// Seconds that a node is out of touch before its replicas are replaced.
    #[arg(long, global = true, value_name = "SECONDS")]
    replace_after_s: Option<String>,
    /// Whether clients must log in with the name and password of a role; then permissions hold.
    #[arg(long, global = true, value_name = "none|password")]
    authentication: Option<String>,
    /// Password that the first superuser, `cassandra`, is made with; better given in the
    /// environment, as CELLAR__SUPERUSER_PASSWORD.
    #[arg(long, global = true, value_name = "TEXT")]
    superuser_password: Option<String>,
    /// Number of this member of the metadata service, for one that joins a running service.
    #[arg(long, global = true, value_name = "NUMBER")]
    member: Option<String>,
    /// Wall clock at start, so that ageing can be tested (RFC 3339).
    #[arg(long, global = true, value_name = "TIME")]
    now: Option<String>,
}

impl Flags {
    /// Takes the flag away that means a number for `cluster` and addresses for everybody else.
    pub(crate) fn take_metadata(&mut self) -> Option<String> {
        self.metadata.take()
    }

    /// The flags that were given, by key.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("data", &self.data),
            ("cql", &self.cql),
            ("http", &self.http),
            ("admin", &self.admin),
            ("listen", &self.listen),
            ("advertise", &self.advertise),
            ("metadata", &self.metadata),
            ("object-store", &self.object_store),
            ("s3-endpoint", &self.s3_endpoint),
            ("object-store-region", &self.object_store_region),
            ("datacenter", &self.datacenter),
            ("rack", &self.rack),
            ("region", &self.region),
            ("cell-split-bytes", &self.cell_split_bytes),
            ("cell-split-requests-per-s", &self.cell_split_requests_per_s),
            ("disk-reserve-bytes", &self.disk_reserve_bytes),
            ("disk-stall-ms", &self.disk_stall_ms),
            ("balance", &self.balance),
            ("replace-after-s", &self.replace_after_s),
            ("authentication", &self.authentication),
            ("superuser-password", &self.superuser_password),
            ("member", &self.member),
            ("now", &self.now),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| (key, value)))
    }
}

/// The known key that a wrong one was probably meant to be, as a sentence, or nothing.
pub(super) fn suggestion(wrong: &str) -> String {
    let nearest = KEYS
        .iter()
        .map(|key| (strsim::damerau_levenshtein(wrong, key.name), key.name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, name)) => format!("; did you mean `{name}`?"),
        None => {
            let all: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            format!("; known settings: {}", all.join(", "))
        }
    }
}
