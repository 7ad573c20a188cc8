"""Writes rows to be signed, each with an id of its own: ``make_rows.py FOLDER [ROWS]``.

Ids are made once, here, and stand in files that nobody changes. An id that is made
while signing (``monotonically_increasing_id``) is another one when a task runs again.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession


def main(folder: str, count: int = 200_000) -> None:
    """Writes ``count`` rows of one ad network as Parquet; refuses to replace any."""
    spark = SparkSession.builder.appName("make rows").getOrCreate()
    rows = spark.range(0, count, 1, 8).selectExpr(
        "id",
        "'example123.skadnetwork' as `ad-network-id`",
        "cast(10 + id % 9000 as int) as `source-identifier`",
        "525463029 + id % 1000 as `itunes-item-id`",
        "1234567891 as `source-app-id`",
        "concat('campaign ', id % 40) as campaign",
    )
    rows.write.mode("errorifexists").parquet(folder, compression="zstd")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
