"""A cluster of its own, and ``kill -9``: with ``pytest --slow``, from an installed wheel.

Whatever is killed, the same rows come out: the same digest, no second nonce.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import EXAMPLES, FINGERPRINT, KEY, RUN, needed, needs_java, processes

needed("pyspark")
pytestmark = [pytest.mark.slow, needs_java, pytest.mark.usefixtures("program")]

SPARK = EXAMPLES / "spark"
ROWS = 200_000
SUBMIT = [str(Path(sys.executable).with_name("spark-submit")), "--conf", "spark.ui.enabled=false"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The URL of a master with two workers, on the loopback, and their script."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        [str(SPARK / "cluster.sh"), "sh", "-c", "echo MASTER; cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": path, "SPARK_MASTER_PORT": "17077"},
    ) as script:
        assert script.stdin is not None
        assert script.stdout is not None
        url = script.stdout.readline().strip()
        assert url == "spark://127.0.0.1:17077"
        yield url
        script.stdin.close()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster") / "rows"
    local = [*SUBMIT, "--master", "local[2]", SPARK / "make_rows.py", folder, ROWS]
    made = subprocess.run(
        [*map(str, local)], capture_output=True, text=True, env=environment(), check=False
    )
    assert made.returncode == 0, made.stderr[-5000:]
    return folder


def environment() -> dict[str, str]:
    return {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}


def start(master: str, rows: Path, out: Path) -> subprocess.Popen[str]:
    """The example's job, slowly enough to be disturbed."""
    job = [
        *SUBMIT, "--master", master, "--conf", "spark.executor.memory=600m",
        "--conf", "spark.cores.max=2", SPARK / "job.py", rows, out, "--key-file", KEY,
        "--expect-key", FINGERPRINT, "--job-id", RUN["job_id"], "--timestamp", RUN["timestamp"],
        "--option=--engine=p256",
    ]  # fmt: skip
    return subprocess.Popen(
        [*map(str, job)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def digest(out: Path) -> str:
    """Of all rows with all their columns, sorted by their id."""
    import pyarrow.dataset

    table = pyarrow.dataset.dataset(out, format="parquet").to_table().sort_by("id")
    assert table.num_rows == ROWS
    assert len(set(table["nonce"].to_pylist())) == ROWS
    whole = hashlib.sha256()
    for row in table.to_pylist():
        whole.update(json.dumps(row).encode())
    return whole.hexdigest()


def kill_one(find: Callable[[], list[int]], job: subprocess.Popen[str]) -> None:
    """Kills one of these as soon as it is at work."""
    end = time.monotonic() + 240
    while not (at_work := signers()) or not (found := find()):
        assert job.poll() is None, job.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)
    assert at_work
    time.sleep(0.3)
    os.kill(find()[0] if find() else found[0], signal.SIGKILL)


def signers() -> list[int]:
    return processes(" filter ", f"--job-id={RUN['job_id']}")


def test_rows_are_the_same_whatever_is_killed(cluster: str, rows: Path, tmp_path: Path) -> None:
    undisturbed = start(cluster, rows, tmp_path / "undisturbed")
    said, errors = undisturbed.communicate()
    assert undisturbed.returncode == 0, errors
    tally = json.loads(said.splitlines()[-1])
    assert (tally["expected"], tally["signed"], tally["repeated"]) == (ROWS, ROWS, 0)
    expected = digest(tmp_path / "undisturbed")

    def executors() -> list[int]:
        return processes("CoarseGrainedExecutorBackend", "127.0.0.1:17077") or processes(
            "CoarseGrainedExecutorBackend", "--worker-url"
        )

    for name, find in (("signer", signers), ("executor", executors)):
        job = start(cluster, rows, tmp_path / name)
        kill_one(find, job)
        _, errors = job.communicate()
        assert job.returncode == 0, errors
        assert digest(tmp_path / name) == expected, f"a killed {name} changes nothing"
        lost = {"signer": "ended by signal 9", "executor": "Lost executor"}[name]
        assert lost in errors

    job = start(cluster, rows, tmp_path / "driver")
    kill_one(lambda: [job.pid], job)
    job.communicate()
    assert job.returncode == -signal.SIGKILL
    assert not (tmp_path / "driver" / "_SUCCESS").exists()
    end = time.monotonic() + 60
    while signers():
        assert time.monotonic() < end, "no signer is left behind"
        time.sleep(0.5)
    again = start(cluster, rows, tmp_path / "again")
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert digest(tmp_path / "again") == expected
