//! One thread or several.
//!
//! Whether arkworks uses threads is decided when it is compiled, and its code for several is not the
//! one for one. So there are two programs, `arkworks` and `arkworks-parallel`; each serves what it
//! is for, and lets the other take its place (the same process, with the request in hand) otherwise.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;

const SUFFIX: &str = "-parallel";

pub struct Threads {
    #[cfg(feature = "parallel")]
    pool: rayon::ThreadPool,
}

impl Threads {
    /// So many threads; does not return where the other program is the one for it.
    pub fn new(count: usize, request: &str) -> Outcome<Threads> {
        if (count > 1) != cfg!(feature = "parallel") {
            let other = other()?;
            let error = Command::new(&other).arg(request).exec();
            return Err(format!("{}: {error}", other.display()));
        }
        Threads::with(count)
    }

    #[cfg(feature = "parallel")]
    fn with(count: usize) -> Outcome<Threads> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
        Ok(Threads {
            pool: pool.map_err(|error| error.to_string())?,
        })
    }

    #[cfg(not(feature = "parallel"))]
    fn with(_count: usize) -> Outcome<Threads> {
        Ok(Threads {})
    }

    /// Runs it on these threads.
    #[cfg(feature = "parallel")]
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    #[cfg(not(feature = "parallel"))]
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        work()
    }
}

/// The program beside this one.
fn other() -> Outcome<PathBuf> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let name = this
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let wanted = match name.strip_suffix(SUFFIX) {
        Some(stem) => stem.to_string(),
        None => format!("{name}{SUFFIX}"),
    };
    let path = this.with_file_name(wanted);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!(
        "{} is missing: run `make peers-arkworks`",
        path.display()
    ))
}
