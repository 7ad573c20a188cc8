#!/usr/bin/env python3
"""Stands in for the signer, and fails as it is told: ``standin.py FAULT``.

As ``CAMPAIGN_SIGNER_BINARY`` the fault is in the variable FAULT, the file whose absence
lets it happen once in ONCE, and every verb but ``filter`` is the real program's (REAL).
"""

import json
import os
import signal
import sys
import time

ROW = 500


def main(fault: str) -> int:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    if fault == "no-input":
        print("campaign-signer: error: the key cannot be read", file=sys.stderr)
        return 3
    if fault == "noise":
        sys.stderr.write("noise\n" * 2_000_000)
    rows = 0
    for line in source:
        rows += 1
        answer = line[:-2] + b',"format":"x","signature":"s' + str(rows).encode() + b'"}\n'
        if rows == ROW:
            if fault == "midway":
                sink.flush()
                print("campaign-signer: error: the disk is full", file=sys.stderr)
                return 6
            if fault == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == "stops-well":
                sink.flush()
                print(summary(rows - 1), file=sys.stderr)
                return 0
            if fault == "drop":
                continue
            if fault == "double":
                sink.write(answer)
            if fault == "garbage":
                answer = b"\xff\x00 not JSON\n"
            if fault == "hang":
                time.sleep(1000)
            if fault == "half":
                sink.write(answer[:20])
                sink.flush()
                return 0
        sink.write(answer)
    if fault == "open":
        sink.write(b'{"no":"end"')
    sink.flush()
    if fault == "late":
        os.close(1)
        time.sleep(2)
        print("campaign-signer: error: an internal check failed", file=sys.stderr)
        return 70
    if fault == "lingers":
        os.close(1)
        time.sleep(1000)
    if fault == "silent":
        return 0
    print(summary(rows + (fault == "miscounts")), file=sys.stderr)
    return 0


def summary(rows: int) -> str:
    return json.dumps({"event": "summary", "rows": rows, "signed": rows, "rejected": 0})


if __name__ == "__main__":
    if "REAL" in os.environ:
        once = os.environ.get("ONCE")
        if sys.argv[1] != "filter" or (once and os.path.exists(once)):
            os.execv(os.environ["REAL"], [os.environ["REAL"], *sys.argv[1:]])
        if once:
            open(once, "x").close()
        sys.exit(main(os.environ["FAULT"]))
    sys.exit(main(sys.argv[1]))
