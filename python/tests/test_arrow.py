"""Arrow tables, and the data frames that speak Arrow."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from campaign_signer import DataError, ProcessDiedError, UsageError, sign_batches, sign_table
from conftest import EXAMPLES, RUN, command_line, dumped, filter_arguments, make_rows, needed

pa = needed("pyarrow")
pytestmark = pytest.mark.usefixtures("program")


def table(count: int, **columns: Any) -> Any:
    """Rows as a table, with further columns."""
    rows = pa.Table.from_pylist(make_rows(count))
    for name, column in columns.items():
        rows = rows.append_column(name, column)
    return rows


def test_a_table_has_the_rows_of_the_command_line(program: str) -> None:
    rows = make_rows(20_000)
    said = command_line(
        program, *filter_arguments(RUN), stdin="".join(dumped(row) + "\n" for row in rows)
    )
    signed = sign_table(pa.Table.from_pylist(rows), **RUN)
    assert signed.num_rows == len(rows)
    for ours, line in zip(signed.to_pylist(), said.split("\n")):
        theirs = json.loads(line)
        assert {name: value for name, value in ours.items() if value is not None} == theirs


def test_columns_that_are_not_signed_stay_what_they_are() -> None:
    others = {
        "time": pa.array([datetime(2026, 1, 1), None], pa.timestamp("ns", "Asia/Kolkata")),
        "bytes": pa.array([b"\xff\x00", None]),
        "price": pa.array([Decimal("1.50"), None], pa.decimal128(38, 2)),
        "ratio": pa.array([float("nan"), float("inf")]),
        "tags": pa.array([{"a": 1}, None], pa.struct([("a", pa.int8())])),
        "kind": pa.array(["x", None]).dictionary_encode(),
    }
    rows = table(2, **others)
    signed = sign_table(rows, **RUN)
    for name in rows.column_names:
        assert signed.schema.field(name).type == rows.schema.field(name).type
        assert str(signed[name].to_pylist()) == str(rows[name].to_pylist())
    assert signed.column_names[: rows.num_columns] == rows.column_names
    assert signed["_sign_error"].to_pylist() == [None, None]


def test_integers_are_exact_and_columns_keep_types_that_can_hold_what_is_signed() -> None:
    rows = pa.table(
        {
            "id": pa.array(["a", "b"], pa.large_string()),
            "ad-network-id": ["example123.skadnetwork"] * 2,
            "source-identifier": pa.array([5239, 5240], pa.int16()),
            "itunes-item-id": pa.array([2**64 - 1, 1], pa.uint64()),
            "app": pa.array([Decimal(2**63), Decimal(0)], pa.decimal128(38, 0)),
            "timestamp": pa.array([None, None], pa.int32()),
        }
    )
    signed = sign_table(rows, **RUN, map={"source-app-id": "app"})
    assert signed["_sign_error"].to_pylist() == [None, None]
    types = {field.name: str(field.type) for field in signed.schema}
    assert types["id"] == "large_string"
    assert types["source-identifier"] == "int16"
    assert types["itunes-item-id"] == "uint64"
    assert types["source-app-id"] == "decimal128(38, 0)"
    assert types["timestamp"] == "int64", "no moment that is signed fits into 32 bits"
    assert signed["itunes-item-id"].to_pylist() == [2**64 - 1, 1]
    assert signed["source-app-id"].to_pylist() == [Decimal(2**63), Decimal(0)]


@pytest.mark.parametrize(
    ("name", "column", "says"),
    [
        ("campaign_id", pa.array([1.0]), "is double.*Int64"),
        ("timestamp", pa.array([0], pa.timestamp("ms")), "is timestamp.*milliseconds"),
        ("Nonce", pa.array(["x"]), "but for its case"),
        ("note", pa.array(["x"]), "'note' and 'note'"),
        ("format", pa.array(["x"]), "'format' already"),
        ("_sign_error", pa.array(["x"]), "already"),
    ],
)
def test_columns_that_would_not_be_signed_exactly_are_refused(
    name: str, column: Any, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        sign_table(table(1).append_column(name, column), **RUN)


def test_a_table_without_rows_has_the_columns_of_one_with_rows() -> None:
    assert sign_table(table(1).slice(0, 0), **RUN).schema == sign_table(table(1), **RUN).schema


def test_a_row_that_is_longer_than_the_program_reads_is_no_row_lost() -> None:
    rows = pa.Table.from_pylist([{**make_rows(1)[0], "note": "x" * 2_000_000}])
    with pytest.raises(DataError, match="row 1: "):
        sign_table(rows, **RUN)


def test_a_stream_is_signed_batch_by_batch_and_ends_with_its_process(faulty: Any) -> None:
    rows = table(30_000)
    signed = sign_batches(rows.schema, rows.to_batches(max_chunksize=1000), **RUN)
    sizes = [batch.num_rows for batch in signed]
    assert sizes == [1000] * 30
    signed = sign_batches(rows.schema, rows.to_batches(max_chunksize=1000), **RUN)
    next(signed)
    signed.close()
    broken = sign_batches(rows.schema, rows.to_batches(), **RUN, binary=faulty("killed"))
    with pytest.raises(ProcessDiedError):
        list(broken)


def test_duckdb_polars_and_pandas_give_what_their_arrow_tables_give(tmp_path: Any) -> None:
    duckdb = needed("duckdb")
    polars = needed("polars")
    pandas = needed("pandas")
    rows = table(100)
    signed = sign_table(rows, **RUN).to_pylist()
    assert sign_table(duckdb.arrow(rows), **RUN).to_pylist() == signed
    assert sign_table(polars.DataFrame(rows), **RUN).to_pylist() == signed
    frame = sign_table(rows.to_pandas(), **RUN).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["signature"].isna().sum() == 1
    assert frame["signature"].dropna().tolist() == [
        row["signature"] for row in signed if row["signature"]
    ]


def test_the_recipes_run(program: str, tmp_path: Any) -> None:
    needed("duckdb")
    needed("polars")
    needed("pandas")
    from importlib.util import module_from_spec, spec_from_file_location

    import pyarrow.parquet as pq

    spec = spec_from_file_location("recipes", EXAMPLES / "python" / "recipes.py")
    assert spec is not None
    assert spec.loader is not None
    recipes = module_from_spec(spec)
    spec.loader.exec_module(recipes)
    recipes.main(tmp_path / "out")
    came = pq.read_table(tmp_path / "out" / "duckdb.parquet")
    assert came.num_rows == 10_000
    assert came["signature"].null_count == 0
    records = tmp_path / "records.ndjson"
    records.write_text(
        "".join(
            json.dumps({k: v for k, v in row.items() if v is not None and k != "loaded at"}) + "\n"
            for row in came.to_pylist()
        )
    )
    command_line(program, "verify", "--public-key", EXAMPLES / "keys" / "demo.pub.pem", records)
    rows = (tmp_path / "out" / "rows.ndjson").read_text().splitlines()
    assert all("signature" in json.loads(row) for row in rows)
