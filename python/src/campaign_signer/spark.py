"""Signs Spark DataFrames: one checked process for each partition.

Knows Spark's types, and no format by its name. Needs pyspark, and pyarrow where
Python runs; this package must be installed on the executors as well.

Rows travel as JSON, so that no value can be taken for two rows, and each comes back
with its own columns: nothing is put together by position. A process that ends early,
late or with fewer rows fails its task, and Spark runs the task again; nonces follow
from the job id and each row, so the second attempt gives the bytes of the first.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from campaign_signer._binary import find_binary
from campaign_signer.errors import (
    BinaryNotFoundError,
    DataError,
    ProtocolError,
    SignError,
    UsageError,
)
from campaign_signer.fields import (
    ERROR,
    MOST_64,
    RAW,
    SignedField,
    check_columns,
    plain,
    row_names,
    signed_fields,
)
from campaign_signer.key import check_key
from campaign_signer.process import STALL_SECONDS, exchange
from campaign_signer.settings import PathLike, Settings, checked, filter_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType
    from typing_extensions import Unpack

# Times are written with all their digits: Spark's own patterns leave out microseconds.
_JSON_OPTIONS = {
    "dateFormat": "yyyy-MM-dd",
    "ignoreNullFields": "false",
    "timeZone": "UTC",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}

#: How many lines go to the JVM at once, at least.
_ROWS = 4096

_RAW_LINE = f'{{"{RAW}":'.encode()


def sign(df: DataFrame, **settings: Unpack[Settings]) -> DataFrame:
    """A DataFrame of the same rows with the signed columns.

    Its columns, and behind them those of the signed fields it lacked, and
    ``_sign_error`` (a struct of code, field and message; null in signed rows). A column
    with a signed field's exact name holds the signed values; it keeps its type if that
    can hold them, and is a string otherwise.

    Nothing is signed before an action, and each action signs again (with the same
    result): write the DataFrame once, to a fresh path, and read that.

    Example::

        signed = campaign_signer.spark.sign(
            spark.read.parquet("rows"), format="skan-view",
            key_file="/etc/signing/network.p8", job_id="2026-11-21",
            timestamp=1795298112850, row_id="id",
        )
        signed.write.mode("errorifexists").parquet("signed/2026-11-21")

    Args:
        df: the rows. Take them from immutable files in which ``row_id`` stands already:
            an id that Spark makes up (``monotonically_increasing_id``) is another one
            in the next attempt.
        **settings: see ``Settings``; all that ``sign_rows`` takes, but for
            ``on_error="raise"``. ``key_file`` and the like are paths on the executors.

    Raises:
        UsageError: for columns that cannot be signed or carried exactly; says what to do.
        SignError: in the task, and so as part of Spark's own exception, if signing
            fails; names the partition.
    """
    from pyspark.sql import functions as F

    checked(settings)
    if settings.get("on_error") == "raise":
        raise UsageError('on_error="raise" is for sign_rows; "fail" ends the job at a bad row')
    program = _here(settings)
    signed = signed_fields(settings["format"], program, settings.get("shape", "record"))
    mapped = settings.get("map", {})
    check_columns(df.columns, settings["row_id"], mapped, signed)
    named = {settings["row_id"], *mapped.values()}
    fields = row_names(settings["format"], program)
    for column in df.schema:
        _check_carried(column.name, column.dataType)
        if column.name in named or plain(column.name) in fields:
            _check_signed(column.name, column.dataType)
    _check_times(df)
    schema = _result(df.schema, signed, mapped)
    lines = df.select(F.to_json(F.struct("*"), _JSON_OPTIONS).alias("row"))
    came = lines.mapInArrow(_Partition(_absolute(settings)), "row string")
    options = {**_JSON_OPTIONS, "mode": "FAILFAST"}
    return came.select(F.from_json("row", schema, options).alias("row")).select(
        *[
            F.col("row").getField(each.name).alias(each.name, metadata=each.metadata)
            for each in schema.fields
        ]
    )


@dataclass(frozen=True)
class Tally:
    """What is in a signed DataFrame."""

    rows: int
    signed: int
    rejected: int
    #: Signatures that stand in more than one row: rows with the same id and content.
    repeated: int
    #: How often each code of rejection occurs.
    codes: dict[str, int] = field(default_factory=dict)


def tally(df: DataFrame) -> Tally:
    """Counts what was signed: of what was written and is read again, not of ``sign``'s.

    Reads each row once, and compares signatures (a shuffle of them). Compare ``rows``
    with what there was to be signed; ``repeated`` is 0 if every row had an id of its own.
    """
    from pyspark.sql import functions as F

    signature = next((name for name in ("signature", "jws", "object") if name in df.columns), None)
    if signature is None or ERROR not in df.columns:
        raise UsageError("these rows are not signed: they have no signature and no _sign_error")
    codes = {
        row["code"]: row["rows"]
        for row in df.groupBy(F.col(ERROR).getField("code").alias("code"))
        .agg(F.count("*").alias("rows"))
        .collect()
    }
    signed = codes.pop(None, 0)
    distinct = df.where(F.col(ERROR).isNull()).select(signature).distinct().count()
    rejected = sum(codes.values())
    return Tally(signed + rejected, signed, rejected, signed - distinct, codes)


class _Partition:
    """What an executor does with the rows of a partition."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Whatever is wrong with the settings is said by the driver.
        self._arguments = filter_arguments(settings)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            program = find_binary(self._settings.get("binary"))
            check_key(self._settings, program)
            lines = exchange(
                [program, *self._arguments],
                (batch.column(0).to_pylist() for batch in batches),
                stall_seconds=self._settings.get("stall_seconds", STALL_SECONDS),
            )
            yield from _batches(lines)
        except SignError as error:
            raise error.at(_place()) from error


def _batches(blocks: Iterable[list[bytes]]) -> Iterator[pa.RecordBatch]:
    """Lines as batches: many at once, since each batch costs the JVM something."""
    import pyarrow as pa

    def batch(lines: list[bytes]) -> pa.RecordBatch:
        for line in lines:
            if line.startswith(_RAW_LINE):
                raise DataError(f"a row came back as no JSON object: {line[:500]!r}")
        try:
            return pa.record_batch([pa.array(lines, pa.string())], names=["row"])
        except pa.ArrowInvalid as error:
            raise ProtocolError(f"a line that came back is not UTF-8: {error}") from error

    waiting: list[bytes] = []
    for block in blocks:
        waiting += block
        if len(waiting) >= _ROWS:
            yield batch(waiting)
            waiting = []
    if waiting:
        yield batch(waiting)


def _place() -> str:
    """Which partition of what attempt, and where."""
    from pyspark import TaskContext

    context = TaskContext.get()
    host = socket.gethostname()
    if context is None:
        return f"on {host}"
    return f"partition {context.partitionId()}, attempt {context.attemptNumber()}, on {host}"


def _here(settings: Settings) -> str:
    """The program on the driver, which is only asked for names and types."""
    try:
        return find_binary(settings.get("binary"))
    except BinaryNotFoundError:
        # A path that exists on the executors alone.
        return find_binary()


def _absolute(settings: Settings) -> Settings:
    """The settings with paths that do not depend on where a task runs."""
    changed = settings.copy()
    for name in ("key_file", "keys_file", "secret_file", "passphrase_file"):
        path: PathLike | None = settings.get(name)  # type: ignore[assignment]
        if path is not None:
            changed[name] = os.path.abspath(path)
    changed["map"] = dict(settings.get("map", {}))
    changed["set"] = dict(settings.get("set", {}))
    return changed


def _check_carried(name: str, type: DataType) -> None:
    """Refuses a type whose values JSON does not carry exactly, whatever it is for."""
    from pyspark.sql import types as T

    if isinstance(type, T.ArrayType):
        return _check_carried(name, type.elementType)
    if isinstance(type, T.MapType) and isinstance(type.keyType, T.StringType):
        return _check_carried(name, type.valueType)
    if isinstance(type, T.StructType):
        if len({each.name for each in type}) != len(type.fields):
            raise UsageError(f"the column {name!r} has two members of one name: rename one")
        for each in type:
            _check_carried(f"{name}.{each.name}", each.dataType)
        return None
    carried = (
        T.BinaryType,
        T.BooleanType,
        T.DateType,
        T.DecimalType,
        T.DoubleType,
        T.FloatType,
        T.IntegralType,
        T.StringType,
        T.TimestampType,
        T.TimestampNTZType,
    )
    if not isinstance(type, carried):
        raise UsageError(
            f"the column {name!r} is {type.simpleString()}, which JSON does not carry exactly: "
            "drop it and join it again by the row id, or cast it to string"
        )
    return None


def _check_signed(name: str, type: DataType) -> None:
    """Refuses a type whose JSON is not the value that is meant to be signed."""
    from pyspark.sql import types as T

    if isinstance(type, (T.TimestampType, T.TimestampNTZType, T.DateType)):
        hint = f"make it milliseconds since 1970: unix_millis(`{name}`)"
    elif isinstance(type, (T.DoubleType, T.FloatType)):
        hint = f"make it integers, which are exact: cast(`{name}` as bigint)"
    elif isinstance(type, T.DecimalType) and type.scale:
        hint = f"make it integers: cast(`{name}` as decimal({type.precision},0))"
    elif isinstance(type, T.BinaryType):
        hint = f"make it text: hex(`{name}`) or cast(`{name}` as string)"
    else:
        return
    raise UsageError(f"the column {name!r} is signed, and is {type.simpleString()}: {hint}")


def _check_times(df: DataFrame) -> None:
    """Refuses the one setting under which times lose their microseconds."""
    from pyspark.sql import types as T

    def has_times(type: DataType) -> bool:
        if isinstance(type, T.ArrayType):
            return has_times(type.elementType)
        if isinstance(type, T.MapType):
            return has_times(type.valueType)
        if isinstance(type, T.StructType):
            return any(has_times(each.dataType) for each in type)
        return isinstance(type, (T.TimestampType, T.TimestampNTZType, T.DateType))

    if has_times(df.schema):
        policy = df.sparkSession.conf.get("spark.sql.legacy.timeParserPolicy", "CORRECTED")
        if str(policy).upper() == "LEGACY":
            raise UsageError(
                "spark.sql.legacy.timeParserPolicy is LEGACY, which cuts times: "
                "set it to CORRECTED, or drop the columns with times"
            )


def _result(
    schema: StructType, signed: Iterable[SignedField], mapped: Mapping[str, str]
) -> StructType:
    """The columns that come back, with the types that hold what is signed."""
    from pyspark.sql import types as T

    fields = {each.name: each for each in signed}
    own = set(schema.names)
    columns = [
        T.StructField(each.name, _type(fields.get(each.name), each.dataType), True, each.metadata)
        for each in schema
    ]
    for name, each in fields.items():
        if name not in own:
            # A value under another name keeps the type it has there.
            has = schema[mapped[name]].dataType if name in mapped else None
            columns.append(T.StructField(name, _type(each, has, is_new=True)))
    text = T.StringType()
    error = T.StructType([T.StructField(name, text) for name in ("code", "field", "message")])
    return T.StructType([*columns, T.StructField(ERROR, error)])


def _type(field: SignedField | None, has: DataType | None, is_new: bool = False) -> DataType:
    from pyspark.sql import types as T

    if field is None:
        assert has is not None
        return has
    if isinstance(has, T.StringType) and not is_new:
        return has
    if field.kind == "integer":
        if isinstance(has, T.IntegralType) and field.least < _MORE_THAN[has.typeName()]:
            return has
        if isinstance(has, T.DecimalType):
            return has
        return T.LongType() if field.most <= MOST_64 else T.DecimalType(20, 0)
    if field.kind == "boolean" and (is_new or isinstance(has, T.BooleanType)):
        return T.BooleanType()
    return T.StringType()


#: The first integer that each type does not hold.
_MORE_THAN = {"byte": 2**7, "short": 2**15, "integer": 2**31, "long": 2**63, "bigint": 2**63}
