"""What Spark costs beside two processes on the same rows: ``overhead.py [ROWS [TIMES]]``.

Both read the rows from files and write the signed ones to files, on two cores: the
processes NDJSON, Spark (``local[2]``) Parquet. Medians of several runs, taken in turns,
after one that is not counted. CPU seconds are those of all processes together; on a
machine that does something else they say more than the clock.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

import campaign_signer.spark
from campaign_signer import find_binary
from campaign_signer.settings import filter_arguments

RUN: Any = {
    "format": "skan-view",
    "key_file": Path(__file__).resolve().parents[1] / "examples" / "keys" / "demo.p8",
    "job_id": "overhead",
    "timestamp": 1_695_298_112_850,
    "row_id": "id",
}


def main(rows: int = 200_000, times: int = 5) -> None:
    """Prints a line for each engine."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = spark.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    machine: Any = session.sparkContext._jvm
    java = int(machine.ProcessHandle.current().pid())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = session.range(0, rows, 1, 2).selectExpr(
            "id",
            "'example123.skadnetwork' as `ad-network-id`",
            "cast(10 + id % 9000 as int) as `source-identifier`",
            "525463029 + id as `itunes-item-id`",
            "1234567891 as `source-app-id`",
        )
        made.write.parquet(str(folder / "rows"), compression="zstd")
        made.write.json(str(folder / "lines"))
        halves = sorted((folder / "lines").glob("part-*"))

        for engine in ("p256", "auto"):
            run: Any = {**RUN, "options": [f"--engine={engine}"]}
            command = [find_binary(), *filter_arguments(run)]

            def native(command: list[str] = command) -> None:
                processes = [
                    subprocess.Popen(
                        command,
                        stdin=half.open("rb"),
                        stdout=(folder / f"{half.name}.signed").open("wb"),
                        stderr=subprocess.DEVNULL,
                    )
                    for half in halves
                ]
                assert [process.wait() for process in processes] == [0, 0]

            count = iter(range(1000))

            def spark_job(run: Any = run, engine: str = engine, count: Any = count) -> None:
                signed = campaign_signer.spark.sign(
                    session.read.parquet(str(folder / "rows")), **run
                )
                signed.write.parquet(str(folder / f"{engine}-{next(count)}"), compression="zstd")

            measured: dict[str, list[tuple[float, float]]] = {"native": [], "spark": []}
            for turn in range(times + 1):
                for who, work in (("native", native), ("spark", spark_job)):
                    figures = measure(work, java)
                    if turn:
                        measured[who].append(figures)
            wall, cpu = (
                {name: statistics.median(each[i] for each in all) for name, all in measured.items()}
                for i in (0, 1)
            )
            print(
                f"{engine}: {rows} rows; two processes {wall['native']:.2f} s "
                f"({cpu['native']:.2f} s of CPU), Spark {wall['spark']:.2f} s "
                f"({cpu['spark']:.2f} s of CPU): {wall['spark'] / wall['native'] - 1:+.0%} "
                f"({cpu['spark'] / cpu['native'] - 1:+.0%} of CPU)"
            )
    session.stop()


def measure(work: Callable[[], None], java: int) -> tuple[float, float]:
    """Seconds by the clock, and of CPU."""
    began, used = time.monotonic(), cpu_seconds(java)
    work()
    # Workers that have ended are counted by who waits for them.
    return time.monotonic() - began, cpu_seconds(java) - used


def cpu_seconds(java: int) -> float:
    """Of this process, of Spark's, and of all that they have started and waited for."""
    own, ended = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    total = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    ticks = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    times: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            times[int(entry.name)] = sum(map(int, fields[11:15])) / ticks
    for pid, used in times.items():
        ancestor = pid
        while ancestor not in (java, 0, 1):
            ancestor = parents.get(ancestor, 0)
        total += used if ancestor == java else 0
    return total


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
