//! Roles and permissions: what is accepted, what is refused and with which words, and what becomes
//! of them when the schema changes and when the state is written down and read again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use std::{collections::BTreeSet, sync::Arc};

use cellar_metadata_api::{
    Answer, Catalog, Command, Granted, MetadataError, NewRole, Permission, Resource, RoleChange,
    RoleCommand, Secret,
};
use cellar_metadata_raft::State;
use cellar_schema::CqlType;
use harness::*;

fn role(command: RoleCommand) -> Command {
    Command::Role(command)
}

fn create(name: &str, role: NewRole) -> Command {
    let name = name.to_owned();
    Command::Role(RoleCommand::Create { name, role, if_not_exists: false, creator: None })
}

fn plain(name: &str) -> Command {
    create(name, NewRole::default())
}

fn drop(name: &str, if_exists: bool) -> Command {
    role(RoleCommand::Drop { name: name.to_owned(), if_exists })
}

fn membership(grant: bool, role: &str, member: &str) -> Command {
    let (role, member) = (role.to_owned(), member.to_owned());
    Command::Role(RoleCommand::Membership { role, member, grant })
}

fn permissions(grant: bool, which: &[Permission], resource: &Resource, to: &str) -> Command {
    let permissions: BTreeSet<Permission> = which.iter().copied().collect();
    let (role, resource) = (to.to_owned(), resource.clone());
    Command::Role(RoleCommand::Permissions { role, resource, permissions, grant, all: false })
}

fn table(name: &str) -> Resource {
    Resource::Table("ks".to_owned(), name.to_owned())
}

fn warned(state: &mut State, command: &Command) -> Vec<String> {
    match state.execute(command) {
        Ok(Answer::Schema { change: None, warnings, .. }) => warnings,
        other => panic!("{other:?}"),
    }
}

fn refused(state: &mut State, command: &Command) -> String {
    match state.execute(command) {
        Err(MetadataError::Invalid { message }) => message,
        other => panic!("{other:?}"),
    }
}

/// A state with the keyspace `ks` and these roles.
fn with_roles(names: &[&str]) -> State {
    let mut state = state();
    for name in names {
        run(&mut state, &plain(name));
    }
    state
}

fn may(state: &State, name: &str, permission: Permission, on: &Resource) -> bool {
    Granted::to(name, &state.catalog().roles).allows(permission, on)
}

#[test]
fn a_role_is_made_changed_and_dropped_in_the_words_of_cassandra() {
    let mut state = with_roles(&["r"]);
    assert_eq!(refused(&mut state, &plain("r")), "r already exists");
    assert_eq!(refused(&mut state, &plain("")), "Role name can't be an empty string");
    let change = RoleChange { login: Some(true), ..RoleChange::default() };
    let alter = |name: &str, if_exists| {
        let (name, change) = (name.to_owned(), change.clone());
        role(RoleCommand::Alter { name, change, if_exists })
    };
    assert_eq!(refused(&mut state, &alter("x", false)), "Role x doesn't exist");
    assert_eq!(warned(&mut state, &alter("x", true)), Vec::<String>::new());
    run(&mut state, &alter("r", false));
    assert!(state.catalog().roles.get("r").unwrap().login);
    assert_eq!(refused(&mut state, &drop("x", false)), "x doesn't exist");
    let version = state.catalog().version;
    run(&mut state, &drop("x", true));
    assert_eq!(state.catalog().version, version);
    run(&mut state, &drop("r", false));
    assert!(state.catalog().roles.is_empty());
}

#[test]
fn the_first_superuser_is_made_only_while_there_is_no_role() {
    let mut state = state();
    let begin = |name: &str| {
        let secret = Secret("hash".to_owned());
        role(RoleCommand::Begin { name: name.to_owned(), secret })
    };
    run(&mut state, &begin("cassandra"));
    run(&mut state, &begin("other"));
    let roles = &state.catalog().roles;
    assert_eq!(roles.keys().collect::<Vec<_>>(), ["cassandra"]);
    assert!(roles.values().all(|role| role.superuser && role.login));
}

#[test]
fn membership_makes_no_rings_and_is_given_and_taken_once() {
    let mut state = with_roles(&["a", "b", "c"]);
    run(&mut state, &membership(true, "a", "b"));
    run(&mut state, &membership(true, "b", "c"));
    for (command, words) in [
        (membership(true, "a", "b"), "b is already a member of a"),
        (membership(true, "a", "c"), "c is already a member of a"),
        (membership(true, "c", "a"), "c is a member of a"),
        (membership(true, "a", "a"), "a is already a member of a"),
        (membership(false, "a", "c"), "c is not a member of a"),
        (membership(true, "x", "a"), "x doesn't exist"),
        (membership(true, "a", "x"), "x doesn't exist"),
    ] {
        assert_eq!(refused(&mut state, &command), words);
    }
    run(&mut state, &membership(false, "a", "b"));
    assert!(state.catalog().roles.get("b").unwrap().member_of.is_empty());
}

#[test]
fn what_was_granted_already_and_what_was_not_is_told_as_a_warning() {
    let mut state = with_roles(&["r"]);
    let ks = Resource::Keyspace("ks".to_owned());
    let select = [Permission::Select];
    let both = [Permission::Select, Permission::Modify];
    assert!(warned(&mut state, &permissions(true, &select, &ks, "r")).is_empty());
    assert_eq!(
        warned(&mut state, &permissions(true, &both, &ks, "r")),
        ["Role 'r' was already granted SELECT on <keyspace ks>"]
    );
    assert!(may(&state, "r", Permission::Modify, &table("t")));
    run(&mut state, &permissions(false, &select, &ks, "r"));
    assert_eq!(
        warned(&mut state, &permissions(false, &both, &ks, "r")),
        ["Role 'r' was not granted SELECT on <keyspace ks>"]
    );
    assert!(state.catalog().roles.get("r").unwrap().permissions.is_empty());
}

#[test]
fn permissions_need_their_role_and_their_resource() {
    let mut state = with_roles(&["r"]);
    let select = [Permission::Select];
    for (resource, to, words) in [
        (Resource::AllKeyspaces, "x", "Role x doesn't exist"),
        (table("no"), "r", "Resource <table ks.no> doesn't exist"),
        (Resource::Keyspace("no".to_owned()), "r", "Resource <keyspace no> doesn't exist"),
        (Resource::Role("x".to_owned()), "r", "Resource <role x> doesn't exist"),
    ] {
        assert_eq!(refused(&mut state, &permissions(true, &select, &resource, to)), words);
    }
    run(&mut state, &permissions(true, &select, &Resource::AllMBeans, "r"));
}

#[test]
fn who_makes_something_may_do_everything_with_it_until_it_is_dropped() {
    let mut state = with_roles(&["maker"]);
    let by =
        |command: Command| Command::By { role: "maker".to_owned(), command: Box::new(command) };
    run(&mut state, &by(create_table("u", &[("k", CqlType::Int, KEY)])));
    run(&mut state, &by(create_keyspace("own", simple("1"))));
    run(
        &mut state,
        &role(RoleCommand::Create {
            name: "child".to_owned(),
            role: NewRole::default(),
            if_not_exists: false,
            creator: Some("maker".to_owned()),
        }),
    );
    assert!(may(&state, "maker", Permission::Modify, &table("u")));
    assert!(!may(&state, "maker", Permission::Modify, &table("other")));
    let own = Resource::Table("own".to_owned(), "any".to_owned());
    assert!(may(&state, "maker", Permission::Select, &own));
    assert!(may(&state, "maker", Permission::Drop, &Resource::Role("child".to_owned())));

    run(&mut state, &drop_table("u"));
    let name = "own".to_owned();
    run(&mut state, &Command::DropKeyspace { name, if_exists: false });
    run(&mut state, &drop("child", false));
    assert!(state.catalog().roles.get("maker").unwrap().permissions.is_empty());
}

#[test]
fn a_dropped_role_is_no_longer_granted_to_anybody() {
    let mut state = with_roles(&["readers", "r"]);
    run(&mut state, &membership(true, "readers", "r"));
    run(&mut state, &drop("readers", false));
    run(&mut state, &plain("readers"));
    assert!(state.catalog().roles.get("r").unwrap().member_of.is_empty());
}

#[test]
fn roles_outlive_a_snapshot_and_reach_watchers_by_every_way() {
    let mut state = state();
    let early = Arc::clone(state.catalog());
    let secret = Some(Secret("$pbkdf2$".to_owned()));
    run(&mut state, &create("r", NewRole { login: true, secret, ..NewRole::default() }));
    let all = Resource::AllKeyspaces.everything().into_iter().collect::<Vec<_>>();
    run(&mut state, &permissions(true, &all, &Resource::AllKeyspaces, "r"));
    run(&mut state, &plain("gone"));
    run(&mut state, &drop("gone", false));

    let bytes = state.to_snapshot(b"here").unwrap();
    let (_, restored) = State::from_snapshot(&bytes).unwrap();
    assert_eq!(restored.catalog().roles, state.catalog().roles);
    let update = state.since(early.version, true).unwrap();
    assert_eq!(early.apply(update).roles, state.catalog().roles);
    let whole = Catalog::default().apply(state.catalog().to_update());
    assert_eq!(whole.roles, state.catalog().roles);
}

#[test]
fn every_command_of_roles_keeps_its_meaning_in_the_log() {
    let named = Some(BTreeSet::from(["dc1".to_owned()]));
    let commands = [
        create("r", NewRole { datacenters: named.clone(), ..NewRole::default() }),
        role(RoleCommand::Alter {
            name: "r".to_owned(),
            change: RoleChange { datacenters: named, ..RoleChange::default() },
            if_exists: true,
        }),
        membership(true, "a", "b"),
        permissions(true, &Permission::ALL, &table("t"), "r"),
        Command::By { role: "r".to_owned(), command: Box::new(drop_table("t")) },
    ];
    for command in commands {
        let bytes = cbor4ii::serde::to_vec(Vec::new(), &command).unwrap();
        assert_eq!(cbor4ii::serde::from_slice::<Command>(&bytes).unwrap(), command);
    }
}
