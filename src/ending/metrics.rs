//! An ending as metrics, in Prometheus' text format, for the node exporter's
//! textfile collector. It must not know who scrapes them.
//!
//! Every name stands once with its `HELP` and its `TYPE`. The label `job_name`
//! is the file's own name without its extension: the collector reads all files
//! of a folder as one, and two with the same series make it refuse them all.
//! (`job` is a label that Prometheus gives its targets.) No label has a value
//! that changes from run to run.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::format::Code;
use crate::output::Counts;

use super::{Ending, Part};

/// The first words of a file that may be replaced.
const MARK: &str = "# HELP campaign_signer_";
/// Which of the metrics outlives a run that fails.
const LAST_SUCCESS: &str = "last_success_timestamp_seconds";
/// A longer file is none of ours.
const MOST_BYTES: u64 = 4 << 20;

/// The metrics cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// What stands there is no file of metrics, and is left alone.
    #[error("{} is there, and is no file of metrics that this program has written", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("failed to {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

/// Writes the metrics beside their file and renames them, so that a reader
/// finds the old ones or the new ones, and never half of them. Of what stands
/// there the time of the last success is kept where this ending is none. Who
/// collects metrics is another user as a rule: everybody can read them.
///
/// # Errors
/// When a file stands there that is not ours, or the system refuses; what stood
/// there still does.
pub fn write_metrics(path: &Path, ending: &Ending) -> Result<(), MetricsError> {
    let failed = |action| {
        let path = path.to_owned();
        move |source| MetricsError::Io {
            action,
            path,
            source,
        }
    };
    let earlier = earlier(path)?;
    let success = match ending.exit_code {
        0 => seconds(ending.time),
        _ => last_success(&earlier),
    };
    let text = render(ending, &job_name(path), &success);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The collector reads *.prom alone.
    let mut beside = tempfile::Builder::new()
        .prefix(".metrics-")
        .suffix(".partial")
        .tempfile_in(folder)
        .map_err(failed("create a file beside"))?;
    beside
        .write_all(text.as_bytes())
        .map_err(failed("write beside"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::Permissions::from_mode(0o644);
        let file = beside.as_file();
        file.set_permissions(mode)
            .map_err(failed("set the mode of"))?;
    }
    beside
        .persist(path)
        .map_err(|error| failed("replace")(error.error))?;
    Ok(())
}

/// What stands there, where it may be replaced; nothing where there is nothing.
fn earlier(path: &Path) -> Result<String, MetricsError> {
    let foreign = || MetricsError::Foreign {
        path: path.to_owned(),
    };
    match fs::symlink_metadata(path) {
        Err(_) => return Ok(String::new()),
        Ok(metadata) if !metadata.is_file() => return Err(foreign()),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.starts_with(MARK.as_bytes()) => {
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Ok(_) => Err(foreign()),
        Err(source) => Err(MetricsError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

/// When a run has last succeeded, as these metrics say it; 0 where they do not,
/// which is long ago for every alert.
fn last_success(text: &str) -> String {
    let of = |line: &str| {
        let rest = line.strip_prefix("campaign_signer_")?;
        let labels = rest.strip_prefix(LAST_SUCCESS)?;
        let value = labels.rsplit(' ').next()?;
        let number: f64 = value.parse().ok()?;
        (number.is_finite() && number >= 0.0).then(|| value.to_owned())
    };
    text.lines().find_map(of).unwrap_or_else(|| "0".to_owned())
}

/// The label of everything in this file.
fn job_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Milliseconds as seconds with three digits.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// The text of the file.
fn render(ending: &Ending, job: &str, last_success: &str) -> String {
    let mut page = Page {
        text: String::new(),
        job,
    };
    let of_job = |page: &mut Page<'_>, name, help, value: &str| {
        page.name(name, help);
        page.sample(name, &[], value);
    };
    of_job(
        &mut page,
        LAST_SUCCESS,
        "When a run has last ended with exit code 0; 0 if none has.",
        last_success,
    );
    of_job(
        &mut page,
        "last_run_timestamp_seconds",
        "When the last run has ended, whatever became of it.",
        &seconds(ending.time),
    );
    of_job(
        &mut page,
        "exit_code",
        "The exit code of the last run.",
        &ending.exit_code.to_string(),
    );
    of_job(
        &mut page,
        "duration_seconds",
        "How long the last run took.",
        &format!("{:.3}", ending.seconds),
    );
    page.name(
        "build_info",
        "Always 1; the version of the program is a label.",
    );
    page.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], "1");
    for Figure { name, help, of } in FIGURES {
        let samples = ending.parts.iter();
        page.of_parts(name, help, samples.map(|part| (part, of(part))));
    }
    if ending
        .parts
        .iter()
        .any(|part| part.rejected_by_code.is_some())
    {
        let name = "rejected_rows";
        page.name(
            name,
            "Rows that the last run rejected, by the code of their first problem.",
        );
        for part in &ending.parts {
            let Some(by_code) = &part.rejected_by_code else {
                continue;
            };
            // A series that is not there cannot be seen to rise.
            for code in Code::ALL {
                let rows = by_code.get(code).copied().unwrap_or_default();
                let labels = [("output", output(part)), ("code", code.as_str())];
                page.sample(name, &labels, &rows.to_string());
            }
        }
    }
    page.text
}

/// One number of every output.
struct Figure {
    name: &'static str,
    help: &'static str,
    of: fn(&Part) -> u64,
}

const FIGURES: &[Figure] = &[
    Figure {
        name: "rows_read",
        help: "Rows that the last run has read, signed or rejected.",
        of: |part| part.counts().rows,
    },
    Figure {
        name: "rows_signed",
        help: "Rows that the last run has signed; where it failed, they are not published.",
        of: |part| part.counts().signed,
    },
    Figure {
        name: "rows_rejected",
        help: "Rows that the last run has rejected.",
        of: |part| {
            let Counts { rejected, .. } = part.counts();
            rejected
        },
    },
    Figure {
        name: "records",
        help: "Records that the last run has signed: the sum of the copies.",
        of: |part| part.counts().records,
    },
    Figure {
        name: "signatures_recomputed",
        help: "Signatures that came out wrong and were computed anew: test the machine.",
        of: |part| part.recomputed,
    },
    Figure {
        name: "resumed",
        help: "1 where the last run went on with an earlier attempt.",
        of: |part| u64::from(part.resumed),
    },
];

/// The name of an output; that of the only one of a run is empty, which is as
/// good as no label.
fn output(part: &Part) -> &str {
    part.name.as_deref().unwrap_or_default()
}

/// The page as it is written.
struct Page<'j> {
    text: String,
    job: &'j str,
}

impl Page<'_> {
    /// Introduces a name. All are gauges: the next run begins anew.
    fn name(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP campaign_signer_{name} {help}");
        let _ = writeln!(self.text, "# TYPE campaign_signer_{name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let job = escaped(self.job);
        let _ = write!(self.text, "campaign_signer_{name}{{job_name=\"{job}\"");
        for (label, value) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(value));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn of_parts<'p>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl Iterator<Item = (&'p Part, u64)>,
    ) {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return;
        }
        self.name(name, help);
        for (part, value) in samples {
            self.sample(name, &[("output", output(part))], &value.to_string());
        }
    }
}

/// A label's value as it stands in quotes.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{LAST_SUCCESS, escaped, last_success};

    #[test]
    fn whatever_stands_in_an_old_file_a_time_is_read_or_none() {
        let line = |rest: &str| format!("x\ncampaign_signer_{LAST_SUCCESS}{rest}\n");
        for (text, wanted) in [
            (String::new(), "0"),
            (line("{job_name=\"a\"} 12.500"), "12.500"),
            (line("{job_name=\"a b\"} 12"), "12"),
            (line(" 7"), "7"),
            (line(""), "0"),
            (line("{job_name=\"a\"} NaN"), "0"),
            (line("{job_name=\"a\"} +Inf"), "0"),
            (line("{job_name=\"a\"} -1"), "0"),
            (line("{job_name=\"a\"} 1\u{0}"), "0"),
            (line("{job_name=\"a\"} \u{fffd}") + &line(" 8"), "8"),
        ] {
            assert_eq!(last_success(&text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_label_is_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), r#"a\\b\"c\nd"#);
    }
}
