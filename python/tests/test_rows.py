"""Dictionaries in, dictionaries out; and the settings that all functions have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from campaign_signer import (
    BinaryNotFoundError,
    DataError,
    ProtocolError,
    RowError,
    SigningKeyError,
    UsageError,
    find_binary,
    sign_rows,
    signed_fields,
)
from campaign_signer.settings import filter_arguments as arguments_of
from campaign_signer.settings import run_timestamp
from conftest import (
    EXAMPLES,
    FINGERPRINT,
    KEY,
    RUN,
    SECRET,
    command_line,
    dumped,
    filter_arguments,
    make_rows,
)

pytestmark = pytest.mark.usefixtures("program")

FORMATS = {path.stem: path for path in sorted((EXAMPLES / "data").glob("*.ndjson"))}


@pytest.mark.parametrize("format", FORMATS)
def test_every_formats_rows_come_back_as_the_command_line_gives_them(
    format: str, program: str
) -> None:
    rows = [json.loads(line) for line in FORMATS[format].read_text().splitlines()]
    for n, row in enumerate(rows):
        row["id!"] = n
        row.pop("count", None)
    key = ("secret_file", SECRET) if format == "impact-user-jwt" else ("key_file", KEY)
    run: Any = {**RUN, "format": format, "row_id": "id!", key[0]: key[1]}
    if key[0] != "key_file":
        del run["key_file"]
    said = command_line(
        program, *arguments_of(run), stdin="".join(dumped(row) + "\n" for row in rows)
    )
    with sign_rows(rows, **run) as signed:
        assert [dumped(row) for row in signed] == said.splitlines()
        assert signed.summary is not None
        assert signed.summary.signed == len(rows)
    names = [field.name for field in signed_fields(format)]
    for line in said.splitlines():
        row = json.loads(line)
        added = [name for name in row if name not in rows[row["id!"]]]
        assert (added[0], added[-1]) == (names[0], names[-1])
        assert set(row) - set(rows[row["id!"]]) <= set(names)


def test_a_flat_record_is_what_sign_writes_of_the_same_row(program: str, tmp_path: Any) -> None:
    source, target = tmp_path / "rows.ndjson", tmp_path / "signed.ndjson"
    rows = [row for row in make_rows(3000) if row["source-identifier"] in range(10, 10000)]
    source.write_text("".join(dumped(row) + "\n" for row in rows))
    arguments = ["sign", *filter_arguments(RUN)[1:], "--ignore-unknown", "--keep", "id"]
    command_line(program, *arguments, source, "-o", target)
    records = {row["id"]: row for row in map(json.loads, target.read_text().splitlines())}
    for row in sign_rows(rows, **RUN):
        record = records.pop(row["id"])
        assert record.items() <= row.items()
    assert not records


def test_integers_of_any_size_and_all_other_values_come_back_exactly() -> None:
    values = {
        "large": 10**40 + 1,
        "negative": -(2**63) - 1,
        "floats": [0.1, 1e-300, 5e22, -0.0],
        "text": 'a\nb\r\u2028"\\\u0000\U0001f600',
        "nested": {"null": None, "list": [True, {}, []]},
    }
    row = {**make_rows(1)[0], "source-app-id": 2**64 - 1, **values}
    (signed,) = sign_rows([row], **RUN)
    assert "_sign_error" not in signed
    assert {name: signed[name] for name in row} == row
    assert type(signed["source-app-id"]) is int


def test_an_uuid_is_text_and_a_whole_decimal_an_integer() -> None:
    nonce = uuid.UUID("8F1C4B5E-7A1D-4A2F-9D3B-0F6C2E1A9B7D")
    row = {**make_rows(1)[0], "nonce": nonce, "itunes-item-id": Decimal("525463029")}
    (signed,) = sign_rows([row], **RUN)
    assert signed["nonce"] == str(nonce)
    assert signed["itunes-item-id"] == 525463029


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (datetime(2026, 1, 1), "a datetime is no value of JSON"),
        (b"bytes", "a bytes is no value"),
        (float("nan"), "not JSON compliant"),
        (Decimal("1.5"), "a Decimal is no value"),
        ({1, 2}, "a set is no value"),
    ],
)
def test_a_value_that_json_has_not_is_refused_with_its_row(value: object, says: str) -> None:
    rows = make_rows(3)
    rows[2]["extra"] = value
    with pytest.raises(TypeError, match=f"row 3 .*{says}"):
        list(sign_rows(rows, **RUN))


def test_a_row_that_cannot_be_signed_comes_back_and_says_why() -> None:
    rows = make_rows(10)
    signed = sign_rows(rows, **RUN)
    out = list(signed)
    assert [row["id"] for row in out] == list(range(10))
    assert out[7] == {**rows[7], "_sign_error": out[7]["_sign_error"]}
    assert out[7]["_sign_error"]["field"] == "source-identifier"
    assert signed.summary is not None
    assert (signed.summary.rows, signed.summary.rejected) == (10, 1)
    assert signed.summary.codes == {out[7]["_sign_error"]["code"]: 1}


def test_on_error_raise_raises_at_that_row_and_on_error_fail_at_the_latest_then() -> None:
    came = []
    with pytest.raises(RowError, match="row 8: source-identifier") as caught:
        for row in sign_rows(make_rows(10), **RUN, on_error="raise"):
            came.append(row["id"])
    assert came == list(range(7))
    assert (caught.value.number, caught.value.field) == (8, "source-identifier")
    assert caught.value.row["id"] == 7
    with pytest.raises(DataError, match="source-identifier") as failed:
        list(sign_rows(make_rows(10), **RUN, on_error="fail"))
    assert failed.value.exit_code == 4


def test_map_set_and_further_options_reach_the_program(program: str) -> None:
    rows = [{"id": 1, "app": 525463029, "source-app-id": 1234567891}]
    (signed,) = sign_rows(
        rows,
        **RUN,
        map={"itunes-item-id": "app"},
        set={"ad-network-id": "example123.skadnetwork", "source-identifier": 5239},
        options=["--engine", "p256"],
    )
    assert signed["itunes-item-id"] == 525463029
    assert "_sign_error" not in signed


def test_an_object_of_a_shape_comes_back_as_one_member() -> None:
    (signed,) = sign_rows(make_rows(1), **RUN, shape="native")
    assert set(signed) == {*make_rows(1)[0], "object"}
    assert signed["object"]["adNetworkIdentifier"] == "example123.skadnetwork"


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"timestamp": "now"}, UsageError, "take int"),
        ({"timestamp": datetime(2026, 1, 1)}, UsageError, "time zone"),
        ({"format": "skan-view,skan-storekit"}, UsageError, "one format"),
        ({"format": "skan-veiw"}, UsageError, "there is no format"),
        ({"jobid": "x"}, TypeError, "did you mean job_id"),
        ({"secret_file": "x"}, TypeError, "given: key_file, secret_file"),
        ({"key_file": None}, TypeError, "given: none"),
        ({"key_file": "no/such.p8"}, SigningKeyError, "no/such.p8"),
        ({"expect_key": "x" * 43}, SigningKeyError, FINGERPRINT),
        ({"binary": "no/such/program"}, BinaryNotFoundError, "no/such/program"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said(
    change: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        list(sign_rows(make_rows(2), **{**RUN, **change}))


def test_what_is_missing_is_said() -> None:
    run = {name: value for name, value in RUN.items() if name not in ("job_id", "row_id")}
    with pytest.raises(TypeError, match="missing: job_id, row_id"):
        sign_rows([], **run)


def test_the_expected_key_signs() -> None:
    assert len(list(sign_rows(make_rows(2), **RUN, expect_key=FINGERPRINT))) == 2


def test_one_moment_is_one_timestamp_however_it_is_written() -> None:
    moment = datetime(2023, 9, 21, 12, 8, 32, 850_999, tzinfo=timezone.utc)
    assert run_timestamp(moment) == "1695298112850"
    assert run_timestamp(moment.astimezone(timezone(timedelta(hours=5)))) == "1695298112850"
    assert run_timestamp(1695298112850) == "1695298112850"


def test_a_job_run_again_gives_the_same_rows_and_another_job_others() -> None:
    first, again = (list(sign_rows(make_rows(50), **RUN)) for _ in range(2))
    assert first == again
    other = list(sign_rows(make_rows(50), **{**RUN, "job_id": "another"}))
    nonces = {row.get("nonce") for row in first if "nonce" in row}
    assert nonces.isdisjoint(row.get("nonce") for row in other)


def test_no_secret_is_in_the_command() -> None:
    arguments = arguments_of({**RUN, "passphrase_file": "phrase.txt"})  # type: ignore[typeddict-item]
    assert not any("PRIVATE" in each for each in arguments)
    assert f"--key={KEY}" in arguments


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("garbage", ProtocolError, "line 500 that came back is no JSON"),
        ("drop", ProtocolError, "1999 lines came back"),
        ("miscounts", ProtocolError, "counted 2001"),
    ],
)
def test_faults_of_the_program_are_errors(
    faulty: Callable[..., str], fault: str, kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        list(sign_rows(make_rows(2000), **RUN, binary=faulty(fault)))


def test_a_row_that_was_signed_before_is_refused() -> None:
    with pytest.raises(UsageError, match="row 1 has a member '_sign_error' already"):
        list(sign_rows([{**make_rows(1)[0], "_sign_error": None}], **RUN))


def test_a_block_that_is_left_ends_the_process() -> None:
    with sign_rows(iter(make_rows(100_000)), **RUN) as signed:
        next(signed)
    assert list(signed) == []
    assert signed.summary is None


def test_the_module_is_the_program(program: str) -> None:
    environment = {**os.environ, "CAMPAIGN_SIGNER_BINARY": program}
    for arguments, code in ((["--version"], 0), (["no-such-verb"], 2)):
        ours, its = (
            subprocess.run([*who, *arguments], capture_output=True, check=False, env=environment)
            for who in ([sys.executable, "-m", "campaign_signer"], [program])
        )
        assert (ours.returncode, ours.stdout, ours.stderr) == (code, its.stdout, its.stderr)


def test_where_the_program_was_looked_for_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("CAMPAIGN_SIGNER_BINARY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("campaign_signer._binary._folders", lambda: [str(tmp_path / "scripts")])
    with pytest.raises(BinaryNotFoundError, match=r"scripts nor in PATH.*pip install"):
        find_binary()
