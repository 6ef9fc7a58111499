//! Roles, users and identities.

use crate::ast::{AlterRole, CreateRole, DropRole, IdentityChange, RoleOption};
use crate::parse::cursor::{Parser, Result};

impl Parser<'_> {
    pub(in crate::parse) fn create_role(&mut self) -> Result<CreateRole> {
        let if_not_exists = self.if_not_exists();
        let name = self.role_name()?;
        Ok(CreateRole { name, if_not_exists, options: self.role_options()? })
    }

    pub(in crate::parse) fn alter_role(&mut self) -> Result<AlterRole> {
        let if_exists = self.if_exists();
        let name = self.role_name()?;
        Ok(AlterRole { name, if_exists, options: self.role_options()? })
    }

    pub(in crate::parse) fn create_user(&mut self) -> Result<CreateRole> {
        let if_not_exists = self.if_not_exists();
        let name = self.role_name()?;
        let mut options = self.user_options()?;
        options.push(RoleOption::Login(true));
        Ok(CreateRole { name, if_not_exists, options })
    }

    pub(in crate::parse) fn alter_user(&mut self) -> Result<AlterRole> {
        let if_exists = self.if_exists();
        let name = self.role_name()?;
        Ok(AlterRole { name, if_exists, options: self.user_options()? })
    }

    pub(in crate::parse) fn drop_role(&mut self) -> Result<DropRole> {
        let if_exists = self.if_exists();
        Ok(DropRole { name: self.role_name()?, if_exists })
    }

    /// The rest after `ADD`.
    pub(in crate::parse) fn add_identity(&mut self) -> Result<IdentityChange> {
        self.expect_word("identity")?;
        let conditional = self.if_not_exists();
        let identity = self.text_literal()?;
        self.expect_words(&["to", "role"])?;
        Ok(IdentityChange { identity, role: Some(self.role_name()?), conditional })
    }

    pub(in crate::parse) fn drop_identity(&mut self) -> Result<IdentityChange> {
        let conditional = self.if_exists();
        Ok(IdentityChange { identity: self.text_literal()?, role: None, conditional })
    }

    fn user_options(&mut self) -> Result<Vec<RoleOption>> {
        let mut options = Vec::new();
        if self.eat_word("with") {
            if self.eat_words(&["hashed", "password"]) {
                options.push(RoleOption::HashedPassword(self.text_literal()?));
            } else if self.eat_words(&["generated", "password"]) {
                options.push(RoleOption::GeneratedPassword);
            } else {
                self.expect_word("password")?;
                options.push(RoleOption::Password(self.text_literal()?));
            }
        }
        if self.eat_word("superuser") {
            options.push(RoleOption::Superuser(true));
        } else if self.eat_word("nosuperuser") {
            options.push(RoleOption::Superuser(false));
        }
        Ok(options)
    }

    fn role_options(&mut self) -> Result<Vec<RoleOption>> {
        let mut options = Vec::new();
        if !self.eat_word("with") {
            return Ok(options);
        }
        loop {
            options.push(self.role_option()?);
            if !self.eat_word("and") {
                return Ok(options);
            }
        }
    }

    fn role_option(&mut self) -> Result<RoleOption> {
        if self.eat_words(&["generated", "password"]) {
            return Ok(RoleOption::GeneratedPassword);
        }
        if self.eat_words(&["access", "to"]) {
            return Ok(RoleOption::Datacenters(self.access_list("datacenters")?));
        }
        if self.eat_words(&["access", "from"]) {
            return Ok(RoleOption::Cidrs(self.access_list("cidrs")?));
        }
        if self.eat_words(&["hashed", "password"]) {
            self.expect(b'=')?;
            return Ok(RoleOption::HashedPassword(self.text_literal()?));
        }
        if self.eat_word("password") {
            self.expect(b'=')?;
            return Ok(RoleOption::Password(self.text_literal()?));
        }
        if self.eat_word("login") {
            self.expect(b'=')?;
            return Ok(RoleOption::Login(self.boolean()?));
        }
        if self.eat_word("superuser") {
            self.expect(b'=')?;
            return Ok(RoleOption::Superuser(self.boolean()?));
        }
        if self.eat_word("options") {
            self.expect(b'=')?;
            return Ok(RoleOption::Custom(self.tags()?));
        }
        Err(self.unexpected("PASSWORD, LOGIN, SUPERUSER, OPTIONS or ACCESS"))
    }

    fn access_list(&mut self, kind: &'static str) -> Result<Option<Vec<Box<str>>>> {
        if self.eat_words(&["all", kind]) {
            return Ok(None);
        }
        self.expect_word(kind)?;
        self.expect(b'{')?;
        Ok(Some(self.list_until(b'}', Self::text_literal)?))
    }
}
