//! The sum of all statements.

use super::*;

/// One CQL statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `USE keyspace`
    Use(Ident),
    /// `SELECT`
    Select(Box<Select>),
    /// `INSERT`
    Insert(Box<Insert>),
    /// `UPDATE`
    Update(Box<Update>),
    /// `DELETE`
    Delete(Box<Delete>),
    /// `BEGIN BATCH ... APPLY BATCH`
    Batch(Box<Batch>),
    /// `TRUNCATE`
    Truncate(Truncate),
    /// `CREATE KEYSPACE`
    CreateKeyspace(CreateKeyspace),
    /// `ALTER KEYSPACE`
    AlterKeyspace(AlterKeyspace),
    /// `CREATE TABLE`
    CreateTable(Box<CreateTable>),
    /// `ALTER TABLE`
    AlterTable(Box<AlterTable>),
    /// `CREATE TYPE`
    CreateType(CreateType),
    /// `ALTER TYPE`
    AlterType(AlterType),
    /// `CREATE INDEX`
    CreateIndex(Box<CreateIndex>),
    /// `CREATE MATERIALIZED VIEW`
    CreateView(Box<CreateView>),
    /// `ALTER MATERIALIZED VIEW`
    AlterView(AlterView),
    /// `DROP KEYSPACE`, `TABLE`, `TYPE`, `INDEX`, `MATERIALIZED VIEW`
    Drop(DropObject),
    /// Functions, aggregates and triggers: named, so that they can be refused clearly.
    Routine(Routine),
    /// `CREATE ROLE`, `CREATE USER`
    CreateRole(CreateRole),
    /// `ALTER ROLE`, `ALTER USER`
    AlterRole(AlterRole),
    /// `DROP ROLE`, `DROP USER`
    DropRole(DropRole),
    /// `GRANT role TO role`, `REVOKE role FROM role`
    RoleMembership(RoleMembership),
    /// `GRANT permission ON resource TO role`, `REVOKE ... FROM role`
    Permission(PermissionChange),
    /// `LIST ROLES`, `LIST USERS`, `LIST SUPERUSERS`, `LIST permissions`
    List(List),
    /// `ADD IDENTITY`, `DROP IDENTITY`
    Identity(IdentityChange),
    /// `DESCRIBE`
    Describe(Describe),
}
