"""What a format's signed rows have: names, kinds and bounds, as the program tells them.

Knows JSON Schemas, and no format by its name.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from campaign_signer._binary import ask, find_binary
from campaign_signer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Literal, TypeAlias

    Kind: TypeAlias = Literal["text", "integer", "boolean", "json"]

#: The member that says why a row is not signed; an object of code, field, message.
ERROR = "_sign_error"

#: What a line that is no JSON object comes back as.
RAW = "_raw"

#: The member that an object of a shape comes back as.
OBJECT = "object"

#: The largest integer that signed 64 bits hold.
MOST_64 = 2**63 - 1


@dataclass(frozen=True)
class SignedField:
    """A member that a signed row has, or may have."""

    name: str
    #: ``text``, ``integer``, ``boolean``, or ``json`` for objects and arrays.
    kind: Kind
    #: The least and the largest value of an integer.
    least: int = 0
    most: int = 0


def signed_fields(
    format: str, binary: str | None = None, shape: str = "record"
) -> tuple[SignedField, ...]:
    """The members of a signed row of ``format``.

    ``format`` comes first and ``signature`` or ``jws`` last; a row need not have all of
    those in between. Of any ``shape`` but ``record``, it is the one member ``object``.

    Raises:
        UsageError: if there is no such format.
    """
    fields = _signed_fields(find_binary(binary), format.partition("@")[0])
    return fields if shape == "record" else (SignedField(OBJECT, "json"),)


def row_names(format: str, binary: str | None = None) -> frozenset[str]:
    """The names under which ``format`` looks for values in a row, as ``plain`` has them."""
    return _row_names(find_binary(binary), format.partition("@")[0])


def plain(name: str) -> str:
    """A name without what does not matter in it: case, ``-``, ``_``, ``.`` and spaces."""
    return name.lower().translate(_IGNORED)


_IGNORED = str.maketrans("", "", "-_. ")


def check_columns(
    columns: Iterable[str], row_id: str, mapped: Mapping[str, str], signed: Iterable[SignedField]
) -> None:
    """Refuses columns among which signed ones would be lost or confused.

    Raises:
        UsageError: naming the columns.
    """
    names = list(columns)
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name or names.count(name) > 1:
            raise UsageError(
                f"the columns {other!r} and {name!r} have the same name, "
                "but for its case: rename or drop one"
            )
    for what, name in (("row_id", row_id), *((f"map[{f!r}]", c) for f, c in mapped.items())):
        if name not in names:
            raise UsageError(f"{what} names the column {name!r}; there are {', '.join(names)}")
    for field in (*(each.name for each in signed), ERROR):
        name = seen.get(field.lower(), field)
        if name != field:
            raise UsageError(
                f"the column {name!r} and the signed column {field!r} have the same name, "
                f"but for its case: rename it to {field!r}, or drop it"
            )
    own = {each.name for each in signed} & {"format", "signature", "jws", OBJECT}
    for taken in sorted(own | {ERROR, RAW}):
        if taken in names:
            raise UsageError(
                f"there is a column {taken!r} already, as if these rows were signed "
                "before: drop or rename it"
            )


@functools.cache
def _signed_fields(program: str, format: str) -> tuple[SignedField, ...]:
    schema = json.loads(ask(["schema", "--record", format], program))
    fields = [_field(name, found) for name, found in schema["properties"].items()]
    # The schema lists names by the alphabet, and required ones as they are signed.
    required: list[str] = list(schema.get("required", []))
    for version in schema.get("oneOf", []):
        before = len(required)
        for name in version.get("required", []):
            if name in required:
                before = required.index(name) + 1
            else:
                required.insert(before, name)
                before += 1
    last = ("signature", "jws")

    def place(field: SignedField) -> tuple[int, int]:
        where = required.index(field.name) if field.name in required else len(required)
        return (2 if field.name in last else 0 if field.name == "format" else 1), where

    return tuple(sorted(fields, key=place))


@functools.cache
def _row_names(program: str, format: str) -> frozenset[str]:
    schema = json.loads(ask(["schema", format], program))
    return frozenset(plain(name) for name in schema["properties"])


def _field(name: str, schema: dict[str, Any]) -> SignedField:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kind = schema.get("type")
    if values and all(isinstance(value, bool) for value in values):
        kind = "boolean"
    elif values and all(isinstance(value, int) for value in values):
        return SignedField(name, "integer", min(values), max(values))
    if kind == "integer":
        return SignedField(name, "integer", schema.get("minimum", 0), schema.get("maximum", 0))
    if kind in ("object", "array"):
        return SignedField(name, "json")
    return SignedField(name, "boolean" if kind == "boolean" else "text")
