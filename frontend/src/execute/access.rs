//! Roles and permissions: this version has neither, and says so.

use cellar_cql::{ast, plan::PlanError};

use super::{Done, Executor};
use crate::error::RequestError;

impl Executor {
    pub(super) fn access(&self, statement: &ast::Statement) -> Result<Done, RequestError> {
        let feature = match statement {
            ast::Statement::List(_) => "LIST of roles, users and permissions",
            ast::Statement::Permission(_) => "GRANT and REVOKE of permissions",
            ast::Statement::RoleMembership(_) => "GRANT and REVOKE of roles",
            _ => "CREATE, ALTER and DROP of roles and users",
        };
        Err(PlanError::not_built(feature).into())
    }
}
