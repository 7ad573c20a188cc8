//! How the rejects of a run are written: as lines of JSON, or as a table under
//! the inputs' own header. It must not know why a row is refused.

use crate::envelope::Style;
use crate::error::Error;
use crate::output::Compression;
use crate::record::RejectTable;

use super::inputs::Inputs;
use super::job::Job;
use super::press;

/// The form of a run's rejects.
#[derive(Clone, Debug)]
pub(super) struct RejectForm {
    /// The table; `None` for lines of JSON.
    pub(super) table: Option<RejectTable>,
    pub(super) compression: Compression,
}

impl RejectForm {
    /// Lines of JSON that nobody keeps.
    pub(super) fn lines() -> Self {
        Self {
            table: None,
            compression: Compression::None,
        }
    }

    /// The form that a job asks for.
    ///
    /// # Errors
    /// When a table does not fit the inputs: it has one header, and only rows
    /// under that header fit below it.
    pub(super) fn of(job: &Job, inputs: &Inputs<'_>) -> Result<Self, Error> {
        let compression = press::compression(&job.outputs.rejects);
        let Style::Csv(delimiter) = job.outputs.rejects_style else {
            return Ok(Self {
                table: None,
                compression,
            });
        };
        let unfit = |message: String| {
            let hint = "name a rejects file that ends in .ndjson, which takes rows of every kind";
            Err(Error::settings(message, hint))
        };
        if let Some((first, other)) = &inputs.unlike {
            return unfit(format!(
                "{first} and {other} have different headers, and rejects as a table have one"
            ));
        }
        let first = inputs.first.as_ref().and_then(|open| open.plans.first());
        let Some(plan) = first.filter(|plan| !plan.header().is_empty()) else {
            return unfit("rejects as a table need inputs that have a header".into());
        };
        let table = plan.reject_table(delimiter, job.inputs.len() > 1);
        if let Some(column) = table.clash() {
            return unfit(format!(
                "the column {column} of the input is one that rejects as a table have, too"
            ));
        }
        Ok(Self {
            table: Some(table),
            compression,
        })
    }

    /// What the rejects begin with.
    pub(super) fn header(&self) -> Result<Vec<u8>, Error> {
        match &self.table {
            Some(table) => self.pack(table.header()),
            None => Ok(Vec::new()),
        }
    }

    /// Bytes as the file has them.
    pub(super) fn pack(&self, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.compression.pack(bytes).map_err(Error::Compress)
    }
}
