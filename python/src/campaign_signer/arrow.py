"""Signs Arrow tables and streams, and whatever can be read as such.

Columns that are not signed never leave Arrow: they keep their types and values
exactly. Knows Arrow's types, and no format by its name. Needs pyarrow.
"""

from __future__ import annotations

import json
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any

from campaign_signer.errors import ProtocolError, UsageError
from campaign_signer.fields import (
    ERROR,
    MOST_64,
    SignedField,
    check_columns,
    plain,
    row_names,
    signed_fields,
)
from campaign_signer.key import check_key
from campaign_signer.process import STALL_SECONDS, Summary, exchange
from campaign_signer.rows import own_row, read, written
from campaign_signer.settings import Settings, checked, filter_command

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator

    import pyarrow as pa
    from typing_extensions import Unpack

#: How many rows become JSON at once.
_ROWS = 8192


def sign_table(data: Any, **settings: Unpack[Settings]) -> pa.Table:
    """Signs a table, and gives it back with the signed columns.

    Args:
        data: a ``pyarrow.Table``, or anything that has the Arrow stream protocol: a
            Polars or pandas (2.2) data frame, a DuckDB relation.
        **settings: see ``Settings``; all that ``sign_rows`` takes, but for
            ``on_error="raise"``.

    Returns:
        The table's columns, and behind them those of the signed fields it lacked, and
        ``_sign_error`` (a struct of code, field and message; null in signed rows). A
        column with a signed field's exact name holds the signed values; it keeps its
        type if that can hold them.

    Raises:
        UsageError: for columns that cannot be signed exactly; says what to do.
        SignError: if signing fails; there is no table then.
    """
    pa = _pyarrow()
    table = data if isinstance(data, pa.Table) else pa.table(data)
    batches = sign_batches(table.schema, table.to_batches(max_chunksize=_ROWS), **settings)
    return pa.Table.from_batches(list(batches), schema=batches.schema)


class SignedBatches:
    """Signed record batches, as they come, and their ``schema``."""

    def __init__(self, schema: pa.Schema, batches: Generator[pa.RecordBatch, None, None]) -> None:
        #: What every batch has.
        self.schema = schema
        self._batches = batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches

    def __next__(self) -> pa.RecordBatch:
        return next(self._batches)

    def close(self) -> None:
        """Ends the process that signs, if it still runs, and waits for its end."""
        self._batches.close()


def sign_batches(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], **settings: Unpack[Settings]
) -> SignedBatches:
    """Signs record batches as they come, in bounded memory; see ``sign_table``.

    For a ``RecordBatchReader``: ``sign_batches(reader.schema, reader, ...)``. Nothing is
    whole until the iteration has ended without an exception.
    """
    checked(settings)
    if settings.get("on_error") == "raise":
        raise UsageError('on_error="raise" is for sign_rows; "fail" ends it at a bad row')
    command = filter_command(settings)
    signed = signed_fields(settings["format"], command[0], settings.get("shape", "record"))
    check_columns(schema.names, settings["row_id"], settings.get("map", {}), signed)
    sent = _sent(schema, settings, command[0])
    mapped = settings.get("map", {})
    types = {field.name: _type(field, schema, mapped.get(field.name)) for field in signed}
    result = _result(schema, types)
    return SignedBatches(
        result,
        _sign(
            batches=batches,
            sent=sent,
            schema=result,
            signed=types,
            settings=settings,
            command=command,
        ),
    )


def _sign(
    *,
    batches: Iterable[pa.RecordBatch],
    sent: list[str],
    schema: pa.Schema,
    signed: Collection[str],
    settings: Settings,
    command: list[str],
) -> Generator[pa.RecordBatch, None, None]:
    check_key(settings, command[0])
    #: Batches whose rows have not all come back: what is in the pipes, at most.
    under_way: deque[pa.RecordBatch] = deque()

    def lines() -> Iterator[list[str]]:
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS):
                part = batch.slice(start, _ROWS)
                under_way.append(part)
                yield list(written(part.select(sent).to_pylist()))

    came = exchange(command, lines(), stall_seconds=settings.get("stall_seconds", STALL_SECONDS))
    summaries: list[Summary] = []
    rows: list[dict[str, Any]] = []
    number = rejected = 0

    def blocks() -> Generator[list[bytes], None, None]:
        summaries.append((yield from came))

    try:
        for line in chain.from_iterable(blocks()):
            number += 1
            rows.append(own_row(read(line, number), number))
            rejected += ERROR in rows[-1]
            if len(rows) == under_way[0].num_rows:
                yield _joined(under_way.popleft(), rows, schema, signed, settings["row_id"])
                rows = []
    finally:
        came.close()
    if summaries[0].rejected != rejected:
        raise ProtocolError(
            f"{rejected} rows came back with {ERROR}, and "
            f"campaign-signer counted {summaries[0].rejected}"
        )


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            "tables need pyarrow: pip install 'campaign-signer[arrow]' (sign_rows does not)"
        ) from error
    return pyarrow


def _sent(schema: pa.Schema, settings: Settings, program: str) -> list[str]:
    """The columns that are signed, or may be; the others stay where they are.

    Raises:
        UsageError: for one of them whose type JSON would not carry exactly.
    """
    import pyarrow as pa

    names = row_names(settings["format"], program)
    wanted = {settings["row_id"], *settings.get("map", {}).values()}
    sent = []
    for field in schema:
        if field.name not in wanted and plain(field.name) not in names:
            if not (pa.types.is_string(field.type) or pa.types.is_integer(field.type)):
                continue
        elif not _exact(field.type):
            raise UsageError(
                f"the column {field.name!r} is {field.type}, and would not be signed exactly: "
                "make it integers or text (pandas: astype('Int64')), or milliseconds since 1970"
            )
        sent.append(field.name)
    return sent


def _exact(type: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(type):
        return _exact(type.value_type)
    if types.is_list(type) or types.is_large_list(type):
        return _exact(type.value_type)
    if types.is_struct(type):
        return all(_exact(field.type) for field in type)
    return bool(
        types.is_integer(type)
        or types.is_boolean(type)
        or types.is_string(type)
        or types.is_large_string(type)
        or types.is_null(type)
        or (hasattr(types, "is_string_view") and types.is_string_view(type))
        or (types.is_decimal(type) and type.scale == 0)
    )


def _type(field: SignedField, schema: pa.Schema, mapped: str | None) -> pa.DataType:
    """The type of a signed column: the one it has, if that can hold what is signed."""
    import pyarrow as pa

    types = pa.types
    own = schema.field(field.name).type if field.name in schema.names else None
    if own is not None and (types.is_string(own) or types.is_large_string(own)):
        return own
    if field.kind == "integer":
        has = own if own is not None or mapped is None else schema.field(mapped).type
        if has is not None and types.is_decimal(has):
            return has
        if has is not None and types.is_integer(has) and field.least < 2 ** (has.bit_width - 1):
            return has
        return pa.int64() if field.most <= MOST_64 else pa.uint64()
    if field.kind == "boolean" and (own is None or types.is_boolean(own)):
        return pa.bool_()
    return pa.string()


def _result(schema: pa.Schema, types: dict[str, pa.DataType]) -> pa.Schema:
    import pyarrow as pa

    fields = [pa.field(each.name, types.get(each.name, each.type)) for each in schema]
    own = set(schema.names)
    fields.extend(pa.field(name, type) for name, type in types.items() if name not in own)
    fields.append(pa.field(ERROR, _error_type()))
    return pa.schema(fields, metadata=schema.metadata)


def _error_type() -> pa.DataType:
    import pyarrow as pa

    text = pa.string()
    return pa.struct([("code", text), ("field", text), ("message", text)])


def _joined(
    batch: pa.RecordBatch,
    rows: list[dict[str, Any]],
    schema: pa.Schema,
    signed: Collection[str],
    row_id: str,
) -> pa.RecordBatch:
    """A batch and its signed rows side by side."""
    import pyarrow as pa

    for own, row in zip(batch.column(row_id).to_pylist(), rows):
        # Rows lost and doubled between here and there would come in equal numbers.
        if str(row.get(row_id)) != str(own):
            raise ProtocolError(f"the row {own!r} came back as {row.get(row_id)!r}")
    columns = []
    for field in schema:
        if field.name in batch.schema.names and field.name not in signed:
            columns.append(batch.column(field.name))
        else:
            is_text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
            values = [row.get(field.name) for row in rows]
            if is_text:
                values = [_text(value) for value in values]
            columns.append(pa.array(values, field.type))
    return pa.record_batch(columns, schema=schema)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
