//! How much memory a program takes at its highest.

use std::process::Command;
use std::time::Duration;

/// Runs a program to its end: its exit code and the highest resident memory in
/// KiB, as the kernel counted it.
pub(crate) fn run(command: &mut Command) -> (i32, u64) {
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The high-water mark only rises, so the last look is the one that
        // counts; a process that has ended has none any more.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(mark) = mark {
            peak = mark.trim().trim_end_matches(" kB").parse().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap(), peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
