//! Valgrind's client requests: how a program under Valgrind talks to it. This
//! file must not know what is secret.
//!
//! A request is a row of instructions that do nothing (`rdi` turned by 128 bits
//! in all, then `rbx` exchanged with itself) and that no compiler writes.
//! Valgrind knows them; anywhere else they do nothing, and the default comes
//! back. The numbers are those of `valgrind.h` and `memcheck.h`, which promise
//! not to change them.
#![allow(unsafe_code)] // The request itself, nothing else.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the requests are written for Linux on x86-64 only");

use std::arch::asm;

const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;
/// 'M', 'C': what memcheck understands.
const MEMCHECK: usize = 0x4d43_0000;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;

fn request(number: usize, first: usize, second: usize) -> usize {
    let arguments = [number, first, second, 0, 0, 0];
    let answer;
    // SAFETY: `rdi` ends as it began and `rbx` is not changed. Valgrind reads
    // the arguments, writes `rdx`, and touches no byte of the program's memory.
    // That memory is not declared as untouched is on purpose: what is marked
    // has to be written before and read again after.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => answer,
            options(nostack),
        );
    }
    answer
}

/// Whether Valgrind runs this program.
pub fn is_there() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

/// How many errors it has reported.
pub fn errors() -> usize {
    request(COUNT_ERRORS, 0, 0)
}

/// Calls this memory undefined: every jump and every address that depends on
/// it is reported from now on.
pub fn undefine<T>(memory: &mut [T]) {
    let bytes = size_of_val(memory);
    request(MAKE_MEM_UNDEFINED, memory.as_mut_ptr().addr(), bytes);
}

/// Calls this memory defined.
pub fn define<T>(memory: &mut [T]) {
    let bytes = size_of_val(memory);
    request(MAKE_MEM_DEFINED, memory.as_mut_ptr().addr(), bytes);
}
