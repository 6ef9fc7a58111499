//! `system_schema.views`, and the columns of views in `system_schema.columns`.

use cellar_schema::{Table, View};

use super::{Facts, record::Record, schema, text::quoted};

/// The views that are read, each with its base table.
fn all<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = (&'a Table, &'a View)> {
    let wanted = facts.wanted;
    let keyspaces = facts.catalog.keyspaces.values();
    keyspaces
        .filter_map(move |keyspace| Some((keyspace, wanted.partition(&keyspace.name)?)))
        .flat_map(|(keyspace, rows)| {
            let views = keyspace.views().into_iter();
            views.filter(move |(_, view)| rows.row(&view.name)).map(|(base, view)| (&**base, view))
        })
}

pub(super) fn views(facts: &Facts<'_>) -> Vec<Record> {
    let record = |(base, view): (&Table, &View)| {
        schema::table_record(&view.as_table(base))
            .text("view_name", &view.name)
            .uuid("base_table_id", base.uuid)
            .text("base_table_name", &base.name)
            .text("where_clause", &view.filter_text(base, quoted))
            .boolean("include_all_columns", view.columns.is_none())
    };
    all(facts).map(record).collect()
}

/// `system.built_views`: every view there is, because none has to be built.
pub(super) fn built(facts: &Facts<'_>) -> Vec<Record> {
    let record = |(base, view): (&Table, &View)| {
        Record::new()
            .text("keyspace_name", &base.keyspace)
            .text("view_name", &view.name)
            .boolean("status_replicated", true)
    };
    all(facts).map(record).collect()
}

pub(super) fn columns(facts: &Facts<'_>) -> Vec<Record> {
    let mut records = schema::columns(facts);
    for (base, view) in all(facts) {
        let table = view.as_table(base);
        records.extend(table.columns.iter().map(|column| schema::column_record(&table, column)));
    }
    records
}
