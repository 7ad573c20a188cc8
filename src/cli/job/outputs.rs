//! The outputs of a job, each a run of its own: all are prepared, then one
//! after another is executed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use campaign_signer::error::Error;
use campaign_signer::output::{checkpoint, lock, partial};
use campaign_signer::stop::Stop;

use super::super::attempt::{Identity, Placed, Planned, Stopped};
use super::super::exit::Exit;
use super::super::observe::Observer;
use super::super::sign;
use super::super::{again, log, report, signals, values};
use super::environment::Hidden;
use super::file::JobFile;
use super::table::{self, Done};
use super::translate::{About, Part};

/// An error, and the output it is about.
type Failed = Box<(About, Error)>;

/// Runs every part; an error is told here, with its place in the job.
pub(super) fn run(
    file: &JobFile,
    hidden: &Hidden,
    parts: Vec<Part>,
    observer: &mut Observer,
) -> Result<Exit, Error> {
    let stop = signals::stop()?;
    observer.plan(parts.len());
    let can_resume = parts.iter().all(|part| part.args.can_resume());
    let ready = check_files(file, &parts).and_then(|files| {
        let planned = prepare(parts, &stop)?;
        Ok((files, planned))
    });
    let (files, planned) = match ready {
        Ok(ready) => ready,
        Err(failed) => {
            let (about, error) = *failed;
            let (place, words) = about.words(file, &error);
            let hide = |found: &str| hidden.hide(found);
            let stopped = Stopped::early(error, can_resume);
            let resume = stopped
                .left
                .map(|left| format!("{}   # {left}", again::resume_command()));
            let error = &stopped.error;
            let failure = log::error_at(&place, &words, &hide, error, resume.as_deref());
            observer.fail(error, failure);
            return Ok(Exit::from(error));
        }
    };
    let count = planned.len();
    let mut done: Vec<Done> = Vec::with_capacity(count);
    for ((about, planned), output) in planned.into_iter().zip(files) {
        if let Some(name) = about.name.as_deref().filter(|_| count > 1) {
            report::output(name, done.len() + 1, count);
        }
        planned.announce();
        match planned.execute(about.name.as_deref(), observer) {
            Ok((exit, summary)) => done.push(Done {
                name: about.name.unwrap_or_default(),
                file: output,
                exit,
                summary,
            }),
            Err(stopped) => {
                let error = stopped.error;
                let can_go_on = stopped.left.is_some();
                let mut left: Vec<String> = stopped.left.into_iter().collect();
                if count > 1 {
                    left.push(format!("{} of {count} outputs are done", done.len()));
                }
                // Without it, what is finished would be in the way.
                let resume = (can_go_on || !done.is_empty())
                    .then(|| format!("{}   # {}", again::resume_command(), left.join("; ")));
                let (place, words) = about.words(file, &error);
                let hide = |found: &str| hidden.hide(found);
                let failure = log::error_at(&place, &words, &hide, &error, resume.as_deref());
                observer.fail(&error, failure);
                return Ok(Exit::from(&error));
            }
        }
    }
    let exits = done.iter().map(|done| done.exit);
    let exit = exits.max_by_key(|exit| *exit as u8);
    let exit = exit.unwrap_or(Exit::Success);
    if count > 1 {
        table::print(&done, exit);
    }
    Ok(exit)
}

/// Everything that can be wrong before the first row is signed, for every
/// part.
fn prepare(parts: Vec<Part>, stop: &Stop) -> Result<Vec<(About, Planned)>, Failed> {
    let mut placed = Vec::with_capacity(parts.len());
    for Part { about, args } in parts {
        let found = Placed::find(args, stop).map_err(|error| Box::new((about.clone(), error)))?;
        placed.push((about, found));
    }
    // Where one goes on with an earlier run, the others are of that job, too.
    let mut shared: Option<Identity> = None;
    let mut own = Vec::with_capacity(placed.len());
    for (about, placed) in &mut placed {
        let failed = |error| Box::new((about.clone(), error));
        let earlier = placed.earlier(stop).map_err(failed)?;
        if let (None, Some((id, timestamp))) = (&shared, &earlier) {
            let base = match &about.name {
                Some(name) => id
                    .strip_suffix(name.as_str())
                    .and_then(|id| id.strip_suffix('/')),
                None => Some(id.as_str()),
            };
            shared = base.map(|base| (base.to_owned(), *timestamp));
        }
        own.push(earlier);
    }
    let mut planned = Vec::with_capacity(placed.len());
    for ((about, placed), earlier) in placed.into_iter().zip(own) {
        let failed = |error| Box::new((about.clone(), error));
        if shared.is_none() {
            shared = Some(draw().map_err(failed)?);
        }
        let (base, timestamp) = shared.clone().unwrap_or_default();
        let id = match &about.name {
            Some(name) => format!("{base}/{name}"),
            None => base,
        };
        let identity = earlier.unwrap_or((id, timestamp));
        let plan = placed.plan(Some(&identity), stop);
        let plan = plan.and_then(Planned::prepare).map_err(failed)?;
        planned.push((about, plan));
    }
    Ok(planned)
}

/// An id nobody gave, and the present.
fn draw() -> Result<Identity, Error> {
    Ok((sign::random_id()?, values::timestamp("now")?))
}

/// Looks that nothing is written twice or read away, and names each part's
/// file.
fn check_files(file: &JobFile, parts: &[Part]) -> Result<Vec<String>, Failed> {
    let mut sources = vec![("the job file", file.path().to_owned())];
    for Part { about, args } in parts {
        let more = sign::sources(args).map_err(|error| Box::new((about.clone(), error)))?;
        sources.extend(more);
    }
    let mut check = Files::default();
    let mut names = Vec::with_capacity(parts.len());
    for (number, Part { about, args }) in parts.iter().enumerate() {
        let name = check.part(number, parts, args, &sources);
        names.push(name.map_err(|error| Box::new((about.clone(), error)))?);
    }
    Ok(names)
}

/// What the parts before have taken, by the number of the part.
#[derive(Default)]
struct Files {
    written: HashMap<PathBuf, usize>,
    stdout: Option<usize>,
    read_once: HashMap<String, usize>,
}

impl Files {
    fn part(
        &mut self,
        number: usize,
        parts: &[Part],
        args: &sign::SignArgs,
        sources: &[(&'static str, PathBuf)],
    ) -> Result<String, Error> {
        let taken = |other: usize, what: &str| {
            let names = [other, number].map(|at| parts[at].about.name.clone().unwrap_or_default());
            let message = format!("outputs {} would both write {what}", names.join(" and "));
            Error::settings(message, "give each its own name")
        };
        let outputs = sign::written(args)?;
        outputs.check(sources)?;
        for (_, path) in outputs.files() {
            for name in [path.clone(), partial(&path), checkpoint(&path), lock(&path)] {
                match self.written.insert(whereabouts(&name), number) {
                    Some(other) if other != number => {
                        return Err(taken(other, &path.display().to_string()));
                    }
                    _ => {}
                }
            }
        }
        let target = outputs.signed.as_ref();
        if target.is_some_and(|target| target.file().is_none())
            && let Some(other) = self.stdout.replace(number)
        {
            return Err(taken(other, "to standard output"));
        }
        for input in args.inputs()?.iter().filter(|input| input.is_read_once()) {
            let name = input.name();
            if self
                .read_once
                .insert(name.clone(), number)
                .is_some_and(|other| other != number)
            {
                return Err(Error::settings(
                    format!("{name} can be read only once, and several outputs read it"),
                    "put the rows into a file, or run one output with --only NAME",
                ));
            }
        }
        Ok(match (&outputs.folder, target) {
            (Some(folder), _) => folder.path.display().to_string(),
            (None, Some(_)) => outputs.published().map_or_else(String::new, |it| it.name()),
            (None, None) => "nothing".into(),
        })
    }
}

/// Where a file is, or would be, in one spelling.
fn whereabouts(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
