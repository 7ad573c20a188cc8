#!/usr/bin/env python3
"""Makes nonces.json: nonces derived by an implementation that is not ours.

Only Python's standard library; HKDF is written out from RFC 5869. The
derivation is the one that src/stamp.rs documents:

    nonce key = HKDF-SHA256(salt "campaign-signer nonce v1", IKM scalar, info job id)
    nonce     = UUID v4 of the first 16 bytes of HMAC-SHA256(nonce key, items)
    items     = label, identity tag, identity, copy, values …
    item      = 32-bit big-endian length and bytes; absent: ff ff ff ff

    python3 tests/golden/nonces.py > tests/golden/nonces.json
"""
import hashlib
import hmac
import json
import uuid


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 for one block: extract, then expand with the counter 1."""
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def item(value) -> bytes:
    if value is None:
        return b"\xff\xff\xff\xff"
    return len(value).to_bytes(4, "big") + value


def nonce(scalar: bytes, job_id: str, label: str, identity, copy: int, values) -> str:
    key = hkdf(scalar, b"campaign-signer nonce v1", job_id.encode())
    tag, value = identity
    if tag == "place":
        value = value.to_bytes(8, "big")
    else:
        value = value.encode()
    text = item(label.encode()) + item(tag.encode()) + item(value) + item(copy.to_bytes(8, "big"))
    for value in values:
        text += item(None if value is None else value.encode())
    return str(uuid.UUID(bytes=hmac.new(key, text, hashlib.sha256).digest()[:16], version=4))


SCALARS = [
    bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"),
    bytes(31) + b"\x01",
]
VIEW = ["skan-view", "4.0", "1795140000000", "example123.skadnetwork", None, "5239", "525463029", "1234567891"]
OFFER = ["appstore-promo-v1", "", "1795140000000", "com.example.app", "KEY", "p", "o", ""]
CASES = [
    (0, "inventory-2026-11-21", "nonce", ("place", 1), 0, VIEW),
    (0, "inventory-2026-11-21", "nonce", ("place", 1), 1, VIEW),
    (0, "inventory-2026-11-21", "nonce", ("place", 2**33), 0, VIEW),
    (0, "inventory-2026-11-21", "nonce", ("row-id", "r1"), 0, VIEW),
    (0, "inventory-2026-11-21", "nonce", ("row-id", "Zeile-ü"), 2**40, VIEW),
    (0, "inventory-2026-11-21", "nonce", ("row-id", ""), 0, VIEW),
    (0, "inventory-2026-11-21", "requestReferenceId", ("place", 1), 0, VIEW),
    (0, "Nacht-日本", "nonce", ("place", 1), 0, VIEW),
    (0, "j" * 300, "nonce", ("place", 1), 0, VIEW),
    (1, "inventory-2026-11-21", "nonce", ("place", 1), 0, VIEW),
    (1, "x", "nonce", ("place", 7), 0, OFFER),
    (1, "x", "nonce", ("place", 7), 0, OFFER[:-1] + [None]),
    (1, "x", "nonce", ("place", 7), 0, OFFER[:-1]),
    (1, "x", "nonce", ("place", 7), 0, []),
    (1, "x", "nonce", ("place", 7), 0, ["v" * 5000]),
]

print(json.dumps([
    {
        "scalar_hex": SCALARS[scalar].hex(),
        "job_id": job_id,
        "label": label,
        "identity": list(identity),
        "copy": copy,
        "values": values,
        "uuid": nonce(SCALARS[scalar], job_id, label, identity, copy, values),
    }
    for scalar, job_id, label, identity, copy, values in CASES
], indent=1, ensure_ascii=False))
