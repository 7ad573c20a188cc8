"""What the tests share: the program, public test keys, and rows."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign_signer import BinaryNotFoundError, find_binary

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STANDIN = Path(__file__).with_name("standin.py")

#: A public test key, of which nothing secret is left.
KEY = EXAMPLES / "keys" / "demo.p8"
SECRET = EXAMPLES / "keys" / "demo.secret.txt"
FINGERPRINT = "Snpg5zrNG0HAEAI5ufiP4iiaRU_uxFHv9vlfMym1oZI"

#: What every run is given: with it, the same rows give the same bytes.
RUN: dict[str, Any] = {
    "format": "skan-view",
    "key_file": KEY,
    "job_id": "python-tests",
    "timestamp": 1_695_298_112_850,
    "row_id": "id",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="clusters, and processes that are killed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="only with --slow"))


def missing(what: str) -> None:
    """Skips a test for want of a program, or fails where all of them are wanted."""
    if os.environ.get("CAMPAIGN_SIGNER_NEEDS") == "all":
        pytest.fail(f"{what} is missing, and CAMPAIGN_SIGNER_NEEDS=all is set")
    pytest.skip(f"{what} is missing", allow_module_level=True)


def needed(module: str) -> Any:
    """A module; without it, the tests that need it are skipped or fail as for a program."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing(f"the module {module} (pip install {module})")


@pytest.fixture(scope="session")
def program() -> str:
    """The real program: the wheel's, or the one CAMPAIGN_SIGNER_BINARY names."""
    try:
        return find_binary()
    except BinaryNotFoundError:
        missing("campaign-signer")
        raise


@pytest.fixture
def faulty(program: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Makes a program that fails as told: always, or until a file is there."""

    def make(fault: str, once: Path | None = None) -> str:
        script = tmp_path_factory.mktemp("standin") / "campaign-signer"
        told = f"REAL={program} FAULT={fault} " + (f"ONCE='{once}' " if once else "")
        script.write_text(f'#!/bin/sh\n{told}exec {sys.executable} {STANDIN} "$@"\n')
        script.chmod(0o755)
        return str(script)

    return make


def make_rows(count: int) -> list[dict[str, Any]]:
    """Rows of one ad network; each 1000th cannot be signed, for one reason or another."""
    rows = []
    for n in range(count):
        row = {
            "id": n,
            "ad-network-id": "example123.skadnetwork",
            "source-identifier": 10 + n % 9000,
            "itunes-item-id": 525_463_029 + n,
            "source-app-id": 1_234_567_891,
            "note": f'Grüße "{n}"\\ \u2028 \n,\t\u00e9 \U0001f600',
        }
        if n % 1000 == 7:
            row["source-identifier"] = 5 if n % 2000 == 7 else 12345
        rows.append(row)
    return rows


def dumped(row: dict[str, Any]) -> str:
    """A row as a line, as compact as the program writes it."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def command_line(program: str, *arguments: object, stdin: str | None = None) -> str:
    """What the program prints, run as a person would."""
    done = subprocess.run(
        [program, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def filter_arguments(run: dict[str, Any]) -> list[object]:
    """The command line that a run stands for."""
    return [
        "filter", "-f", run["format"], "-k", run["key_file"], "--job-id", run["job_id"],
        "--timestamp", run["timestamp"], "--row-id", run["row_id"],
    ]  # fmt: skip


def processes(*words: str) -> list[int]:
    """Processes in whose command line all these words are."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if all(word in line for word in words):
                found.append(int(entry.name))
    return found


needs_java = pytest.mark.skipif(
    shutil.which("java") is None and os.environ.get("CAMPAIGN_SIGNER_NEEDS") != "all",
    reason="Java is missing (Debian: openjdk-17-jre-headless)",
)
