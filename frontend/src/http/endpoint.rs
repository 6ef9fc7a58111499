//! Which resource a path names, and which methods it has.

use hyper::Method;

use super::{problem::HttpError, uri};

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `/v1/query`
    Query,
    /// `/v1/keyspaces`
    Keyspaces,
    /// `/v1/keyspaces/{keyspace}`
    Keyspace(String),
    /// `/v1/keyspaces/{keyspace}/tables/{table}`
    Table(TableName),
    /// `/v1/keyspaces/{keyspace}/tables/{table}/rows/{key…}`
    Rows(TableName, Vec<String>),
    /// `/version`
    Version,
    /// `/livez`
    Live,
    /// `/readyz`
    Ready,
}

/// A table by its names, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName {
    pub(super) keyspace: String,
    pub(super) table: String,
}

impl Endpoint {
    /// The resource of a path, if the method is one of its.
    pub(super) fn find(method: &Method, path: &str) -> Result<Self, HttpError> {
        let segments = uri::segments(path)?;
        let endpoint = Self::named(&segments)
            .ok_or_else(|| HttpError::UnknownPath { path: path.to_owned() })?;
        let allowed = endpoint.methods();
        // HEAD is GET without the body, which hyper leaves out by itself.
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        if !allowed.split(", ").any(|name| name == asked.as_str()) {
            return Err(HttpError::Method { method: method.to_string(), allowed });
        }
        Ok(endpoint)
    }

    fn named(segments: &[String]) -> Option<Self> {
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        Some(match parts.as_slice() {
            ["v1", "query"] => Self::Query,
            ["v1", "keyspaces"] => Self::Keyspaces,
            ["v1", "keyspaces", keyspace] => Self::Keyspace((*keyspace).to_owned()),
            ["v1", "keyspaces", keyspace, "tables", table, rest @ ..] => {
                let keyspace = (*keyspace).to_owned();
                let name = TableName { keyspace, table: (*table).to_owned() };
                match rest {
                    [] => Self::Table(name),
                    ["rows", key @ ..] => {
                        Self::Rows(name, key.iter().copied().map(str::to_owned).collect())
                    }
                    _ => return None,
                }
            }
            ["version"] => Self::Version,
            ["livez"] => Self::Live,
            ["readyz"] => Self::Ready,
            _ => return None,
        })
    }

    /// The methods, as the header `Allow` lists them.
    fn methods(&self) -> &'static str {
        match self {
            Self::Query => "GET, HEAD, POST",
            Self::Rows(..) => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Keyspaces
            | Self::Keyspace(_)
            | Self::Table(_)
            | Self::Version
            | Self::Live
            | Self::Ready => "GET, HEAD",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: Method, path: &str) -> Result<Endpoint, u16> {
        Endpoint::find(&method, path).map_err(|error| error.status())
    }

    #[test]
    fn paths_name_resources() {
        let name = |keyspace: &str, table: &str| TableName {
            keyspace: keyspace.to_owned(),
            table: table.to_owned(),
        };
        let table = "/v1/keyspaces/ks/tables/t";
        assert_eq!(find(Method::POST, "/v1/query"), Ok(Endpoint::Query));
        assert_eq!(find(Method::GET, "/v1/keyspaces/"), Ok(Endpoint::Keyspaces));
        assert_eq!(find(Method::GET, "/v1/keyspaces/a%20b"), Ok(Endpoint::Keyspace("a b".into())));
        assert_eq!(find(Method::GET, table), Ok(Endpoint::Table(name("ks", "t"))));
        assert_eq!(
            find(Method::PUT, &format!("{table}/rows/a%2Fb/7")),
            Ok(Endpoint::Rows(name("ks", "t"), vec!["a/b".into(), "7".into()]))
        );
        assert_eq!(
            find(Method::GET, &format!("{table}/rows")),
            Ok(Endpoint::Rows(name("ks", "t"), Vec::new()))
        );
        assert_eq!(find(Method::HEAD, "/livez"), Ok(Endpoint::Live));
    }

    #[test]
    fn unknown_paths_are_404_and_unknown_methods_405() {
        for path in ["/", "/v1", "/v2/query", "/v1/keyspaces/k/tables", "/v1/query/x"] {
            assert_eq!(find(Method::GET, path), Err(404), "{path}");
        }
        assert_eq!(find(Method::DELETE, "/v1/query"), Err(405));
        assert_eq!(find(Method::POST, "/v1/keyspaces/k/tables/t/rows/1"), Err(405));
        assert_eq!(find(Method::GET, "/v1/%zz"), Err(400));
    }
}
