"""Whether the key on this machine is the expected one.

Knows fingerprints, and never reads a key itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from campaign_signer._binary import ask
from campaign_signer.errors import SigningKeyError

if TYPE_CHECKING:
    from campaign_signer.settings import Settings


def check_key(settings: Settings, program: str) -> None:
    """Refuses a key whose fingerprint is not ``expect_key``, if that is set.

    Two machines with two keys would otherwise sign one table with both of them.

    Raises:
        SigningKeyError: naming the file and both fingerprints, which are public.
    """
    expected = settings.get("expect_key")
    if expected is None:
        return
    arguments = ["key", os.fspath(settings["key_file"])]
    passphrase = settings.get("passphrase_file")
    if passphrase is not None:
        arguments.append(f"--passphrase-file={os.fspath(passphrase)}")
    said = ask(arguments, program)
    for line in said.splitlines():
        name, _, found = line.strip().partition(" ")
        if name == "fingerprint":
            if found.strip() == expected:
                return
            raise SigningKeyError(
                f"{arguments[1]} is the key {found.strip()}, and {expected} is expected"
            )
    raise SigningKeyError(f"{arguments[1]} has no fingerprint to compare with {expected}")
