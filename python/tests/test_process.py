"""The one process: whatever it does wrong is an exception, and nothing is left of it."""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_signer import errors
from campaign_signer.process import Summary, exchange

STANDIN = [sys.executable, str(Path(__file__).with_name("standin.py"))]


def rows(count: int, text: str = "") -> Iterator[list[str]]:
    """Rows in chunks of a hundred."""
    for start in range(0, count, 100):
        yield [json.dumps({"id": n, "text": text}) for n in range(start, min(count, start + 100))]


def run(fault: str, count: int = 2000, stall_seconds: float = 30.0) -> tuple[int, Summary]:
    """How many lines came, and the summary."""
    came = 0
    source = exchange([*STANDIN, fault], rows(count), stall_seconds=stall_seconds)
    while True:
        try:
            came += len(next(source))
        except StopIteration as ended:
            return came, ended.value


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread, no child and no descriptor outlives a call, however it ended."""
    open_before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("campaign-signer")] == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    if open_before:
        assert len(os.listdir("/proc/self/fd")) == open_before


@pytest.mark.parametrize("count", [0, 1, 499, 100_000])
def test_every_row_comes_back_in_order_and_is_counted(count: int) -> None:
    lines = [line for block in exchange([*STANDIN, "none"], rows(count)) for line in block]
    assert [json.loads(line)["id"] for line in lines] == list(range(count))
    assert run("none", count) == (count, Summary(count, count, 0))


@pytest.mark.parametrize(
    ("fault", "kind", "exit_code", "says"),
    [
        ("midway", errors.StreamError, 6, "the disk is full"),
        ("killed", errors.ProcessDiedError, -9, "signal 9"),
        ("no-input", errors.SigningKeyError, 3, "the key cannot be read"),
        ("late", errors.InternalError, 70, "an internal check failed"),
        ("drop", errors.ProtocolError, 0, "1999 lines came back for 2000 rows"),
        ("double", errors.ProtocolError, None, "came back for"),
        ("stops-well", errors.ProtocolError, 0, "before the last row"),
        ("half", errors.ProtocolError, 0, "has no end"),
        ("open", errors.ProtocolError, 0, "has no end"),
        ("silent", errors.ProtocolError, 0, "without its summary"),
        ("miscounts", errors.ProtocolError, 0, "counted 2001 rows"),
    ],
)
def test_a_fault_is_an_exception_of_its_kind_that_says_what_happened(
    fault: str, kind: type[errors.SignError], exit_code: int | None, says: str
) -> None:
    # Many rows for those that would end before the rest is written.
    count = 50_000 if fault in ("midway", "killed", "no-input", "stops-well", "half") else 2000
    with pytest.raises(kind, match=says) as caught:
        run(fault, count)
    assert type(caught.value) is kind
    if exit_code is not None:
        assert caught.value.exit_code == exit_code
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.exit_code) == (kind, str(caught.value), exit_code)


@pytest.mark.parametrize("fault", ["hang", "lingers"])
def test_a_process_that_does_nothing_for_too_long_is_killed(fault: str) -> None:
    began = time.monotonic()
    with pytest.raises(errors.StalledError, match="and was killed"):
        run(fault, 50_000 if fault == "hang" else 2000, stall_seconds=1.5)
    assert time.monotonic() - began < 20


def test_slow_rows_and_slow_results_are_no_stall() -> None:
    def slow() -> Iterator[list[str]]:
        for chunk in rows(300):
            time.sleep(0.7)
            yield chunk

    came = 0
    for block in exchange([*STANDIN, "none"], slow(), stall_seconds=0.5):
        came += len(block)
        time.sleep(0.7)
    assert came == 300


def test_a_full_standard_error_blocks_nobody_and_only_its_end_is_kept() -> None:
    assert run("noise") == (2000, Summary(2000, 2000, 0))


def test_the_end_of_what_was_said_is_in_the_exception() -> None:
    code = "import sys; sys.stderr.write('x' * 100_000 + 'the reason'); sys.exit(4)"
    with pytest.raises(errors.DataError, match="the reason") as caught:
        list(exchange([sys.executable, "-c", code], rows(10)))
    assert len(caught.value.stderr) == errors.TAIL_BYTES


def test_a_program_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(errors.BinaryNotFoundError, match="no/such/program"):
        list(exchange(["no/such/program"], rows(10)))


@pytest.mark.parametrize("line", ['{"a":1}\n{"b":2}', "\n", '{"a":1}\n'])
def test_a_line_end_in_a_value_can_not_become_a_row(line: str) -> None:
    with pytest.raises(ValueError, match="line end"):
        list(exchange([*STANDIN, "none"], [["{}", line]]))


def test_stopping_early_ends_the_process() -> None:
    source = exchange([*STANDIN, "none"], rows(10_000_000))
    next(source)
    source.close()


def test_an_error_in_the_rows_source_is_that_error_and_ends_the_process() -> None:
    def broken() -> Iterator[list[str]]:
        yield from rows(1000)
        raise ZeroDivisionError("upstream")

    with pytest.raises(ZeroDivisionError, match="upstream"):
        list(exchange([*STANDIN, "none"], broken()))


def test_rows_are_read_in_the_callers_thread() -> None:
    threads = set()

    def watched() -> Iterator[list[str]]:
        for chunk in rows(1000):
            threads.add(threading.current_thread())
            yield chunk

    list(exchange([*STANDIN, "none"], watched()))
    assert threads == {threading.current_thread()}


def test_rows_are_taken_only_as_fast_as_results_are() -> None:
    """What is under way is bounded: by pipes and queues, never by the number of rows."""
    text = "x" * 100_000
    given = 0

    def counted() -> Iterator[list[str]]:
        nonlocal given
        for chunk in rows(100_000, text):
            given += len(chunk)
            yield chunk

    source = exchange([*STANDIN, "none"], counted())
    next(source)
    time.sleep(1)
    # Two queues of 4 MiB, a chunk of 10 MB beside each of them, and the pipes.
    assert given * len(text) < 50_000_000
    source.close()
