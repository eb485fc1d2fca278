//! Where a key stands in a TOML document, for errors to name.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The last part of a dotted key.
pub(super) fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The path of the innermost key whose name or value lies at a byte; empty if there is none.
pub(super) fn key_at(table: &DeTable, at: usize) -> String {
    for (key, value) in table {
        let inner = match value.get_ref() {
            DeValue::Table(table) => key_at(table, at),
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| item.get_ref().as_table())
                .map(|table| key_at(table, at))
                .find(|k| !k.is_empty())
                .unwrap_or_default(),
            _ => String::new(),
        };
        let covers = |span: std::ops::Range<usize>| span.start <= at && at < span.end;
        if !inner.is_empty() {
            return format!("{}.{inner}", key.get_ref());
        }
        if covers(key.span()) || covers(value.span()) {
            return key.get_ref().to_string();
        }
    }
    String::new()
}

/// The byte at which a dotted key, or as much of it as is there, stands.
pub(super) fn place_of(table: &DeTable, key: &str) -> usize {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == first) else { return 0 };
    let within = value.get_ref().as_table().map_or(0, |table| place_of(table, rest));
    if within > 0 { within } else { Spanned::span(name).start }
}
