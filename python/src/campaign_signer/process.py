"""One signing process: lines in, as many lines out, and the proof that it is so.

Knows pipes, exit codes and counts, and nothing of what is in a line.

The caller's thread reads the rows and gets the results; two threads of ours do
nothing but wait for the two pipes. So a full pipe blocks nobody, rows are taken
from their source in the thread that asks for results, and when it is all over no
thread and no process is left, however it ended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO

from campaign_signer.errors import (
    TAIL_BYTES,
    BinaryNotFoundError,
    ProtocolError,
    StalledError,
    error_of_exit,
)

_LOG = logging.getLogger("campaign_signer")

#: How many bytes wait before either pipe.
_WAITING = 4 << 20
#: What is read from a pipe at once, in bytes.
_READ = 1 << 20
#: A line longer than this, in bytes, is none of the program's.
_LONGEST_LINE = 256 << 20
#: How much of standard error is searched for the summary, in bytes.
_SUMMARY_BYTES = 1 << 16
#: How long a killed process's threads are waited for, in seconds.
_JOIN = 5.0

#: How long the program may neither take nor give a byte, in seconds.
STALL_SECONDS = 600.0


@dataclass(frozen=True)
class Summary:
    """What the program counted, after this module has counted the same."""

    #: How many rows there were.
    rows: int
    #: How many of them are signed.
    signed: int
    #: How many came back with ``_sign_error``.
    rejected: int
    #: The run's timestamp, in milliseconds since 1970.
    timestamp: int | None = None
    #: How often each code of rejection occurred.
    codes: dict[str, int] = field(default_factory=dict)


def exchange(
    command: Sequence[str],
    chunks: Iterable[Sequence[str]],
    *,
    stall_seconds: float = STALL_SECONDS,
) -> Generator[list[bytes], None, Summary]:
    """Runs ``command`` over lines and yields its lines, in order, in lists.

    Each chunk is a sequence of lines without their ends; no line may have one in it.
    Memory is bounded by the chunks' size, whatever their number. Nothing is whole
    until the generator has ended without an exception; it then returns the summary.
    Closing it early kills the process and waits for its end.

    Raises:
        SignError: as soon as it is clear that not every row comes back. Late failures
            come last: the exit status is looked at after the last line.
        ValueError: if a line has a line end in it: it would be two rows.
    """
    running = _Running(command)
    sent = received = 0
    rest = b""
    source = iter(chunks)
    whole = False
    try:
        while True:
            what = running.wait(stall_seconds)
            if what is _ENDED:
                break
            if what is _ROOM:
                chunk = next(source, None)
                if chunk is None:
                    running.finish()
                elif chunk:
                    running.put(_joined(chunk))
                    sent += len(chunk)
                continue
            rest, lines = _lines(rest, running.take())
            received += len(lines)
            if received > sent:
                raise ProtocolError(f"{received} lines came back for {sent} rows")
            if lines:
                yield lines
        exit_code = running.exit_code(stall_seconds)
        whole = True
    finally:
        if not whole:
            running.kill()
        stderr = running.close()
    tail = stderr[-TAIL_BYTES:].decode("utf-8", "replace")
    if exit_code:
        raise error_of_exit(exit_code, tail)
    if rest:
        raise ProtocolError("the last line that came back has no end", exit_code, tail)
    if running.refused or not running.all_given:
        raise ProtocolError("campaign-signer ended before the last row", exit_code, tail)
    if received != sent:
        raise ProtocolError(f"{received} lines came back for {sent} rows", exit_code, tail)
    summary = _summary(stderr, sent, tail)
    for line in tail.splitlines()[:-1]:
        _LOG.warning("%s", line)
    return summary


# What `_Running.wait` waits for.
_ROOM, _BLOCKS, _ENDED = "room", "blocks", "ended"


class _Running:
    """A process, its two pipes, and what waits before each of them."""

    def __init__(self, command: Sequence[str]) -> None:
        # A file takes whatever is said without anybody reading it meanwhile.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
            )
        except OSError as error:
            self._stderr.close()
            raise BinaryNotFoundError(f"{command[0]} cannot be run: {error}") from error
        self._changed = threading.Condition()
        self._moved = time.monotonic()
        self._unwritten: deque[bytes] = deque()
        self._unwritten_bytes = 0
        #: Whether there are no more rows.
        self.all_given = False
        self._unread: deque[bytes] = deque()
        self._unread_bytes = 0
        self._ended = False
        self._abandoned = False
        #: Whether the process closed its input before all of it was written.
        self.refused = False
        self._threads = [
            threading.Thread(target=self._write, name="campaign-signer stdin", daemon=True),
            threading.Thread(target=self._read, name="campaign-signer stdout", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, stall_seconds: float) -> str:
        """What can be done next: take blocks, put a chunk, or nothing more.

        Only waits when the process has something to do: rows to read, or its end.
        """

        def ready() -> bool:
            return bool(self._unread) or self._ended or self._room()

        with self._changed:
            since = time.monotonic()
            while not self._changed.wait_for(ready, stall_seconds):
                if time.monotonic() - max(since, self._moved) >= stall_seconds:
                    raise StalledError(
                        f"campaign-signer neither took nor gave a row for {stall_seconds:g} s, "
                        "and was killed"
                    )
            if self._unread:
                return _BLOCKS
            return _ENDED if self._ended else _ROOM

    def _room(self) -> bool:
        return not self.all_given and not self.refused and self._unwritten_bytes < _WAITING

    def put(self, data: bytes) -> None:
        with self._changed:
            self._unwritten.append(data)
            self._unwritten_bytes += len(data)
            self._changed.notify_all()

    def finish(self) -> None:
        """There are no more rows."""
        with self._changed:
            self.all_given = True
            self._changed.notify_all()

    def take(self) -> bytes:
        """All that has been read so far."""
        with self._changed:
            data = b"".join(self._unread)
            self._unread.clear()
            self._unread_bytes = 0
            self._changed.notify_all()
        return data

    def exit_code(self, patience: float) -> int:
        """The exit status, which may come long after the last line."""
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise StalledError(
                f"campaign-signer closed its output and did not end for {patience:g} s, "
                "and was killed"
            ) from None

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> bytes:
        """Waits for everything to be over; the end of what was said on standard error."""
        with self._changed:
            self._abandoned = True
            self._unwritten.clear()
            self._changed.notify_all()
        self._process.wait()
        for thread in self._threads:
            thread.join(_JOIN)
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - _SUMMARY_BYTES))
        said = self._stderr.read()
        self._stderr.close()
        return said

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._unwritten or self.all_given or self._abandoned
                    )
                    if not self._unwritten:
                        break
                    data = memoryview(self._unwritten.popleft())
                size = len(data)
                while data:
                    written = os.write(pipe.fileno(), data[:_READ])
                    data = data[written:]
                    self._moved = time.monotonic()
                with self._changed:
                    self._unwritten_bytes -= size
                    self._changed.notify_all()
        except OSError:
            # Whoever closes the other end early says why by an exit status.
            with self._changed:
                self.refused = not self._abandoned
                self._changed.notify_all()
        finally:
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._unread_bytes < _WAITING or self._abandoned)
                    if self._abandoned:
                        break
                data = os.read(pipe.fileno(), _READ)
                with self._changed:
                    self._moved = time.monotonic()
                    if not data:
                        break
                    self._unread.append(data)
                    self._unread_bytes += len(data)
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            pipe.close()


def _joined(chunk: Sequence[str]) -> bytes:
    data = ("\n".join(chunk) + "\n").encode("utf-8")
    if data.count(b"\n") != len(chunk):
        raise ValueError("a line has a line end in it, and would be more than one row")
    return data


def _lines(rest: bytes, data: bytes) -> tuple[bytes, list[bytes]]:
    """The part behind the last line end, and the whole lines before it."""
    *lines, rest = (rest + data).split(b"\n")
    if len(rest) > _LONGEST_LINE:
        raise ProtocolError(f"what came back has no line end for {_LONGEST_LINE} bytes")
    return rest, lines


def _summary(stderr: bytes, sent: int, tail: str) -> Summary:
    """The summary of the last line, if it counts as this module does."""
    said = stderr.strip().rpartition(b"\n")[2]
    try:
        found = json.loads(said)
        if found["event"] != "summary":
            raise KeyError("summary")
        summary = Summary(
            rows=int(found["rows"]),
            signed=int(found["signed"]),
            rejected=int(found["rejected"]),
            timestamp=found.get("timestamp"),
            codes=dict(found.get("codes") or {}),
        )
    except (ValueError, KeyError, TypeError):
        raise ProtocolError("campaign-signer ended without its summary", 0, tail) from None
    if summary.rows != sent or summary.signed + summary.rejected != sent:
        raise ProtocolError(
            f"campaign-signer counted {summary.rows} rows, {summary.signed} signed and "
            f"{summary.rejected} rejected; it was given {sent}",
            0,
            tail,
        )
    return summary
