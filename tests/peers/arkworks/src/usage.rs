//! What the process has used.

fn usage() -> Option<libc::rusage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the struct it is given; zeroes are a valid value of it besides.
    unsafe {
        (libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) == 0).then(|| usage.assume_init())
    }
}

/// User and system time of all threads.
pub fn cpu_ms() -> f64 {
    let of = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    usage().map_or(0.0, |usage| of(usage.ru_utime) + of(usage.ru_stime))
}

/// The most resident memory so far, in 10^6 bytes.
pub fn peak_megabytes() -> f64 {
    let unit = if cfg!(target_os = "macos") {
        1.0
    } else {
        1024.0
    };
    usage().map_or(0.0, |usage| usage.ru_maxrss as f64 * unit / 1e6)
}
