#!/usr/bin/env bash
# Runs every target for so many seconds, 600 unless told: fuzz/run-all.sh 60
# New inputs go to fuzz/found/<target>, what breaks a target to
# fuzz/artifacts/<target>; the committed corpus is only read.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
status=0
for file in fuzz/fuzz_targets/*.rs; do
  target=$(basename "$file" .rs)
  mkdir -p "fuzz/found/$target"
  # No search for leaks: worker threads that are just ending look like some,
  # and it costs most of the time.
  cargo +nightly fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=512 -detect_leaks=0 \
    -print_final_stats=1 || status=1
done
exit "$status"
