"""Signs rows that are dictionaries, one after another.

Knows JSON and the in-band errors, and nothing of processes or formats.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from campaign_signer.errors import DataError, ProtocolError, UsageError
from campaign_signer.fields import ERROR, RAW
from campaign_signer.key import check_key
from campaign_signer.process import STALL_SECONDS, Summary, exchange
from campaign_signer.settings import Settings, checked, filter_command

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Unpack

#: How many rows, or bytes of them, are handed over at once.
_ROWS, _BYTES = 4096, 1 << 20


class RowError(DataError):
    """A row that could not be signed, with ``on_error="raise"``.

    Attributes:
        row: the row as it was given, and ``_sign_error``.
        number: its place, counted from 1.
        code: what is wrong, as the program's rejects name it.
        field: the field it is about, or ``None``.
    """

    def __init__(self, message: str, row: dict[str, Any], number: int) -> None:
        super().__init__(message)
        self.args = (message, row, number)
        self.row = row
        self.number = number
        error = row.get(ERROR) or {}
        self.code: str | None = error.get("code")
        self.field: str | None = error.get("field")


class SignedRows(Iterator[dict[str, Any]]):
    """Signed rows, in order, as they come.

    Nothing is whole until the iteration has ended without an exception; from then on
    ``summary`` has the counts. ``close`` (or leaving a ``with`` block) before that
    ends the process that signs.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], settings: Settings) -> None:
        checked(settings)
        #: The counts, once all rows have come.
        self.summary: Summary | None = None
        self._rows = self._sign(rows, settings)

    def __next__(self) -> dict[str, Any]:
        return next(self._rows)

    def __enter__(self) -> SignedRows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process that signs, if it still runs, and waits for its end."""
        self._rows.close()

    def _sign(
        self, rows: Iterable[Mapping[str, Any]], settings: Settings
    ) -> Generator[dict[str, Any], None, None]:
        command = filter_command(settings)
        check_key(settings, command[0])
        lines = exchange(
            command,
            chunked(written(rows)),
            stall_seconds=settings.get("stall_seconds", STALL_SECONDS),
        )
        number = rejected = 0
        try:
            while True:
                try:
                    block = next(lines)
                except StopIteration as ended:
                    summary: Summary = ended.value
                    break
                for line in block:
                    number += 1
                    row = read(line, number)
                    if ERROR in row:
                        rejected += 1
                        if settings.get("on_error") == "raise":
                            raise RowError(_why(row, number), row, number)
                    yield row
        finally:
            lines.close()
        if summary.rejected != rejected:
            raise ProtocolError(
                f"{rejected} rows came back with {ERROR}, and "
                f"campaign-signer counted {summary.rejected}"
            )
        self.summary = summary


def sign_rows(rows: Iterable[Mapping[str, Any]], **settings: Unpack[Settings]) -> SignedRows:
    """Signs rows as they come, and gives each back, in order.

    A signed row has its own members and behind them those it lacked: ``format``, the
    signed fields, and ``signature`` or ``jws``. A member with a signed field's exact
    name holds the signed value. A row that cannot be signed has its own members and
    ``_sign_error``, an object of ``code``, ``field`` and ``message``.

    Values are what JSON has; integers are exact, however large. ``uuid.UUID`` becomes
    text, a ``Decimal`` without a fraction an integer; everything else is refused.

    Example::

        with sign_rows(
            rows, format="skan-view", key_file="network.p8",
            job_id="2026-11-21", timestamp=1795298112850, row_id="id",
        ) as signed:
            for row in signed:
                ...

    Args:
        rows: the rows, each a mapping of columns to values; read as they are needed,
            in the thread that iterates.
        **settings: see ``Settings``.

    Raises:
        TypeError: for arguments that do not exist, and values that JSON has not.
        SignError: as the rows are iterated, of the class that says what to do.
    """
    return SignedRows(rows, settings)


def written(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each row as a line of JSON."""
    for number, row in enumerate(rows, 1):
        for taken in (ERROR, RAW):
            if taken in row:
                raise UsageError(f"row {number} has a member {taken!r} already: leave it out")
        try:
            yield _JSON.encode(dict(row))
        except (TypeError, ValueError) as error:
            raise TypeError(f"row {number} cannot be written as JSON: {error}") from error


def chunked(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines in lists of a bounded size."""
    chunk: list[str] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if len(chunk) >= _ROWS or size >= _BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def read(line: bytes, number: int) -> dict[str, Any]:
    """A line that came back.

    Raises:
        ProtocolError: if it is no JSON object.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"line {number} that came back is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise ProtocolError(f"line {number} that came back is no object")
    return row


def own_row(row: dict[str, Any], number: int) -> dict[str, Any]:
    """The same row, if it came back with its own members.

    Raises:
        DataError: if it did not: which columns it had is then unknown.
    """
    if RAW in row:
        raise DataError(_why(row, number))
    return row


def _plain_value(value: object) -> object:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    raise TypeError(f"a {type(value).__name__} is no value of JSON")


_JSON = json.JSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain_value
)


def _why(row: dict[str, Any], number: int) -> str:
    error = row[ERROR] or {}
    return f"row {number}: {error.get('message') or error.get('code') or 'not signed'}"
