//! Scheduling and memory of the calling thread: what lets vg-vrrp run on time on a busy host.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;

/// SCHED_RR priority of vg-vrrp, 1-99. Above every normal thread, below the kernel's interrupt threads (50).
pub const PRIORITY: i32 = 10;

/// Makes the calling thread SCHED_RR with [`PRIORITY`]; programs that it starts are normal again. `Err` is usually
/// `PermissionDenied`: neither CAP_SYS_NICE nor RLIMIT_RTPRIO, or a control group without real-time share.
pub fn realtime() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: `parameters` is a valid sched_param for the length of the call; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &parameters) };
    answer(result)
}

/// Locks the memory that the calling thread lives on: its stack, the program text and the heap arena that it allocates
/// from. Pages are locked as they are touched, so nothing is read in early and the traffic's buffers stay swappable
/// (mlockall would take the workers' memory too, and MCL_FUTURE turns a small RLIMIT_MEMLOCK into failing allocations).
///
/// Tells how many bytes of address space were locked. `Err` is the first refusal, usually RLIMIT_MEMLOCK; what could be
/// locked is locked nevertheless.
pub fn lock_memory() -> io::Result<usize> {
    let on_stack = 0_u8;
    let on_heap = Box::new(0_u64);
    let addresses =
        [&raw const on_stack as usize, lock_memory as fn() -> io::Result<usize> as usize, &raw const *on_heap as usize];
    let mut locked = 0;
    let mut refusal = None;
    for range in mappings_of(&std::fs::read_to_string("/proc/self/maps")?, &addresses) {
        match lock(&range) {
            Ok(()) => locked += range.len(),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    refusal.map_or(Ok(locked), Err)
}

fn lock(range: &Range<usize>) -> io::Result<()> {
    // SAFETY: mlock2 reads and writes no memory of ours; a range that is gone by now makes it fail with ENOMEM.
    let result = unsafe { libc::mlock2(range.start as *const libc::c_void, range.len(), libc::MLOCK_ONFAULT) };
    answer(result)
}

fn answer(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The mappings in the text of `/proc/self/maps` that contain any of `addresses`, each once.
fn mappings_of(maps: &str, addresses: &[usize]) -> Vec<Range<usize>> {
    let range = |line: &str| -> Option<Range<usize>> {
        let (start, end) = line.split_whitespace().next()?.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    };
    maps.lines().filter_map(range).filter(|range| addresses.iter().any(|address| range.contains(address))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_that_holds_an_address_is_found_once() {
        let maps = "1000-2000 r-xp 00000000 00:00 0 /bin/x\n2000-3000 rw-p 00000000 00:00 0\n";
        let bounds = |addresses: &[usize]| -> Vec<(usize, usize)> {
            mappings_of(maps, addresses).into_iter().map(|range| (range.start, range.end)).collect()
        };
        assert_eq!(bounds(&[0x1000, 0x1fff]), [(0x1000, 0x2000)]);
        assert_eq!(bounds(&[0x2000]), [(0x2000, 0x3000)]);
        assert!(mappings_of(maps, &[0x3000]).is_empty());
    }

    #[test]
    fn refusal_to_lock_or_to_run_in_real_time_is_a_value() {
        std::thread::spawn(|| {
            let _ = lock_memory();
            let _ = realtime();
        })
        .join()
        .unwrap();
    }
}
