//! One run of `sign` in its steps: its outputs are held for it, it is planned,
//! perhaps prepared, and executed. Several runs go through each step together
//! before the first one is executed. It must not know where arguments come
//! from.

use campaign_signer::error::{Error, Kind};
use campaign_signer::output::SystemDisk;
use campaign_signer::pipeline::{self, Job, Outputs, Prepared, Progress, Standing, Summary};
use campaign_signer::publishers::PublisherFile;
use campaign_signer::row::Origin;
use campaign_signer::stop::Stop;

use super::ended;
use super::exit::Exit;
use super::observe::Observer;
use super::plan;
use super::progress::{Meter, ProgressMode};
use super::report::{self, Report};
use super::sign::{self, SignArgs};
use super::sign_key::Loaded;

/// A job's id and its timestamp.
pub(crate) type Identity = (String, u64);

/// A run whose key works and whose outputs are held for it.
pub(crate) struct Placed {
    args: SignArgs,
    outputs: Outputs,
    key: Loaded,
    publishers: Option<PublisherFile>,
    standing: Standing,
    /// Whether it goes on with another.
    goes_on: bool,
}

impl Placed {
    /// Checks the outputs, loads the key, and takes the outputs' lock.
    pub(crate) fn find(mut args: SignArgs, stop: &Stop) -> Result<Self, Error> {
        args.rows.formats()?;
        let outputs = sign::outputs(&args)?;
        outputs.check(&sign::sources(&args)?)?;
        sign::check_partition(&args)?;
        let key = args.load_key()?;
        let publishers = args.rows.publishers(stop)?;
        let standing = Standing::find(&outputs, &SystemDisk)?;
        Ok(Self {
            args,
            outputs,
            key,
            publishers,
            standing,
            goes_on: false,
        })
    }

    /// The identity of the run that this one goes on with.
    pub(crate) fn earlier(&mut self, stop: &Stop) -> Result<Option<Identity>, Error> {
        let identity = self
            .standing
            .identity()
            .filter(|_| self.args.resume)
            .map(|(id, timestamp)| (id.to_owned(), timestamp));
        let Some(earlier) = identity else {
            return Ok(None);
        };
        // With --force, another job's finished outputs make room for a new run.
        if self.args.force {
            let job = self.job(Some(&earlier), stop)?;
            if self.standing.is_finished_by_another(&job)? {
                self.standing.forget();
                return Ok(None);
            }
        }
        self.goes_on = true;
        Ok(Some(earlier))
    }

    fn job(&self, identity: Option<&Identity>, stop: &Stop) -> Result<Job, Error> {
        let mut job = sign::job(&self.args, &self.key, &self.outputs, identity, stop)?;
        job.publishers.clone_from(&self.publishers);
        Ok(job)
    }

    /// The run under this identity, where the arguments give no other; without
    /// one it is drawn.
    pub(crate) fn plan(self, identity: Option<&Identity>, stop: &Stop) -> Result<Planned, Error> {
        let mut job = self.job(identity, stop)?;
        if self.args.dry_run {
            job.signer = None;
        }
        // A plan may make its job again, which must not draw another id.
        let identity = (job.job_id.clone(), job.settings.timestamp);
        let report = Report::of(&job, self.key.signer(&job.job_id)?);
        Ok(Planned {
            report,
            nothing_to_resume: self.args.resume && !self.goes_on,
            from_stdin: job.inputs.iter().any(|input| input.origin == Origin::Stdin),
            can_resume: self.args.can_resume(),
            progress: self.args.rows.progress,
            work: match self.args.plan || self.args.sample.is_some() {
                false => Work::Planned(Box::new(job), self.standing),
                true => Work::Looked(Box::new(self), identity, stop.clone()),
            },
        })
    }
}

/// A run that is ready to begin.
pub(crate) struct Planned {
    report: Report,
    nothing_to_resume: bool,
    from_stdin: bool,
    can_resume: bool,
    progress: ProgressMode,
    work: Work,
}

enum Work {
    Planned(Box<Job>, Standing),
    Prepared(Box<Prepared>),
    /// Nothing is signed but what is looked at.
    Looked(Box<Placed>, Identity, Stop),
}

/// A run that ended on an error.
pub(crate) struct Stopped {
    pub(crate) error: Error,
    /// How far a resume comes, in words, where there can be one.
    pub(crate) left: Option<String>,
}

impl Stopped {
    /// One that was over before it could say how far it came. Told to stop, it
    /// is gone on with by the same command, whatever was there before.
    pub(crate) fn early(error: Error, can_resume: bool) -> Box<Self> {
        let is_asked = matches!(error.kind(), Kind::Interrupted) && can_resume;
        let left = is_asked.then(|| "it had not begun".to_owned());
        Box::new(Self { error, left })
    }
}

impl Planned {
    /// Checks what stands at the outputs, and the inputs' headers, before
    /// [`execute`](Self::execute) would.
    pub(crate) fn prepare(mut self) -> Result<Self, Error> {
        if let Work::Planned(job, standing) = self.work {
            let prepared = pipeline::prepare(*job, standing)?;
            prepared.check_inputs()?;
            self.work = Work::Prepared(Box::new(prepared));
        }
        Ok(self)
    }

    /// Tells what should be known before row one.
    pub(crate) fn announce(&self) {
        self.report.announce();
        if self.nothing_to_resume {
            report::nothing_to_resume();
        }
    }

    /// Runs it, and tells how it ended, the observer as well.
    pub(crate) fn execute(
        self,
        name: Option<&str>,
        observer: &mut Observer,
    ) -> Result<(Exit, Summary), Box<Stopped>> {
        let mut meter = Meter::new(self.progress);
        let mut part = self.report.part(name);
        let result = match self.work {
            Work::Looked(placed, identity, stop) => {
                let make = || placed.job(Some(&identity), &stop);
                let looked = match placed.args.sample {
                    Some(rows) => plan::sample(&make, rows, &mut meter),
                    None => plan::plan(&make, &mut meter),
                };
                meter.finish();
                part.signs = false;
                match &looked {
                    Ok((exit, summary)) => ended::finish(&mut part, summary, *exit),
                    Err(error) => ended::give_up(&mut part, &meter, error),
                }
                observer.enter(part);
                return looked.map_err(|error| Stopped::early(error, false));
            }
            Work::Planned(job, standing) => {
                pipeline::run_at(*job, standing, |event| meter.hear(event))
            }
            Work::Prepared(prepared) => prepared.run(|event| meter.hear(event)),
        };
        meter.finish();
        part.resumed = meter.resumed;
        match result {
            Ok(summary) => {
                let exit = self.report.print(&summary);
                ended::finish(&mut part, &summary, exit);
                observer.enter(part);
                Ok((exit, summary))
            }
            Err(error) => {
                ended::give_up(&mut part, &meter, &error);
                observer.enter(part);
                Err(match meter.left {
                    Some(left) => {
                        let left = Some(left_words(&left, self.from_stdin));
                        Box::new(Stopped { error, left })
                    }
                    None => Stopped::early(error, self.can_resume),
                })
            }
        }
    }
}

/// What somebody who goes on should know.
fn left_words(left: &Progress, from_stdin: bool) -> String {
    let input = match from_stdin {
        true => "with the same standard input; ",
        false => "",
    };
    format!("{input}{} rows are done", left.rows)
}
