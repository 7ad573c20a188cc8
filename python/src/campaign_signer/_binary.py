"""Finds the program that signs, and asks it what it knows.

Knows nothing of rows or of any format's fields.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from campaign_signer.errors import BinaryNotFoundError, error_of_exit

#: Names the program's file where it is in none of the usual places.
VARIABLE = "CAMPAIGN_SIGNER_BINARY"

_NAME = "campaign-signer" + (".exe" if os.name == "nt" else "")

#: How long a question that reads no rows may take, in seconds.
_PATIENCE = 60.0


def find_binary(binary: str | os.PathLike[str] | None = None) -> str:
    """The path of the program.

    Looked for in this order: ``binary`` itself, the file that the environment
    variable ``CAMPAIGN_SIGNER_BINARY`` names, the folders of scripts where a wheel
    puts it, and ``PATH``.

    Raises:
        BinaryNotFoundError: if it is in none of them; says where it was looked for.
    """
    named = os.fspath(binary) if binary is not None else os.environ.get(VARIABLE)
    if named:
        if _can_run(Path(named)):
            return os.path.abspath(named)
        whence = "the argument binary" if binary is not None else f"the variable {VARIABLE}"
        raise BinaryNotFoundError(f"{named}, which {whence} names, is no program that can be run")
    looked: list[str] = []
    for folder in _folders():
        candidate = Path(folder) / _NAME
        if _can_run(candidate):
            return str(candidate)
        looked.append(str(folder))
    found = shutil.which(_NAME)
    if found:
        return os.path.abspath(found)
    raise BinaryNotFoundError(
        f"{_NAME} is neither in {', '.join(looked)} nor in PATH on this machine; install the "
        f"package there (pip install campaign-signer), or name the file in {VARIABLE}"
    )


def ask(arguments: Sequence[str], binary: str | None = None) -> str:
    """What the program prints for ``arguments`` (of a verb that reads no rows).

    Raises:
        SignError: of the class that belongs to the exit code.
    """
    program = find_binary(binary)
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except OSError as error:
        raise BinaryNotFoundError(f"{program} cannot be run: {error}") from error
    if done.returncode:
        raise error_of_exit(done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8")


def run(arguments: Sequence[str]) -> int:
    """Becomes the program (or waits for it, on Windows), and returns its exit code."""
    command = [find_binary(), *arguments]
    if os.name == "nt":
        return subprocess.run(command, check=False).returncode
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)
    return None


def _can_run(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _folders() -> list[str]:
    """Where wheels put programs: of this environment, of the user, of ``--target``."""
    package = Path(__file__).resolve().parent
    folders = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", scheme="nt_user" if os.name == "nt" else "posix_user"),
        # pip install --target FOLDER: FOLDER/campaign_signer and FOLDER/bin.
        str(package.parent / "bin"),
    ]
    return list(dict.fromkeys(folders))
