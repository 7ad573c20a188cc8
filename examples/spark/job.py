"""Signs a folder of Parquet into another: ``spark-submit job.py ROWS OUT --key-file ...``.

Run it again with the same arguments after whatever has happened: an unfinished OUT is
refused (remove it), and the same rows come out, with the same nonces.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from pyspark.sql import SparkSession

import campaign_signer.spark


def main() -> int:
    """0: all is signed. 1: some rows could not be. 70: rows are missing."""
    arguments = parsed()
    spark = SparkSession.builder.appName(f"sign {arguments.job_id}").getOrCreate()
    rows = spark.read.parquet(arguments.rows)
    signed = campaign_signer.spark.sign(
        rows,
        format=arguments.format,
        key_file=arguments.key_file,
        expect_key=arguments.expect_key,
        job_id=arguments.job_id,
        timestamp=arguments.timestamp,
        row_id=arguments.row_id,
        options=arguments.option,
    )
    # One action, to a path that does not exist: overwriting would first delete what is
    # there, and each further action on `signed` would sign everything again.
    signed.write.mode("errorifexists").parquet(arguments.out, compression="zstd")
    # What counts is what can be read again.
    tally = campaign_signer.spark.tally(spark.read.parquet(arguments.out))
    expected = rows.count()
    spark.stop()
    print(json.dumps({"job_id": arguments.job_id, "expected": expected, **asdict(tally)}))
    if tally.rows != expected or tally.repeated:
        return 70
    return 1 if tally.rejected else 0


def parsed() -> argparse.Namespace:
    """The arguments. None is a secret: the key is a file on the executors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", help="a folder of Parquet with a column of ids")
    parser.add_argument("out", help="a folder that does not exist yet")
    parser.add_argument("--format", default="skan-view")
    parser.add_argument("--key-file", required=True, help="where the key is on the executors")
    parser.add_argument("--expect-key", help="the fingerprint `campaign-signer key FILE` shows")
    parser.add_argument("--job-id", required=True, help="names this run; the same for its retries")
    parser.add_argument("--timestamp", required=True, help="milliseconds or RFC 3339; never now")
    parser.add_argument("--row-id", default="id", help="the column of ids")
    parser.add_argument("--option", action="append", default=[], help="of campaign-signer filter")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
