"""``python -m campaign_signer ...`` is the program itself."""

import sys

from campaign_signer._binary import run
from campaign_signer.errors import BinaryNotFoundError

if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except BinaryNotFoundError as error:
        sys.exit(f"campaign-signer: error: {error}")
