//! Logins, roles and permissions, as a client of the native protocol and of HTTP meets them.

mod http;
mod service;
mod session;

use cellar_frontend::access::Authentication;
use cellar_wire::{ErrorBody, Response};

use self::{service::Service, session::Session};

const KEYSPACE: &str = "CREATE KEYSPACE ks WITH replication = \
    {'class': 'SimpleStrategy', 'replication_factor': 1}";
const TABLE: &str = "CREATE TABLE ks.t (k int PRIMARY KEY, v int)";
/// The hash of 'pw', with one iteration only, so that tests need not wait for it.
const USER: &str = "CREATE ROLE u WITH LOGIN = true AND HASHED PASSWORD = \
    '$pbkdf2-sha512$i=1$MDEyMzQ1Njc4OWFiY2RlZg$Y7jC86CbgxP3gXcXA8vJn8QsO8JG0TALCNgbuxd91FA'";

/// A service with the table `ks.t` and the user `u`, the superuser's session and the user's.
async fn with_user() -> (Service, Session, Session) {
    let service = Service::start(Authentication::Password).await;
    let mut root = Session::of(&service, "cassandra", "first").await;
    root.run(&[KEYSPACE, TABLE, USER]).await;
    let user = Session::of(&service, "u", "pw").await;
    (service, root, user)
}

#[tokio::test]
async fn nothing_is_served_before_the_right_name_and_password() {
    let service = Service::start(Authentication::Password).await;
    let (mut session, first) = Session::open(&service).await;
    let authenticator = "org.apache.cassandra.auth.PasswordAuthenticator".to_owned();
    assert_eq!(first, Response::Authenticate(authenticator));
    let early = session.query("SELECT release_version FROM system.local").await;
    assert!(matches!(early, Response::Error(ErrorBody::ProtocolError(_))), "{early:?}");
    for (name, password) in [("cassandra", "cassandra"), ("nobody", "first")] {
        let message = format!("Provided username {name} and/or password are incorrect");
        let refused = Response::Error(ErrorBody::BadCredentials(message));
        assert_eq!(session.log_in(name, password).await, refused);
    }
    assert_eq!(session.log_in("cassandra", "first").await, Response::AuthSuccess(None));
    session.run(&["SELECT release_version FROM system.local"]).await;
    let again = session.log_in("cassandra", "first").await;
    assert!(matches!(again, Response::Error(ErrorBody::ProtocolError(_))), "{again:?}");
}

#[tokio::test]
async fn a_role_that_brings_its_hash_of_bcrypt_logs_in_with_the_password_it_had() {
    let (service, mut root, _user) = with_user().await;
    // Of 'secret' and of 'pass word'.
    root.run(&[
        "CREATE ROLE r WITH LOGIN = true AND HASHED PASSWORD = \
         '$2a$04$0A4iIUfEKG2pO/.6X87yd.HJEYlG4319nQAQ0U6FzJ.uT160BIdZm'",
        "CREATE USER old WITH HASHED PASSWORD \
         '$2a$10$m41AylyuFQHYKmPHeGXHMO46Cwa3JWXiSDWPfYbDH6emXw65za/SG'",
    ])
    .await;
    let (mut session, _) = Session::open(&service).await;
    assert!(matches!(session.log_in("r", "secre").await, Response::Error(_)));
    assert_eq!(session.log_in("r", "secret").await, Response::AuthSuccess(None));
    Session::of(&service, "old", "pass word").await;
    let made_up = "ALTER ROLE r WITH HASHED PASSWORD = 'secret'";
    let refused = root.invalid(made_up).await;
    assert!(refused.starts_with("Invalid hashed password value"), "{refused}");
    root.run(&["ALTER ROLE r WITH PASSWORD = 'other'"]).await;
    Session::of(&service, "r", "other").await;
}

#[tokio::test]
async fn a_role_without_login_and_a_changed_password_do_not_let_in() {
    let (service, mut root, _user) = with_user().await;
    root.run(&["CREATE ROLE closed WITH PASSWORD = 'pw'", "ALTER ROLE u WITH PASSWORD = 'new'"])
        .await;
    let (mut session, _) = Session::open(&service).await;
    let message = "closed is not permitted to log in".to_owned();
    let refused = Response::Error(ErrorBody::BadCredentials(message));
    assert_eq!(session.log_in("closed", "pw").await, refused);
    assert!(matches!(session.log_in("u", "pw").await, Response::Error(_)));
    assert_eq!(session.log_in("u", "new").await, Response::AuthSuccess(None));
}

#[tokio::test]
async fn every_statement_needs_its_permission() {
    let (_service, mut root, mut user) = with_user().await;
    for (statement, permission, on, grant_on) in [
        ("SELECT * FROM ks.t", "SELECT", "<table ks.t>", "ks.t"),
        ("INSERT INTO ks.t (k) VALUES (1)", "MODIFY", "<table ks.t>", "KEYSPACE ks"),
        ("TRUNCATE ks.t", "MODIFY", "<table ks.t>", "ALL TABLES IN KEYSPACE ks"),
        ("ALTER TABLE ks.t ADD w int", "ALTER", "<table ks.t>", "TABLE ks.t"),
        ("CREATE TABLE ks.u (k int PRIMARY KEY)", "CREATE", "<all tables in ks>", "KEYSPACE ks"),
        ("DROP TABLE ks.t", "DROP", "<table ks.t>", "ALL KEYSPACES"),
        ("CREATE TYPE ks.ty (a int)", "CREATE", "<all tables in ks>", "ALL KEYSPACES"),
        ("DROP TYPE ks.ty", "DROP", "<all tables in ks>", "KEYSPACE ks"),
        ("ALTER KEYSPACE ks WITH durable_writes = false", "ALTER", "<keyspace ks>", "KEYSPACE ks"),
        ("DROP KEYSPACE ks", "DROP", "<keyspace ks>", "KEYSPACE ks"),
    ] {
        let expected =
            format!("User u has no {permission} permission on {on} or any of its parents");
        assert_eq!(user.unauthorized(statement).await, expected);
        root.run(&[&format!("GRANT {permission} ON {grant_on} TO u")]).await;
        user.run(&[statement]).await;
        if !statement.starts_with("DROP KEYSPACE") {
            root.run(&[&format!("REVOKE {permission} ON {grant_on} FROM u")]).await;
        }
    }
}

#[tokio::test]
async fn a_condition_needs_select_and_a_batch_the_permission_of_each_statement() {
    let (_service, mut root, mut user) = with_user().await;
    root.run(&["CREATE TABLE ks.other (k int PRIMARY KEY)", "GRANT MODIFY ON ks.t TO u"]).await;
    let refused = user.unauthorized("INSERT INTO ks.t (k) VALUES (1) IF NOT EXISTS").await;
    assert!(refused.contains("no SELECT permission on <table ks.t>"), "{refused}");
    let (mine, theirs) = ("INSERT INTO ks.t (k) VALUES (1)", "INSERT INTO ks.other (k) VALUES (1)");
    let both = format!("BEGIN UNLOGGED BATCH {mine}; {theirs}; APPLY BATCH");
    assert!(user.unauthorized(&both).await.contains("<table ks.other>"));
    assert_eq!(user.batch(&[mine]).await, Response::ResultVoid);
    let refused = user.batch(&[mine, theirs]).await;
    assert!(matches!(refused, Response::Error(ErrorBody::Unauthorized(_))), "{refused:?}");
}

#[tokio::test]
async fn a_revoked_permission_ends_prepared_statements_at_once() {
    let (_service, mut root, mut user) = with_user().await;
    root.run(&["GRANT MODIFY ON KEYSPACE ks TO u"]).await;
    let id = user.prepare("INSERT INTO ks.t (k, v) VALUES (1, 2)").await;
    assert_eq!(user.execute(&id).await, Response::ResultVoid);
    root.run(&["REVOKE MODIFY ON KEYSPACE ks FROM u"]).await;
    let refused = user.execute(&id).await;
    assert!(matches!(refused, Response::Error(ErrorBody::Unauthorized(_))), "{refused:?}");
    // Through a role of a role it is there again.
    root.run(&[
        "CREATE ROLE writers",
        "CREATE ROLE staff",
        "GRANT MODIFY ON ks.t TO writers",
        "GRANT writers TO staff",
        "GRANT staff TO u",
    ])
    .await;
    assert_eq!(user.execute(&id).await, Response::ResultVoid);
    root.run(&["REVOKE writers FROM staff"]).await;
    assert!(matches!(user.execute(&id).await, Response::Error(ErrorBody::Unauthorized(_))));
}

#[tokio::test]
async fn who_makes_a_table_may_do_everything_with_it_and_loses_that_with_the_table() {
    let (_service, mut root, mut user) = with_user().await;
    root.run(&["GRANT CREATE ON KEYSPACE ks TO u"]).await;
    user.run(&["CREATE TABLE ks.own (k int PRIMARY KEY)", "INSERT INTO ks.own (k) VALUES (1)"])
        .await;
    let (_, listed) = user.texts("LIST ALL PERMISSIONS ON ks.own OF u NORECURSIVE").await;
    let permissions: Vec<&str> = listed.iter().map(|row| row[3].as_str()).collect();
    let all = ["ALTER", "DROP", "SELECT", "MODIFY", "AUTHORIZE", "UNMASK", "SELECT_MASKED"];
    assert_eq!(permissions, all);
    user.run(&["DROP TABLE ks.own"]).await;
    root.run(&["CREATE TABLE ks.own (k int PRIMARY KEY)"]).await;
    assert!(user.unauthorized("SELECT * FROM ks.own").await.contains("<table ks.own>"));
}

#[tokio::test]
async fn roles_are_managed_by_who_may_in_the_words_of_cassandra() {
    let (_service, mut root, mut user) = with_user().await;
    let insufficient =
        "User u does not have sufficient privileges to perform the requested operation";
    for statement in [
        "CREATE ROLE r",
        "DROP ROLE cassandra",
        "ALTER ROLE cassandra WITH PASSWORD = 'x'",
        "GRANT cassandra TO u",
    ] {
        assert_eq!(user.unauthorized(statement).await, insufficient);
    }
    for (statement, words) in [
        ("ALTER ROLE u WITH SUPERUSER = true", "You aren't allowed to alter your own superuser"),
        ("ALTER ROLE cassandra WITH SUPERUSER = false", "Only superusers are allowed to alter"),
        ("ALTER ROLE u WITH LOGIN = false", "You aren't allowed to alter LOGIN"),
        ("LIST ROLES OF cassandra", "You are not authorized to view roles granted to cassandra"),
        ("LIST ALL PERMISSIONS", "You are not authorized to view everyone's permissions"),
        ("LIST SUPERUSERS", "You are not authorized to view superuser details"),
        ("SELECT * FROM system_auth.roles", "no SELECT permission on <table system_auth.roles>"),
    ] {
        let message = user.unauthorized(statement).await;
        assert!(message.contains(words), "{statement}: {message}");
    }
    user.run(&["ALTER ROLE u WITH PASSWORD = 'mine'"]).await;
    root.run(&["GRANT CREATE ON ALL ROLES TO u"]).await;
    let super_made = user.unauthorized("CREATE ROLE r WITH SUPERUSER = true").await;
    assert_eq!(super_made, "Only superusers can create a role with superuser status");
    user.run(&["CREATE ROLE mine", "ALTER ROLE mine WITH LOGIN = true", "DROP ROLE mine"]).await;
    for (statement, words) in [
        ("CREATE ROLE u", "u already exists"),
        ("DROP ROLE nobody", "nobody doesn't exist"),
        ("ALTER ROLE u", "ALTER [ROLE|USER] can't be empty"),
        ("GRANT SELECT ON ks.no TO u", "Resource <table ks.no> doesn't exist"),
        ("GRANT u TO u", "u is already a member of u"),
        ("DROP ROLE cassandra", "Cannot DROP primary role for current login"),
        ("LIST ROLES OF nobody", "<role nobody> doesn't exist"),
    ] {
        assert_eq!(root.invalid(statement).await, words);
    }
    let nonsense = root.query("GRANT EXECUTE ON ks.t TO u").await;
    assert!(matches!(nonsense, Response::Error(ErrorBody::SyntaxError(_))), "{nonsense:?}");
}

#[tokio::test]
async fn lists_have_the_columns_of_cassandra() {
    let (_service, mut root, mut user) = with_user().await;
    root.run(&["CREATE ROLE r", "GRANT r TO u", "GRANT SELECT ON ks.t TO r"]).await;
    let (names, rows) = root.texts("LIST ROLES").await;
    assert_eq!(names, ["role", "super", "login", "options", "datacenters"]);
    let roles: Vec<(&str, &str)> = rows.iter().map(|row| (&*row[0], &*row[4])).collect();
    assert_eq!(roles, [("cassandra", "ALL"), ("r", "n/a"), ("u", "ALL")]);
    let (names, rows) = root.texts("LIST USERS").await;
    assert_eq!(names, ["name", "super", "datacenters"]);
    assert_eq!(rows.len(), 2);
    let (_, rows) = root.texts("LIST SUPERUSERS").await;
    assert_eq!(rows, [["cassandra"]]);
    let (names, rows) = user.texts("LIST SELECT ON ks.t OF u").await;
    assert_eq!(names, ["role", "username", "resource", "permission"]);
    assert_eq!(rows, [["r", "r", "<table ks.t>", "SELECT"]]);
    assert_eq!(root.query("LIST MODIFY ON ks.t OF r").await, Response::ResultVoid);
    let (_, rows) = user.texts("LIST ROLES OF u").await;
    assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["r", "u"]);
    let (_, rows) = root.texts("SELECT role, resource FROM system_auth.role_permissions").await;
    assert!(rows.contains(&vec!["r".to_owned(), "data/ks/t".to_owned()]), "{rows:?}");
    let (_, rows) = root.texts("SELECT salted_hash FROM system_auth.roles").await;
    assert!(rows.iter().all(|row| row[0].is_empty()), "{rows:?}");
}

#[tokio::test]
async fn without_authentication_everybody_manages_roles_and_nothing_is_refused() {
    let service = Service::start(Authentication::None).await;
    let (mut session, first) = Session::open(&service).await;
    assert_eq!(first, Response::Ready);
    session.run(&[KEYSPACE, TABLE, USER, "GRANT SELECT ON ks.t TO u", "SELECT * FROM ks.t"]).await;
    let (_, rows) = session.texts("LIST ALL PERMISSIONS OF u").await;
    assert_eq!(rows, [["u", "u", "<table ks.t>", "SELECT"]]);
    session.run(&["DROP ROLE u"]).await;
    assert_eq!(session.query("LIST ROLES").await, Response::ResultVoid);
}

#[tokio::test]
async fn a_role_of_other_data_centres_may_log_in_and_do_nothing() {
    let (service, mut root, mut user) = with_user().await;
    let unknown = root.invalid("ALTER ROLE u WITH ACCESS TO DATACENTERS {'mars'}").await;
    assert!(unknown.contains("Invalid value(s) for DATACENTERS '[mars]'"), "{unknown}");
    root.run(&["ALTER ROLE u WITH ACCESS TO DATACENTERS {'dc1'}"]).await;
    user.run(&["SELECT key FROM system.local"]).await;
    drop(service);
}
