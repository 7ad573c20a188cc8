//! The cells of one row by what they are for; they borrow the row. It must
//! not know how a cell is read.

use super::MAX_FIELDS;
use super::cell::Cell;
use super::choice::MOST_COLUMNS;

/// The cells of one row that give fields.
pub(super) trait Cells<'a> {
    /// The cell of a field, by its place in the format's fields.
    fn field(&self, at: usize) -> Option<Cell<'a>>;
}

/// The cells of a row under a header: they stay where they are.
pub(super) struct Columns<'p, C> {
    pub(super) column_of: &'p [Option<usize>],
    /// The cell in a column.
    pub(super) cell: C,
}

impl<'a, C: Fn(usize) -> Cell<'a>> Cells<'a> for Columns<'_, C> {
    #[inline]
    fn field(&self, at: usize) -> Option<Cell<'a>> {
        self.column_of[at].map(&self.cell)
    }
}

/// The members of a JSON row, which come in any order.
#[derive(Default)]
pub(super) struct Members<'a> {
    pub(super) fields: [Option<Cell<'a>>; MAX_FIELDS],
    /// The fields that came under another format's name for them.
    pub(super) by_alias: u64,
    pub(super) others: Others<'a>,
}

impl<'a> Cells<'a> for Members<'a> {
    fn field(&self, at: usize) -> Option<Cell<'a>> {
        self.fields[at]
    }
}

/// The cells of one row that give no field.
#[derive(Default)]
pub(super) struct Others<'a> {
    pub(super) count: Option<Cell<'a>>,
    pub(super) row_id: Option<Cell<'a>>,
    /// The publishers it meets, and those it does not.
    pub(super) allow: Option<Cell<'a>>,
    pub(super) deny: Option<Cell<'a>>,
    /// What rows and publishers have in common.
    pub(super) join: Option<Cell<'a>>,
    /// What a publisher is called.
    pub(super) publisher: Option<Cell<'a>>,
    /// What selects a key.
    pub(super) choosers: [Option<Cell<'a>>; MOST_COLUMNS],
}
