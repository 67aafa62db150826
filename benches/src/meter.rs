//! The cost of a piece of work in this process: time, CPU, allocations, memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// What one repetition of a case came to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// Lines that the feeder sent, or requests that were answered.
    pub events: u64,
    /// What the consumer received; fewer where deltas were merged or dropped.
    #[serde(default)]
    pub received: u64,
    pub wall_ns: u64,
    /// User and system time of this process; the feeder is another one.
    pub cpu_ns: u64,
    #[serde(default)]
    pub allocations: u64,
    /// The most bytes that were allocated at a time, beyond those at the start.
    #[serde(default)]
    pub heap_peak: u64,
    /// The growth of the largest resident set.
    #[serde(default)]
    pub resident_peak: u64,
    /// Bytes of text that came in deltas.
    #[serde(default)]
    pub text: u64,
}

/// Counts allocations while a [`Meter`] asks for that, so that timings go without.
pub struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

fn grown(by: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    let live = LIVE.fetch_add(by as u64, Relaxed).wrapping_add(by as u64);
    // What was allocated before counting began may be freed now: the count may pass below zero.
    if (live as i64) > PEAK.load(Relaxed) as i64 {
        PEAK.fetch_max(live, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            grown(layout.size());
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTING.load(Relaxed) {
            LIVE.fetch_sub(layout.size() as u64, Relaxed);
        }
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            LIVE.fetch_sub(layout.size() as u64, Relaxed);
            grown(size);
        }
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// A measurement that has begun.
pub struct Meter {
    began: Instant,
    cpu: u64,
    resident: u64,
}

impl Meter {
    pub fn start() -> Self {
        let resident = status("VmRSS:");
        if std::env::var_os("BENCH_COUNT").is_some() {
            COUNTING.store(true, Relaxed);
        }
        Self {
            began: Instant::now(),
            cpu: cpu_ns(),
            resident,
        }
    }

    pub fn stop(self, events: u64, received: u64, text: u64) -> Sample {
        COUNTING.store(false, Relaxed);
        Sample {
            events,
            received,
            text,
            wall_ns: self.began.elapsed().as_nanos() as u64,
            cpu_ns: cpu_ns() - self.cpu,
            allocations: ALLOCATIONS.load(Relaxed),
            heap_peak: PEAK.load(Relaxed),
            resident_peak: status("VmHWM:").saturating_sub(self.resident),
        }
    }
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a whole `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A line of `/proc/self/status` in bytes; zero where there is no such file.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) * 1024
}
