#!/usr/bin/env bash
# Is the batch engine constant-time? CONTRIBUTING.md says what that means.
#   bash ct/run.sh            under Valgrind; what CI runs
#   bash ct/run.sh timing     by the clock, for some minutes on a quiet machine
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-memcheck}
cargo build --release --locked --manifest-path ct/Cargo.toml
program=${CARGO_TARGET_DIR:-ct/target}/release/campaign-signer-ct

# A status that the program itself never has.
reported=99
memcheck() {
  valgrind --quiet --error-limit=no --error-exitcode="$reported" --log-file="$1" "$program" "$2"
}

case $mode in
  memcheck)
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "== signing with a key that memcheck calls undefined: nothing may be reported"
    if ! memcheck "$log" watch; then
      head -n 200 "$log"
      echo "ct: a branch or an address depends on a secret, or a signature is wrong"
      exit 1
    fi
    echo "== deliberate leaks: each must be reported"
    status=0
    memcheck "$log" leaks || status=$?
    if [ "$status" -ne "$reported" ]; then
      echo "ct: a leak was not reported (status $status)"
      exit 1
    fi
    echo "ct: nothing is reported of the engine, and every deliberate leak is"
    ;;
  timing)
    "$program" timing ${2:+"$2"}
    ;;
  *)
    echo "bash ct/run.sh [memcheck | timing [measurements]]" >&2
    exit 2
    ;;
esac
