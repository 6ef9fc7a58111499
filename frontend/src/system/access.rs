//! `system_auth`, as tools read it: roles and permissions, without the hashes of passwords.

use super::{Facts, record::Record};

pub(super) fn roles(facts: &Facts<'_>) -> Vec<Record> {
    let record = |(name, role): (&String, &std::sync::Arc<cellar_metadata_api::Role>)| {
        let member_of: Vec<String> = role.member_of.iter().cloned().collect();
        Record::new()
            .text("role", name)
            .boolean("can_login", role.login)
            .boolean("is_superuser", role.superuser)
            .texts("member_of", &member_of)
    };
    facts.catalog.roles.iter().map(record).collect()
}

pub(super) fn members(facts: &Facts<'_>) -> Vec<Record> {
    let memberships = facts.catalog.roles.iter().flat_map(|(member, role)| {
        role.member_of
            .iter()
            .map(move |role| Record::new().text("role", role).text("member", member))
    });
    memberships.collect()
}

pub(super) fn permissions(facts: &Facts<'_>) -> Vec<Record> {
    let granted = facts.catalog.roles.iter().flat_map(|(name, role)| {
        role.permissions.iter().map(move |(resource, permissions)| {
            let names: Vec<String> = permissions.iter().map(ToString::to_string).collect();
            Record::new()
                .text("role", name)
                .text("resource", &resource.path())
                .texts("permissions", &names)
        })
    });
    granted.collect()
}

pub(super) fn resources(facts: &Facts<'_>) -> Vec<Record> {
    let granted = facts.catalog.roles.iter().flat_map(|(name, role)| {
        let record = |path: String| Record::new().text("resource", &path).text("role", name);
        role.permissions.keys().map(move |resource| record(resource.path()))
    });
    granted.collect()
}

pub(super) fn datacenters(facts: &Facts<'_>) -> Vec<Record> {
    let restricted = facts.catalog.roles.iter().filter_map(|(name, role)| {
        let names: Vec<String> = role.datacenters.as_ref()?.iter().cloned().collect();
        Some(Record::new().text("role", name).texts("dcs", &names))
    });
    restricted.collect()
}
