//! Statements that read and write rows.

mod batch;
mod delete;
mod insert;
mod select;
mod selector;
mod truncate;
mod update;
mod using;
