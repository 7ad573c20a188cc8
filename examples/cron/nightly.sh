#!/usr/bin/env bash
# Signs one night's campaigns: see README.md.
#   nightly.sh [DATE]
# KEY, ROWS and OUT (a folder) come from the environment; so may FORMAT, PAUSE
# (seconds before another attempt) and METRICS (a .prom file for Prometheus).
set -euo pipefail
: "${KEY:?the private key}" "${ROWS:?the rows}" "${OUT:?the folder of outputs}"
night=${1:-$(date -u +%F)}
mkdir -p "$OUT"

for attempt in 1 2 3; do
  status=0
  campaign-signer sign -q --format "${FORMAT:-skan-view}" --key "$KEY" "$ROWS" \
    --output "$OUT/$night.ndjson.zst" --job-id "night-$night" --resume \
    ${METRICS:+--metrics-file "$METRICS"} || status=$?
  case $status in
    5 | 6 | 8) [ "$attempt" = 3 ] || sleep "${PAUSE:-300}" ;;
    *) break ;;
  esac
done
exit "$status"
