//! Ctrl-C: by default it ends the process, as everywhere; under a [`Guard`] the first one only asks.
//!
//! **Invariants**
//! 1. Without a guard the signal kills, as if no handler were there; with one, the second signal does.
//! 2. A read that waits for input under a guard is woken by the signal, however late the input comes.
//!
//! **Source** The self-pipe trick, D. J. Bernstein, 1990: the handler writes a byte into a pipe that the reader polls
//! beside its input, so that no signal is lost between a check and a wait.

use crate::failure::{Answer, Failure, Outcome};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::SIGINT;
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// How many guards there are.
static GUARDS: AtomicU32 = AtomicU32::new(0);
static HANDLER: OnceLock<Option<Handler>> = OnceLock::new();

struct Handler {
    /// Whether the next signal kills: true without a guard, and after the first signal under one.
    fatal: Arc<AtomicBool>,
    /// Readable once a signal has come.
    woken: UnixStream,
}

/// While one lives, the first Ctrl-C only makes [`requested`] true.
pub(crate) struct Guard(());

/// Starts to catch Ctrl-C. Where the handler cannot be installed, Ctrl-C goes on to kill.
pub(crate) fn guard() -> Guard {
    if GUARDS.fetch_add(1, Ordering::SeqCst) == 0
        && let Some(handler) = HANDLER.get_or_init(|| install().ok())
    {
        // What an earlier signal left in the pipe is not for this guard.
        while matches!((&handler.woken).read(&mut [0; 64]), Ok(1..)) {}
        handler.fatal.store(false, Ordering::SeqCst);
    }
    Guard(())
}

impl Drop for Guard {
    fn drop(&mut self) {
        if GUARDS.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(Some(handler)) = HANDLER.get()
        {
            handler.fatal.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether Ctrl-C came while a guard lived.
pub(crate) fn requested() -> bool {
    let handler = HANDLER.get().and_then(Option::as_ref);
    handler.is_some_and(|h| h.fatal.load(Ordering::SeqCst)) && GUARDS.load(Ordering::SeqCst) > 0
}

/// How a command ends that stopped early if Ctrl-C came.
pub(crate) fn outcome() -> Answer {
    if requested() {
        return Err(Failure::Interrupted("interrupted".into()));
    }
    Ok(Outcome::Done)
}

fn install() -> io::Result<Handler> {
    let fatal = Arc::new(AtomicBool::new(true));
    let (woken, wake) = UnixStream::pair()?;
    woken.set_nonblocking(true)?;
    // They run in this order: the check comes before the flag is set, so the first signal under a guard passes it.
    flag::register_conditional_default(SIGINT, Arc::clone(&fatal))?;
    flag::register(SIGINT, Arc::clone(&fatal))?;
    low_level::pipe::register(SIGINT, wake)?;
    Ok(Handler { fatal, woken })
}

/// A file whose reads end, as if it ended there, when Ctrl-C comes under a guard.
pub(crate) struct Interruptible<F>(pub(crate) F);

impl<F: AsFd> Read for Interruptible<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !wait_readable(&self.0)? {
            return Ok(0);
        }
        match rustix::io::read(&self.0, buf) {
            // A standard input that was closed by the caller reads as an empty one, as std has it.
            Err(Errno::BADF) => Ok(0),
            other => Ok(other?),
        }
    }
}

/// Waits until there is something to read; false if Ctrl-C came under a guard.
fn wait_readable(file: &impl AsFd) -> io::Result<bool> {
    let Some(Some(handler)) = HANDLER.get() else { return Ok(true) };
    while GUARDS.load(Ordering::SeqCst) > 0 {
        if requested() {
            return Ok(false);
        }
        let mut both = [
            PollFd::new(file, PollFlags::IN),
            PollFd::from_borrowed_fd(handler.woken.as_fd(), PollFlags::IN),
        ];
        match poll(&mut both, None) {
            Ok(_) if !both[0].revents().is_empty() => return Ok(!requested()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(true)
}
