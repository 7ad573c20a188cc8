"""Spark: the same bytes as the command line, whatever Spark does on the way."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import (
    FINGERPRINT,
    RUN,
    SECRET,
    command_line,
    dumped,
    filter_arguments,
    make_rows,
    needed,
    needs_java,
    processes,
)

needed("pyspark")
pytestmark = [needs_java, pytest.mark.usefixtures("program")]

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from campaign_signer import UsageError  # noqa: E402
from campaign_signer.spark import Tally, sign, tally  # noqa: E402

#: What an input file has; ids beyond 64 bits and columns that nobody signs, too.
SCHEMA = (
    "id bigint, `ad-network-id` string, `source-identifier` int, `itunes-item-id` bigint, "
    "`source-app-id` bigint, note string"
)
ROWS = 200_000


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    # A task is tried twice.
    session = (
        SparkSession.builder.master("local[2,2]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        # Spark's snappy does not load on a Debian with musl beside glibc.
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.python.worker.reuse", "false")
        .config("spark.sql.session.timeZone", "America/St_Johns")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows as a person has them: lines of JSON."""
    path = tmp_path_factory.mktemp("rows") / "rows.ndjson"
    path.write_text("".join(dumped(row) + "\n" for row in make_rows(ROWS)), encoding="utf-8")
    return path


def rows_of(spark: SparkSession, source: Path, partitions: int = 8) -> DataFrame:
    """The same rows in some partitions, in an order that no one has chosen."""
    return spark.read.schema(SCHEMA).json(str(source)).repartition(partitions)


def small(spark: SparkSession, columns: str = "", count: int = 4000) -> DataFrame:
    """Rows in two partitions with further columns."""
    return spark.range(0, count, 1, 2).selectExpr(
        "id",
        "'example123.skadnetwork' as `ad-network-id`",
        "5239 as `source-identifier`",
        "525463029 + id as `itunes-item-id`",
        "1234567891 as `source-app-id`",
        *([columns] if columns else []),
    )


def lines(signed: DataFrame) -> list[str]:
    """Each row as the program writes it, sorted."""
    return sorted(row[0] for row in signed.select(F.to_json(F.struct("*"))).collect())


def test_two_hundred_thousand_rows_are_byte_for_byte_those_of_the_command_line(
    spark: SparkSession, source: Path, program: str, tmp_path: Path
) -> None:
    said = command_line(program, *filter_arguments(RUN), stdin=source.read_text(encoding="utf-8"))
    signed = sign(rows_of(spark, source), **RUN)
    signed.write.mode("errorifexists").parquet(str(tmp_path / "signed"))
    written = spark.read.parquet(str(tmp_path / "signed"))
    ours = lines(written)
    assert len(ours) == ROWS
    theirs = sorted(said.split("\n")[:-1])
    assert [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:1] == []
    assert len(theirs) == ROWS
    rejected = ROWS // 1000
    codes = {"out_of_range": rejected}
    assert tally(written) == Tally(ROWS, ROWS - rejected, rejected, 0, codes)

    # And the flat records that sign writes of the rows it does not reject.
    target = tmp_path / "signed.ndjson"
    arguments = ["sign", *filter_arguments(RUN)[1:], "--ignore-unknown", "--keep", "id"]
    arguments += ["--max-rejects", rejected, source, "-o", target]
    command_line(program, *arguments)
    rows = {row["id"]: row for row in map(json.loads, ours)}
    records = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert len(records) == ROWS - rejected
    assert all(record.items() <= rows[record["id"]].items() for record in records)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("midway", "exit code 6: campaign-signer: error: the disk is full"),
        ("killed", "signal 9"),
        ("drop", "1999 lines came back for 2000 rows"),
        ("late", "an internal check failed"),
        ("half", "has no end"),
        ("stops-well", "before the last row"),
        ("garbage", "not UTF-8"),
    ],
)
def test_a_fault_of_one_process_fails_the_job_and_names_the_partition(
    spark: SparkSession, faulty: Callable[..., str], fault: str, says: str, tmp_path: Path
) -> None:
    signed = sign(small(spark), **RUN, binary=faulty(fault))
    with pytest.raises(Exception, match=says) as caught:
        signed.write.parquet(str(tmp_path / "signed"))
    assert "partition " in str(caught.value)
    assert not (tmp_path / "signed" / "_SUCCESS").exists()


@pytest.mark.parametrize("fault", ["midway", "killed", "drop", "late"])
def test_a_task_that_is_tried_again_gives_the_same_rows(
    spark: SparkSession, faulty: Callable[..., str], fault: str, tmp_path: Path
) -> None:
    undisturbed = lines(sign(small(spark), **RUN))
    once = tmp_path / "has happened"
    assert lines(sign(small(spark), **RUN, binary=faulty(fault, once))) == undisturbed
    assert once.exists()


def test_a_program_or_key_that_is_not_on_the_executors_fails_the_job(
    spark: SparkSession, tmp_path: Path
) -> None:
    for change, says in (
        ({"binary": "/no/such/program"}, "/no/such/program, which the argument binary names"),
        ({"key_file": "/no/such/key.p8"}, "/no/such/key.p8"),
        ({"expect_key": "x" * 43}, f"demo.p8 is the key {FINGERPRINT}"),
        ({"set": {"source-app-id": "x"}}, "--set gives source-app-id"),
    ):
        signed = sign(small(spark, count=10), **{**RUN, **change})
        with pytest.raises(Exception, match=says) as caught:
            signed.collect()
        assert "partition " in str(caught.value)


def test_a_row_that_fails_ends_the_job_where_that_is_asked_for(spark: SparkSession) -> None:
    rows = small(spark, count=10).withColumn("source-identifier", F.lit(5))
    with pytest.raises(Exception, match=r"(?s)DataError.*source-identifier"):
        sign(rows, **RUN, on_error="fail").collect()


#: Values at the edges of every type that is carried.
CARRIED = [
    "cast(id % 100 as tinyint)",
    "-9223372036854775808 + id",
    "cast(id as decimal(38,0)) * 12345678901234567890123456789",
    "cast(id / 3 as decimal(38,18))",
    "cast(1e-18 as decimal(38,30)) * cast(id as decimal(5,0))",
    "cast(id as double) / 7",
    "case id % 4 when 0 then double('NaN') when 1 then double('-Infinity') else -0.0D end",
    "cast(id as float) / 7",
    "id % 2 = 0",
    "date_add(date'1582-10-01', cast(id as int) * 100)",
    "date_add(date'0001-01-01', cast(id as int))",
    "timestamp_micros(id * 1000003 - 62135500000000000)",
    "timestamp'1883-11-18 12:03:58.000001' + make_dt_interval(0, 0, 0, id / 1000)",
    "timestamp_ntz'9999-12-31 23:59:59.999990' + make_dt_interval(0, 0, 0, -id)",
    "timestamp_ntz'2026-03-08 02:30:00.000001'",
    "encode(concat('\\0', id), 'UTF-8')",
    "cast(null as string)",
    "concat('\\r\\n', id, '\\u2028 \\0 \\u00e9 \\\\ \"')",
    "''",
    "cast(id as char(12))",
    "array(id, null)",
    "cast(array() as array<string>)",
    "map('a.b', id, 'A.B', null)",
    "named_struct('x y', id, 'X-y', struct(timestamp_micros(id), double('NaN') as n))",
    "cast(null as struct<a: int>)",
]


def test_values_of_other_columns_come_back_exactly(spark: SparkSession) -> None:
    names = [f"odd name. {n}" for n in range(len(CARRIED))]
    columns = [f"{text} as `{name}`" for text, name in zip(CARRIED, names)]
    rows = small(spark, count=1000).selectExpr("*", *columns)
    signed = sign(rows, **RUN)
    as_it_was = rows.orderBy("id").collect()
    came = signed.where("signature is not null").orderBy("id").collect()
    assert len(came) == 1000
    for name, text in zip(names, CARRIED):
        types = [table.schema[name].dataType.simpleString() for table in (rows, signed)]
        assert types[0] == types[1], text
        # As text, since not a number is no number.
        before, after = ([repr(row[name]) for row in table] for table in (as_it_was, came))
        assert before == after, text


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("current_timestamp() as timestamp", "'timestamp' is signed, and is timestamp.*unix_mill"),
        ("2.0D as Campaign_ID", "'Campaign_ID' is signed, and is double.*as bigint"),
        ("2.50 as `campaign-id`", r"is decimal\(3,2\).*decimal\(3,0\)"),
        ("binary('x') as nonce", "is binary.*text"),
        ("'x' as Nonce", "'Nonce' and the signed column 'nonce'.*case"),
        ("'x' as ID", "'id' and 'ID'.*case"),
        ("'x' as id", "'id' and 'id'"),
        ("'x' as signature", "'signature' already.*signed before"),
        ("'x' as format", "'format' already"),
        ("null as _sign_error", "'_sign_error' already"),
        ("map(1, 2) as m", r"'m' is map<int,int>, which JSON.*drop it"),
        ("interval 1 day as i", "'i' is interval day"),
        ("parse_json('1') as v", "'v' is variant"),
        ("array(struct(map(1, 2) as k)) as a", "'a.k' is map"),
        ("null as n", "'n' is void"),
    ],
)
def test_columns_that_would_be_lost_or_confused_are_refused_before_anything_runs(
    spark: SparkSession, column: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        sign(small(spark, column), **RUN)


def test_a_row_id_or_a_mapped_column_that_is_not_there_is_told(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="row_id names the column 'row'; there are id, "):
        sign(small(spark), **{**RUN, "row_id": "row"})
    with pytest.raises(UsageError, match=r"map\['nonce'\] names the column 'uuid'"):
        sign(small(spark), **RUN, map={"nonce": "uuid"})


def test_a_signed_column_keeps_its_type_if_that_can_hold_what_is_signed(
    spark: SparkSession,
) -> None:
    rows = spark.range(3).selectExpr(
        "cast(id as string) as id",
        "'example123.skadnetwork' as `ad-network-id`",
        "smallint(5239) as `source-identifier`",
        "'525463029' as `itunes-item-id`",
        "cast(18446744073709551615 as decimal(20,0)) as app",
        "cast(null as int) as timestamp",
    )
    signed = sign(rows, **RUN, map={"source-app-id": "app"})
    types = {field.name: field.dataType.simpleString() for field in signed.schema}
    assert types["source-identifier"] == "smallint"
    assert types["itunes-item-id"] == "string"
    assert types["source-app-id"] == types["app"] == "decimal(20,0)"
    assert types["timestamp"] == "bigint", "no moment that is signed fits into an int"
    for row in signed.collect():
        assert row["_sign_error"] is None
        assert row["itunes-item-id"] == "525463029"
        assert row["source-app-id"] == 2**64 - 1
        assert row["timestamp"] == RUN["timestamp"]


def test_an_object_is_signed_from_a_struct_and_comes_back_as_its_text(spark: SparkSession) -> None:
    # Not id, which is the user's own here.
    rows = spark.range(3).selectExpr(
        "id as row", "'IRexampleAccountSid' as kid", "struct(concat('user-', id) as id) as user"
    )
    run: Any = {**RUN, "format": "impact-user-jwt", "row_id": "row", "secret_file": SECRET}
    run["options"] = ["--allow-stale"]
    del run["key_file"]
    for row in sign(rows, **run).collect():
        user = f"user-{row['row']}"
        assert json.loads(row["user"]) == {"id": user, "accountId": user}
        assert row["jws"].count(".") == 2
    (native,) = sign(small(spark, count=1), **RUN, shape="native").collect()
    assert json.loads(native["object"])["version"] == "4.0"
    assert "signature" not in native


def test_two_rows_of_one_id_and_content_are_told_by_the_tally(spark: SparkSession) -> None:
    rows = small(spark, count=10)
    assert tally(sign(rows.union(rows.limit(3)), **RUN)) == Tally(13, 13, 0, 3, {})
    with pytest.raises(UsageError, match="not signed"):
        tally(rows)


def test_a_query_that_takes_only_some_rows_leaves_no_process(spark: SparkSession) -> None:
    signed = sign(small(spark, count=100_000), **{**RUN, "job_id": "only-some-rows"})
    assert len(signed.limit(3).collect()) == 3
    end = time.monotonic() + 60
    while processes("--job-id=only-some-rows"):
        assert time.monotonic() < end
        time.sleep(0.2)
