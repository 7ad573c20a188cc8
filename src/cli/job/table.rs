//! What became of each output, told at the end of a job.

use campaign_signer::pipeline::Summary;
use indicatif::HumanCount;
use serde_json::json;

use super::super::exit::Exit;
use super::super::{log, say};

/// An output that was executed.
pub(super) struct Done {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) exit: Exit,
    pub(super) summary: Summary,
}

/// The last thing a job says: what became of each output.
pub(super) fn print(done: &[Done], exit: Exit) {
    if log::is_json() {
        let outputs: Vec<serde_json::Value> = done.iter().map(event).collect();
        log::event(
            "job",
            &json!({ "exit_code": exit as u8, "outputs": outputs }),
        );
        return;
    }
    let rows = done.iter().map(|done| {
        let counts = done.summary.counts;
        let numbers = [counts.rows, counts.signed, counts.rejected, counts.records];
        (done.name.as_str(), numbers, done.file.as_str())
    });
    table(&rows.collect::<Vec<_>>());
}

fn event(done: &Done) -> serde_json::Value {
    let counts = done.summary.counts;
    json!({
        "name": done.name,
        "exit_code": done.exit as u8,
        "rows": counts.rows,
        "signed": counts.signed,
        "rejected": counts.rejected,
        "records": counts.records,
        "output": done.file,
    })
}

/// What became of the outputs of a job: name; rows, signed, rejected, records;
/// file.
fn table(rows: &[(&str, [u64; 4], &str)]) {
    let heads = ["rows", "signed", "rejected", "records"];
    let name_width = rows.iter().map(|(name, ..)| name.len()).max();
    let name_width = name_width.unwrap_or_default().max("output".len());
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows.iter();
        let cells = cells.map(|(_, numbers, _)| HumanCount(numbers[column]).to_string().len());
        cells.max().unwrap_or_default().max(heads[column].len())
    });
    let cells = |texts: [String; 4]| {
        let cells = texts.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(text, width)| format!("{text:>width$}"))
            .collect();
        cells.join("  ")
    };
    say!(
        "{:>name_width$}  {}  file",
        "output",
        cells(heads.map(str::to_owned))
    );
    for (name, numbers, file) in rows {
        let numbers = numbers.map(|number| HumanCount(number).to_string());
        say!("{name:>name_width$}  {}  {file}", cells(numbers));
    }
}
