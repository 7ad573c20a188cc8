//! How the columns of a table are read that names them itself. It must not know
//! which column is for which field.

/// What is made of one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taken {
    /// Nothing: it is not even decoded.
    #[default]
    Passed,
    /// Its values as they are.
    Value,
    /// Values that are text are JSON.
    Json,
    /// Moments become integers, so many of them a second: 1 or 1000.
    Moment(u32),
}

impl Taken {
    /// What is made of a column that is wanted in two ways: what both agree
    /// on.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Passed, taken) | (taken, Self::Passed) => taken,
            (Self::Value, Self::Json) | (Self::Json, Self::Value) => Self::Json,
            (Self::Value, taken) | (taken, Self::Value) => taken,
            (taken, other) if taken == other => taken,
            // One integer cannot be seconds and milliseconds.
            _ => Self::Value,
        }
    }
}
