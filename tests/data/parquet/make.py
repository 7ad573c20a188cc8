"""Writes the same fifty rows as Parquet in the ways that others do it.

pip install pyarrow duckdb; python3 make.py
"""

import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 50
zone = datetime.timezone.utc
table = pa.table(
    {
        "ad-network-identifier": pa.array(["example123.adattributionkit"] * ROWS),
        "publisher-item-identifier": pa.array([5838492] * ROWS, pa.int64()),
        "advertised-item-identifier": pa.array([2**53 + 1 + at for at in range(ROWS)], pa.int64()),
        "source-identifier": pa.array([5239] * ROWS, pa.int32()),
        "note": pa.array([f"n\u00f6te {at % 5}" if at % 3 else "" for at in range(ROWS)]),
        "seen": pa.array([datetime.datetime(2026, 1, 1)] * ROWS, pa.timestamp("us")),
    }
)


def write(name, **options):
    pq.write_table(table, f"{name}.parquet", row_group_size=20, **options)


for codec in ["none", "snappy", "gzip", "lz4", "zstd", "brotli"]:
    write(codec, compression=codec)
write("plain", use_dictionary=False, data_page_size=64)
write(
    "delta",
    use_dictionary=False,
    column_encoding={
        "ad-network-identifier": "DELTA_BYTE_ARRAY",
        "publisher-item-identifier": "DELTA_BINARY_PACKED",
        "advertised-item-identifier": "BYTE_STREAM_SPLIT",
        "source-identifier": "DELTA_BINARY_PACKED",
        "note": "DELTA_LENGTH_BYTE_ARRAY",
    },
)
write("v2", data_page_version="2.0", compression="zstd")
write("int96", use_deprecated_int96_timestamps=True)
duckdb.sql("COPY (SELECT * FROM 'snappy.parquet') TO 'duckdb.parquet' (FORMAT parquet)")
