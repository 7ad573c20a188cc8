//! Signs campaign and offer rows in bulk.
