//! Finished runs for the page to tell of.

use crate::markup::Page;
use crate::workdir::{Workdir, csv_line, example_row, now};
use campaign_signer::format::{Alg, Format};

/// Rows of view-through impressions, of which one in so many is refused for
/// each of three reasons.
pub(crate) fn impressions(rows: usize, bad: usize) -> String {
    let mut text = String::from(
        "campaign,version,ad-network-id,source-identifier,itunes-item-id,source-app-id\n",
    );
    for at in 0..rows {
        let network = ["example123", "example456"][usize::from(at % 3 == 0)];
        let (mut version, mut code, mut item) = ("4.0", (10 + at % 7).to_string(), "525463029");
        match at % bad {
            1 => code = "5.24E+03".into(),
            2 => item = "",
            3 => version = "4",
            _ => {}
        }
        text.push_str(&format!(
            "summer {at},{version},{network}.skadnetwork,{code},{item},1234567891\n"
        ));
    }
    text
}

/// A run with rejects: `out.ndjson` and what belongs to it.
pub(crate) fn with_rejects() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("rows.csv", impressions(100, 10));
    let sign = "sign -f skan-view -k key.pem --job-id night --timestamp 2026-01-01T00:00:00Z";
    workdir
        .run(&format!("{sign} --ignore-unknown rows.csv -o out.ndjson"))
        .exit(1);
    workdir
}

/// A run of three example rows of a format: `ID.ndjson` and its manifest.
pub(crate) fn of_format(workdir: &Workdir, format: &Format, more: &str) {
    let row = example_row(format, None);
    let header = csv_line(row.iter().map(|(name, _)| *name));
    let line = csv_line(row.iter().map(|(_, text)| text.as_str()));
    let id = format.id;
    // What must be unique in a row stands in one row only.
    let lines = match format.fields.iter().any(|field| field.wrapped.is_some()) {
        true => vec![header, line],
        false => vec![header, line.clone(), line.clone(), line],
    };
    workdir.write(&format!("{id}.csv"), lines.join("\n") + "\n");
    let key = match format.alg() {
        Alg::Es256 => "-k key.pem",
        Alg::Hs256 => "--secret-file secret.txt",
    };
    let key_id = match format.key_id() {
        Some(_) => "--key-id 2X9R4HXF34",
        None => "",
    };
    workdir
        .run(&format!(
            "sign -f {id} {key} {key_id} {more} {id}.csv -o {id}.ndjson --force"
        ))
        .exit(0);
}

/// A run whose records are in parts of a folder, `parts`.
pub(crate) fn in_parts() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("rows.csv", impressions(60, 1000));
    let sign = "sign -f skan-view -k key.pem --ignore-unknown rows.csv --max-rejects 10";
    workdir
        .run(&format!(
            "{sign} --out-dir parts --partition-by ad-network-id"
        ))
        .exit(0);
    workdir
}

/// The page that the program makes with these arguments; it must be sound.
#[track_caller]
pub(crate) fn page(workdir: &Workdir, arguments: &str) -> Page {
    let run = workdir.run(&format!("report {arguments} -o page.html"));
    run.exit(0)
        .expect(run.stdout.is_empty() && run.stderr.is_empty(), "silence");
    let page = Page::of(workdir.text("page.html"));
    page.check();
    page
}

/// A time so many minutes after now, as an argument.
pub(crate) fn in_minutes(minutes: u64) -> String {
    (now() + minutes * 60_000).to_string()
}
