"""DuckDB, Polars, pandas and plain Python: each signs the same rows and writes them.

``recipes.py OUT_FOLDER``; each function stands for itself, take the one you need.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import campaign_signer

KEY = Path(__file__).resolve().parents[1] / "keys" / "demo.p8"

#: The same for all retries of a run, and never the same for two runs. Keep both, for
#: example with the run's record in your scheduler.
RUN: dict[str, Any] = {
    "format": "skan-view",
    "key_file": KEY,
    "job_id": "recipes-1",
    "timestamp": int(time.time() * 1000),
    "row_id": "id",
}

QUERY = """
    select id, 'example123.skadnetwork' as "ad-network-id", 5239 as "source-identifier",
           525463029 as "itunes-item-id", 1234567891 + id as "source-app-id",
           timestamp '2026-11-21 00:00:00.000001' as "loaded at"
    from range(10000) as rows(id)
"""


def duckdb_to_parquet(out: Path) -> None:
    """A query to a Parquet file, in constant memory."""
    import duckdb
    import pyarrow.parquet as pq

    rows = duckdb.connect().sql(QUERY).to_arrow_reader(10_000)
    signed = campaign_signer.sign_batches(rows.schema, rows, **RUN)
    partial = out / "duckdb.parquet.partial"
    with pq.ParquetWriter(partial, signed.schema, compression="zstd") as writer:
        for batch in signed:
            writer.write_batch(batch)
    # Only a file that is whole gets its name: an exception above leaves none.
    partial.rename(out / "duckdb.parquet")


def duckdb_table() -> int:
    """A query to a table, and what is signed counted by SQL."""
    import duckdb

    database = duckdb.connect()
    signed = campaign_signer.sign_table(database.sql(QUERY), **RUN)
    database.register("came", signed)
    database.execute("create table signed as select * from came")
    (count,) = database.sql("select count(*) from signed where _sign_error is null").fetchall()[0]
    return int(count)


def polars_frame() -> Any:
    """A Polars data frame to another."""
    import polars as pl

    rows = pl.DataFrame(
        {
            "id": [1, 2],
            "ad-network-id": ["example123.skadnetwork"] * 2,
            "source-identifier": [5239, 5],
            "itunes-item-id": [525463029] * 2,
            "source-app-id": [1234567891] * 2,
        }
    )
    signed = pl.DataFrame(campaign_signer.sign_table(rows, **RUN))
    rejected = signed.filter(pl.col("_sign_error").is_not_null())
    print(rejected.select("id", pl.col("_sign_error").struct.field("message")))
    return signed


def pandas_frame() -> Any:
    """A pandas data frame to another; ids with gaps must be Int64, never float64."""
    import pandas as pd

    rows = pd.DataFrame(
        {
            "id": ["a", "b"],
            "ad-network-id": "example123.skadnetwork",
            "source-identifier": pd.array([5239, None], dtype="Int64"),
            "itunes-item-id": 525463029,
            "source-app-id": 1234567891,
        }
    )
    return campaign_signer.sign_table(rows, **RUN).to_pandas()


def plain_python(out: Path) -> None:
    """A CSV file to NDJSON, row by row."""
    source = Path(__file__).resolve().parents[1] / "data" / "skan-storekit.csv"
    partial = out / "rows.ndjson.partial"
    with source.open(newline="", encoding="utf-8") as file, partial.open("w") as sink:
        # An empty cell is no value; in JSON, an empty text would be one.
        rows = (
            {"id": number, **{name: value or None for name, value in row.items()}}
            for number, row in enumerate(csv.DictReader(file))
        )
        with campaign_signer.sign_rows(rows, **{**RUN, "format": "skan-storekit"}) as signed:
            for row in signed:
                sink.write(json.dumps(row) + "\n")
    partial.rename(out / "rows.ndjson")
    print(signed.summary)


def main(out: Path) -> None:
    """Runs them all."""
    out.mkdir(parents=True, exist_ok=True)
    duckdb_to_parquet(out)
    print(duckdb_table(), "rows are signed in DuckDB")
    print(polars_frame())
    print(pandas_frame())
    plain_python(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
