//! `GRANT`, `REVOKE`, `LIST`.

use crate::ast::{
    List, Permission, PermissionChange, PermissionSet, Resource, RoleMembership, Statement,
};
use crate::parse::cursor::{Parser, Result};

const PERMISSIONS: [(&str, Permission); 10] = [
    ("create", Permission::Create),
    ("alter", Permission::Alter),
    ("drop", Permission::Drop),
    ("select", Permission::Select),
    ("modify", Permission::Modify),
    ("authorize", Permission::Authorize),
    ("describe", Permission::Describe),
    ("execute", Permission::Execute),
    ("unmask", Permission::Unmask),
    ("select_masked", Permission::SelectMasked),
];

impl Parser<'_> {
    /// The rest after `GRANT` or `REVOKE`.
    pub(in crate::parse) fn grant(&mut self, grant: bool) -> Result<Statement> {
        let direction = if grant { "to" } else { "from" };
        // `GRANT unmask TO r` grants a role of that name: what follows the name decides.
        if self.is_word_at(1, direction) {
            let role = self.role_name()?;
            self.expect_word(direction)?;
            let member = self.role_name()?;
            return Ok(Statement::RoleMembership(RoleMembership { grant, role, member }));
        }
        let permissions = self.permissions()?;
        self.expect_word("on")?;
        let resource = self.resource()?;
        self.expect_word(direction)?;
        let role = self.role_name()?;
        Ok(Statement::Permission(PermissionChange { grant, permissions, resource, role }))
    }

    /// The rest after `LIST`.
    pub(in crate::parse) fn list_statement(&mut self) -> Result<List> {
        if self.eat_word("users") {
            return Ok(List::Users);
        }
        if self.eat_word("superusers") {
            return Ok(List::Superusers);
        }
        if self.eat_word("roles") {
            let of = self.of_role()?;
            return Ok(List::Roles { of, recursive: !self.eat_word("norecursive") });
        }
        let permissions = self.permissions()?;
        let resource = if self.eat_word("on") { Some(self.resource()?) } else { None };
        let of = self.of_role()?;
        let recursive = !self.eat_word("norecursive");
        Ok(List::Permissions { permissions, resource, of, recursive })
    }

    fn of_role(&mut self) -> Result<Option<Box<str>>> {
        if self.eat_word("of") { Ok(Some(self.role_name()?)) } else { Ok(None) }
    }

    fn permissions(&mut self) -> Result<PermissionSet> {
        if self.eat_word("all") {
            self.eat_word("permissions");
            return Ok(PermissionSet::All);
        }
        let set = self.list(Self::permission)?;
        if !self.eat_word("permission") {
            self.eat_word("permissions");
        }
        Ok(PermissionSet::Some(set))
    }

    fn permission(&mut self) -> Result<Permission> {
        let found = PERMISSIONS.iter().find(|(word, _)| self.is_word(word));
        let Some((_, permission)) = found else {
            return Err(self.unexpected("a permission such as SELECT or MODIFY"));
        };
        self.advance();
        Ok(*permission)
    }

    fn resource(&mut self) -> Result<Resource> {
        if self.eat_words(&["all", "keyspaces"]) {
            return Ok(Resource::AllKeyspaces);
        }
        if self.eat_words(&["all", "tables"]) {
            self.expect_words(&["in", "keyspace"])?;
            return Ok(Resource::AllTables(self.ident()?));
        }
        if self.eat_words(&["all", "roles"]) {
            return Ok(Resource::AllRoles);
        }
        if self.eat_words(&["all", "functions"]) {
            let inside = self.eat_words(&["in", "keyspace"]);
            let keyspace = if inside { Some(self.ident()?) } else { None };
            return Ok(Resource::AllFunctions(keyspace));
        }
        if self.eat_words(&["all", "mbeans"]) {
            return Ok(Resource::AllMBeans);
        }
        if self.eat_word("keyspace") {
            return Ok(Resource::Keyspace(self.ident()?));
        }
        self.named_resource()
    }

    fn named_resource(&mut self) -> Result<Resource> {
        if self.is_word("role") && !self.is_named_like_keyword() {
            self.advance();
            return Ok(Resource::Role(self.role_name()?));
        }
        if self.is_word("function") && !self.is_named_like_keyword() {
            self.advance();
            let name = self.qualified_name()?;
            self.expect(b'(')?;
            return Ok(Resource::Function(name, self.list_until(b')', Self::cql_type)?));
        }
        let mbean = self.is_word("mbean") || self.is_word("mbeans");
        if mbean && !self.is_named_like_keyword() {
            self.advance();
            return Ok(Resource::MBean(self.text_literal()?));
        }
        if !self.eat_word("table") {
            self.eat_word("columnfamily");
        }
        Ok(Resource::Table(self.qualified_name()?))
    }

    /// True when the unreserved word here is itself the name of a table.
    fn is_named_like_keyword(&self) -> bool {
        ["to", "from", "of", "norecursive"].iter().any(|word| self.is_word_at(1, word))
            || self.is_at(1, b'.')
            || self.peek_at(1).kind == crate::lex::Kind::End
    }
}
