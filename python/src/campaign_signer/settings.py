"""What can be set, and the command line that says it.

Knows the names of options, and nothing of formats, rows or processes.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, TypedDict, Union

from campaign_signer._binary import find_binary
from campaign_signer.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Literal, TypeAlias

    OnError: TypeAlias = Literal["annotate", "fail", "raise"]

PathLike = Union[str, "os.PathLike[str]"]


class _Required(TypedDict):
    format: str
    job_id: str
    timestamp: int | str | datetime
    row_id: str


class Settings(_Required, total=False):
    """The keyword arguments of every function that signs.

    Always needed:

    * ``format``: the format's id, as ``campaign-signer formats`` lists them;
      ``ID@VERSION`` fixes a version.
    * ``job_id``: names this run. A retry with the same id, timestamp and rows gives the
      same bytes; a new run must have a new id, or it gives out last run's nonces again.
    * ``timestamp``: the run's time: milliseconds since 1970, RFC 3339 with an offset, or
      an aware ``datetime``. Never "now": it would be another one for each retry.
    * ``row_id``: the column that identifies a row by its content. Nonces follow from it.

    One of:

    * ``key_file``: the private key. Only ever a path: the key itself is read by the
      program, where it runs.
    * ``keys_file``: a key ring (keys.toml), among whose keys each row chooses.
    * ``secret_file``: the shared secret, for formats authenticated with HS256.

    Optional:

    * ``passphrase_file``: for an encrypted key.
    * ``set``: values for rows that have none, by field.
    * ``map``: columns under other names, by field.
    * ``on_error``: what a row that cannot be signed does. ``"annotate"`` (default): it
      comes back with ``_sign_error``; ``"fail"``: the program stops, and ``DataError``
      is raised; ``"raise"`` (only ``sign_rows``): ``RowError`` with the row.
    * ``shape``: what a signed row gets: ``"record"`` (default) the signed fields, any other
      shape of the format (``campaign-signer formats ID``) its object, as ``object``.
    * ``expect_key``: the fingerprint that ``campaign-signer key FILE`` shows for
      ``key_file``. Anything else is refused before a row is signed, on each executor.
    * ``jobs``: threads of one process; 1 by default.
    * ``options``: further arguments of ``campaign-signer filter``, as they are.
    * ``binary``: the program, where ``find_binary`` would not find it.
    * ``stall_seconds``: how long the program may neither take nor give a byte; 600.
    """

    key_file: PathLike
    keys_file: PathLike
    secret_file: PathLike
    passphrase_file: PathLike
    set: Mapping[str, str | int | bool]
    map: Mapping[str, str]
    on_error: OnError
    shape: str
    expect_key: str
    jobs: int
    options: Sequence[str]
    binary: PathLike
    stall_seconds: float


_KEYS = ("key_file", "keys_file", "secret_file")


def checked(settings: Settings) -> None:
    """Refuses what no call can mean, before anything is read or started.

    Raises:
        TypeError: for arguments that do not exist or are missing.
        UsageError: for values that cannot be.
    """
    known = set(Settings.__annotations__) | set(_Required.__annotations__)
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TypeError(f"there is no argument {name!r}{hint}")
    missing = [name for name in _Required.__annotations__ if name not in settings]
    if missing:
        raise TypeError(f"missing: {', '.join(missing)}")
    keys = [name for name in _KEYS if settings.get(name) is not None]
    if len(keys) != 1:
        raise TypeError(f"give one of {', '.join(_KEYS)}; given: {', '.join(keys) or 'none'}")
    if "," in settings["format"]:
        raise UsageError("one format at a time: each row comes back as one row")
    if settings.get("expect_key") is not None and "key_file" not in keys:
        raise TypeError("expect_key is the fingerprint of key_file")


def filter_command(settings: Settings) -> list[str]:
    """The command that signs with these settings, on this machine."""
    return [find_binary(settings.get("binary")), *filter_arguments(settings)]


def filter_arguments(settings: Settings) -> list[str]:
    """That command without the program. No secret is in it: only paths are."""
    checked(settings)
    command = ["filter"]

    def add(option: str, value: object) -> None:
        # Joined, so that no value is taken for an option.
        command.append(f"{option}={value}")

    add("--format", settings["format"])
    for name, option in (
        ("key_file", "--key"),
        ("keys_file", "--keys"),
        ("secret_file", "--secret-file"),
        ("passphrase_file", "--passphrase-file"),
    ):
        value = settings.get(name)
        if value is not None:
            add(option, os.fspath(value))  # type: ignore[call-overload]
    add("--job-id", settings["job_id"])
    add("--timestamp", run_timestamp(settings["timestamp"]))
    add("--row-id", settings["row_id"])
    for field, value in settings.get("set", {}).items():
        add("--set", f"{field}={_text(value)}")
    for field, column in settings.get("map", {}).items():
        add("--map", f"{field}={column}")
    add("--shape", settings.get("shape", "record"))
    add("--on-error", "fail" if settings.get("on_error") == "fail" else "annotate")
    add("--jobs", settings.get("jobs", 1))
    # An error shows at once; why is in the exit status and what was said.
    command.append("--no-drain")
    command.extend(settings.get("options", ()))
    return command


def run_timestamp(timestamp: int | str | datetime) -> str:
    """The run's timestamp as the command line takes it.

    Raises:
        UsageError: for what is another moment each time, or none at all.
    """
    if isinstance(timestamp, bool):
        raise UsageError("the timestamp is True or False")
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            raise UsageError("the timestamp has no time zone: datetime.now(timezone.utc) has")
        since = timestamp - datetime(1970, 1, 1, tzinfo=timezone.utc)
        return str(since // timedelta(milliseconds=1))
    if isinstance(timestamp, int):
        return str(timestamp)
    if timestamp.strip().lower() == "now":
        raise UsageError(
            "the timestamp is now, which a retry would sign as another one: "
            "take int(time.time() * 1000) once, and keep it with the job id"
        )
    return timestamp


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
