#!/usr/bin/env bash
# Signs the shards of a folder with GNU parallel: see README.md.
#   sign-shards.sh KEY JOB_ID TIMESTAMP SHARDS OUT
# FORMAT and JOBS (how many shards at once) may come from the environment.
set -euo pipefail

if [ $# -ne 5 ]; then
  echo "usage: $0 KEY JOB_ID TIMESTAMP SHARDS OUT" >&2
  exit 2
fi
key=$1 job_id=$2 timestamp=$3 shards=$4 out=$5
mkdir -p "$out"

# One thread each: as many shards are worked on as there are cores. {/.} is the
# shard's name without folder and ending. A shard that is finished is passed over
# by the program, which compares what it was made from; --resume-failed would go by
# its place in the list alone, and pass over another one where the list has grown.
find "$shards" -maxdepth 1 -name '*.csv' -print | sort |
  parallel --will-cite --jobs "${JOBS:-100%}" --joblog "$out/_joblog" \
    --halt soon,fail=1 \
    campaign-signer sign -q --jobs 1 --format "${FORMAT:-skan-view}" --key "$key" {} \
    --output "$out/{/.}.ndjson" --job-id "$job_id.{/.}" --timestamp "$timestamp" --resume
