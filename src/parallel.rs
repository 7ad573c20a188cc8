//! The only file with threads.
//!
//! Work comes in order, is done by many, and leaves in order; what is in
//! flight is bounded, so memory does not grow with the input. It must not
//! know what the work is.
//!
//! ```text
//! source ──▶ first stage (pool) ──▶ cut into tasks ──▶ second stage (pool) ──▶ sink
//! own thread                        own thread                                caller's thread
//! ```
//!
//! Each stage hands over slots in input order, and each slot is filled by
//! whichever worker did its work; so order is kept by construction, and a
//! slow task delays the sink but never the other workers.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rayon::ThreadPool;

/// Why a flow ended early.
#[derive(Debug)]
pub enum FlowError<E> {
    /// The source or the sink said so.
    Stopped(E),
    /// Work panicked; the panic's message.
    Panicked(String),
}

/// Workers.
pub type Pool = ThreadPool;

/// A pool of `threads` workers; 0 means as many as the machine has.
///
/// # Errors
/// When the operating system gives no threads; its own words.
pub fn pool(threads: usize) -> Result<Pool, String> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|at| format!("worker-{at}"))
        .build()
        .map_err(|error| error.to_string())
}

/// Runs everything `source` gives through `first`, cuts it with `cut`, runs
/// the pieces through `second`, and gives the results to `sink` in order.
///
/// `source` gives `Ok(None)` at its end. An error of the source, of the sink,
/// or a panic in any stage ends the flow; work that was in flight is dropped.
///
/// # Errors
/// The first error in input order.
pub fn flow<I, M, T, O, E>(
    pool: &Pool,
    mut source: impl FnMut() -> Result<Option<I>, E> + Send,
    first: impl Fn(I) -> M + Sync,
    cut: impl Fn(M, &mut dyn FnMut(T) -> bool) + Sync,
    second: impl Fn(T) -> O + Sync,
    mut sink: impl FnMut(O) -> Result<(), E>,
) -> Result<(), FlowError<E>>
where
    I: Send,
    M: Send,
    T: Send,
    O: Send,
    E: Send,
{
    // Enough that no worker waits for the sink, and no more: what is in flight
    // is what a run's memory is made of.
    let depth = pool.current_num_threads() + 2;
    let (first, second) = (&first, &second);
    pool.in_place_scope(|workers| {
        std::thread::scope(|threads| {
            let (to_cut, checked) = sync_channel::<Slot<M, E>>(depth);
            let (to_sink, done) = sync_channel::<Slot<O, E>>(depth);
            threads.spawn(move || {
                // A closed channel means that a later stage has stopped.
                loop {
                    match catch_unwind(AssertUnwindSafe(&mut source)) {
                        Ok(Ok(Some(item))) => {
                            let (fill, slot) = sync_channel(1);
                            if to_cut.send(slot).is_err() {
                                return;
                            }
                            workers.spawn(move |_| fill_slot(&fill, || first(item)));
                        }
                        Ok(Ok(None)) => return,
                        Ok(Err(error)) => {
                            send_error(&to_cut, FlowError::Stopped(error));
                            return;
                        }
                        Err(panic) => {
                            send_error(&to_cut, FlowError::Panicked(message(&*panic)));
                            return;
                        }
                    }
                }
            });
            let cut = &cut;
            threads.spawn(move || {
                for slot in checked {
                    match receive(&slot) {
                        Ok(item) => {
                            let mut open = true;
                            let mut spawn = |task: T| {
                                let (fill, slot) = sync_channel(1);
                                open &= to_sink.send(slot).is_ok();
                                if open {
                                    workers.spawn(move |_| fill_slot(&fill, || second(task)));
                                }
                                open
                            };
                            let cutting = AssertUnwindSafe(|| cut(item, &mut spawn));
                            if let Err(panic) = catch_unwind(cutting) {
                                send_error(&to_sink, FlowError::Panicked(message(&*panic)));
                                return;
                            }
                            if !open {
                                return;
                            }
                        }
                        Err(error) => {
                            send_error(&to_sink, error);
                            return;
                        }
                    }
                }
            });
            for slot in done {
                sink(receive(&slot)?).map_err(FlowError::Stopped)?;
            }
            Ok(())
        })
    })
}

/// Does some work for every item on so many threads, in no order; 0 means as
/// many as the machine has processors. Work that waits, for a disk, needs more
/// of them.
///
/// # Errors
/// One of the errors of the work; what was not begun by then is left.
pub fn each<T: Sync, E: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        threads => threads,
    };
    let threads = threads.min(items.len());
    if threads <= 1 {
        return items.iter().try_for_each(work);
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            if let Err(error) = work(item) {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        // A worker that panicked says so here: all the others have ended.
        let join = |worker: std::thread::ScopedJoinHandle<'_, Result<(), E>>| {
            let joined = worker.join();
            joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let results: Vec<Result<(), E>> = workers.into_iter().map(join).collect();
        results.into_iter().collect()
    })
}

/// One piece of work beside everything else, on a thread of its own.
pub struct Background<T>(JoinHandle<T>);

impl<T: Send + 'static> Background<T> {
    /// Starts it.
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(std::thread::spawn(work))
    }

    /// Its result, if it is done; `None` for work that panicked.
    ///
    /// # Errors
    /// The work itself, while it is not done.
    pub fn poll(self) -> Result<Option<T>, Self> {
        match self.0.is_finished() {
            true => Ok(self.wait()),
            false => Err(self),
        }
    }

    /// Waits for its result; `None` for work that panicked.
    pub fn wait(self) -> Option<T> {
        self.0.join().ok()
    }
}

/// What some work gives piece by piece, done on a thread of its own that is so
/// many pieces ahead of whoever takes them.
pub struct Ahead<T>(Receiver<Result<T, String>>);

impl<T: Send + 'static> Ahead<T> {
    /// Starts it. The work gives its pieces to what it is called with, which
    /// says `false` once nobody takes them any more.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        pieces: usize,
        work: impl FnOnce(&mut dyn FnMut(T) -> bool) + Send + 'static,
    ) -> io::Result<Self> {
        let (give, taken) = sync_channel(pieces);
        std::thread::Builder::new().spawn(move || {
            let mut own = |piece| give.send(Ok(piece)).is_ok();
            let worked = catch_unwind(AssertUnwindSafe(|| work(&mut own)));
            if let Err(panic) = worked {
                let _ = give.send(Err(message(&*panic)));
            }
        })?;
        Ok(Self(taken))
    }

    /// The next piece, or the words of the panic that ended the work; `None`
    /// after the last.
    pub fn next(&self) -> Option<Result<T, String>> {
        self.0.recv().ok()
    }
}

type Slot<T, E> = Receiver<Result<T, FlowError<E>>>;

fn fill_slot<T, E>(slot: &SyncSender<Result<T, FlowError<E>>>, work: impl FnOnce() -> T) {
    let result =
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| FlowError::Panicked(message(&*panic)));
    // Nobody waits any more where the flow has stopped.
    let _ = slot.send(result);
}

fn receive<T, E>(slot: &Slot<T, E>) -> Result<T, FlowError<E>> {
    match slot.recv() {
        Ok(result) => result,
        Err(_) => Err(FlowError::Panicked("a worker was lost".into())),
    }
}

fn send_error<T, E>(to: &SyncSender<Slot<T, E>>, error: FlowError<E>) {
    let (fill, slot) = sync_channel(1);
    let _ = fill.send(Err(error));
    let _ = to.send(slot);
}

/// The words of a panic.
pub fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_worked_on_once_and_an_error_ends_it() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [0, 1, 3, 2000] {
            let sum = AtomicUsize::new(0);
            let add = |item: &usize| {
                sum.fetch_add(*item, Ordering::SeqCst);
                Ok::<(), usize>(())
            };
            assert_eq!(each(&items, threads, add), Ok(()));
            assert_eq!(sum.into_inner(), 499_500, "{threads}");
            let fail = |item: &usize| if *item == 7 { Err(7) } else { Ok(()) };
            assert_eq!(each(&items, threads, fail), Err(7), "{threads}");
        }
    }

    fn run(
        threads: usize,
        items: u64,
        stop_at: Option<u64>,
        panic_at: Option<u64>,
    ) -> (Vec<u64>, Result<(), FlowError<String>>) {
        let pool = pool(threads).unwrap();
        let mut next = 0;
        let mut seen = Vec::new();
        let result = flow(
            &pool,
            || {
                next += 1;
                match next {
                    n if Some(n) == stop_at => Err(format!("source at {n}")),
                    n if n > items => Ok(None),
                    n => Ok(Some(n)),
                }
            },
            |n| n,
            |n, spawn| {
                let _ = (0..n % 4).all(|part| spawn(n * 10 + part));
            },
            |task| {
                assert!(Some(task) != panic_at, "task {task}");
                task
            },
            |task| {
                seen.push(task);
                Ok(())
            },
        );
        (seen, result)
    }

    #[test]
    fn what_is_ahead_comes_in_order_and_ends_with_its_taker() {
        let count = |panics: bool| {
            Ahead::start(2, move |give| {
                let mut given = 0;
                while give(given) {
                    given += 1;
                    assert!(!panics || given < 5, "at {given}");
                }
            })
            .unwrap()
        };
        let ahead = count(true);
        let all: Vec<_> = std::iter::from_fn(|| ahead.next()).collect();
        let numbers: Vec<i32> = all.iter().flatten().copied().collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!(all.last(), Some(&Err("at 5".to_owned())));
        let endless = count(false);
        assert_eq!(endless.next(), Some(Ok(0)));
    }

    #[test]
    fn results_leave_in_the_order_their_work_came() {
        let expected: Vec<u64> = (1..=500)
            .flat_map(|n| (0..n % 4).map(move |part| n * 10 + part))
            .collect();
        for threads in [1, 2, 7] {
            let (seen, result) = run(threads, 500, None, None);
            assert!(result.is_ok());
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn an_error_of_the_source_comes_after_all_work_before_it() {
        let (seen, result) = run(2, 500, Some(100), None);
        assert!(matches!(result, Err(FlowError::Stopped(words)) if words == "source at 100"));
        assert_eq!(seen.last(), Some(&992));
    }

    #[test]
    fn a_panic_in_the_work_ends_the_flow_and_keeps_its_message() {
        let (seen, result) = run(2, 500, None, Some(2010));
        assert!(matches!(result, Err(FlowError::Panicked(words)) if words == "task 2010"));
        assert_eq!(seen.last(), Some(&1992));
    }

    #[test]
    fn a_sink_that_stops_ends_the_flow() {
        let pool = pool(2).unwrap();
        let mut count = 0;
        let result = flow(
            &pool,
            || Ok(Some(1_u64)),
            |n| n,
            |n, spawn| {
                spawn(n);
            },
            |n| n,
            |_| {
                count += 1;
                if count == 10 { Err("full") } else { Ok(()) }
            },
        );
        assert!(matches!(result, Err(FlowError::Stopped("full"))));
    }
}
