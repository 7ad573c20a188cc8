"""Writes nonces.json: nonces made from the documentation of src/stamp.rs alone.

Only Python's standard library is used. Run `python3 nonces.py` here; the file
must not change, because the derivation does not change between releases.
"""

import hashlib
import hmac
import json
import pathlib
import uuid

SALT = b"campaign-signer nonce v1"


def hkdf_sha256(salt, ikm, info, length):
    """RFC 5869, sections 2.2 and 2.3."""
    pseudorandom_key = hmac.new(salt, ikm, hashlib.sha256).digest()
    out = block = b""
    counter = 1
    while len(out) < length:
        message = block + info + bytes([counter])
        block = hmac.new(pseudorandom_key, message, hashlib.sha256).digest()
        out += block
        counter += 1
    return out[:length]


def item(value):
    """A 32-bit big-endian length and the bytes; an absent value is ff ff ff ff."""
    if value is None:
        return b"\xff\xff\xff\xff"
    return len(value).to_bytes(4, "big") + value


def nonce(case):
    key = hkdf_sha256(
        SALT, bytes.fromhex(case["scalar_hex"]), case["job_id"].encode(), 32
    )
    known_by = case["identity"]
    if "place" in known_by:
        identity = [b"place", known_by["place"].to_bytes(8, "big")]
    else:
        identity = [b"row-id", known_by["row_id"].encode()]
    if "publisher" in known_by:
        identity += [b"publisher", known_by["publisher"].to_bytes(8, "big")]
    items = [case["label"].encode(), *identity, case["copy"].to_bytes(8, "big")]
    items += [None if value is None else value.encode() for value in case["values"]]
    message = b"".join(item(value) for value in items)
    first = bytearray(hmac.new(key, message, hashlib.sha256).digest()[:16])
    first[6] = first[6] & 0x0F | 0x40  # version 4: RFC 9562, section 5.4
    first[8] = first[8] & 0x3F | 0x80  # the variant: section 4.1
    return str(uuid.UUID(bytes=bytes(first)))


# RFC 6979 A.2.5, the scalar one, the order of P-256 less one, and bytes 1 to 32.
RFC6979 = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
ONE = "00" * 31 + "01"
GREATEST = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
COUNTING = bytes(range(1, 33)).hex()

VIEW = ["skan-view", "4.0", "1760000000000", "example123.skadnetwork", "5239", "525463029"]
PLAIN = ["appstore-promo-v1", "", "1760000000000", "com.example.app", "2X9R4HXF34"]


def case(
    scalar=RFC6979,
    job_id="example-job",
    label="nonce",
    place=1,
    row_id=None,
    publisher=None,
    copy=0,
    values=VIEW,
):
    known_by = {"place": place} if row_id is None else {"row_id": row_id}
    if publisher is not None:
        known_by["publisher"] = publisher
    made = {
        "scalar_hex": scalar,
        "job_id": job_id,
        "label": label,
        "identity": known_by,
        "copy": copy,
        "values": values,
    }
    made["uuid"] = nonce(made)
    return made


CASES = [
    case(),
    case(scalar=ONE),
    case(scalar=GREATEST),
    case(scalar=COUNTING),
    case(job_id=""),
    case(job_id="Größe-東京-🚀"),
    case(job_id="x" * 200),
    case(copy=1),
    case(copy=2**40),
    case(place=2**33),
    case(place=2**64 - 1, copy=2**64 - 1),
    case(row_id="order-1001"),
    case(row_id=""),
    case(row_id="ligne-é-7", copy=1),
    # The bytes of place 1 as an id of the row: another nonce.
    case(row_id="\0\0\0\0\0\0\0\1"),
    case(label="requestReferenceId", values=PLAIN),
    case(values=PLAIN),
    case(values=PLAIN + [None]),
    case(values=PLAIN + [""]),
    case(values=PLAIN + ["", None]),
    case(values=PLAIN + [None, ""]),
    case(values=PLAIN + ["v" * 5000]),
    # The same text, split elsewhere.
    case(values=VIEW[:-2] + ["52395", "25463029"]),
    case(values=VIEW[:3] + ["Renée \u2063 東京"]),
    case(scalar=COUNTING, job_id="", values=[]),
    # A row known by an id that meets publishers.
    case(row_id="order-1001", publisher=1),
    case(row_id="order-1001", publisher=2**32, copy=3),
    case(row_id="", publisher=1),
]


def main():
    uuids = [made["uuid"] for made in CASES]
    assert len(set(uuids)) == len(uuids)
    document = {
        "what": "Nonces made by nonces.py, which knows only the documentation.",
        "cases": CASES,
    }
    text = json.dumps(document, indent=1, ensure_ascii=True) + "\n"
    pathlib.Path(__file__).with_name("nonces.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
