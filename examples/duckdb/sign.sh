#!/usr/bin/env bash
# Signs the rows of query.sql into a Parquet file: see README.md.
#   sign.sh KEY JOB_ID TIMESTAMP OUT.parquet
# More is read from the environment: DATABASE (a DuckDB file), QUERY, FORMAT.
set -euo pipefail

if [ $# -ne 4 ]; then
  echo "usage: $0 KEY JOB_ID TIMESTAMP OUT.parquet" >&2
  exit 2
fi
key=$1 job_id=$2 timestamp=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
database=${DATABASE:-:memory:}
query=$(cat "${QUERY:-$here/query.sql}")
format=${FORMAT:-skan-view}

# Beside the result, so that giving it its name is one step.
work=$(mktemp -d "$(dirname "$out")/.signing-XXXXXX")
trap 'rm -rf "$work"' EXIT

# What comes back is read under names and types that are written down: guessed
# ones would miss members that the first rows do not have, `_sign_error` first.
duckdb -bail "$database" -c "COPY ($query) TO '/dev/stdout' (FORMAT json)" |
  campaign-signer filter --format "$format" --key "$key" --job-id "$job_id" \
    --timestamp "$timestamp" --row-id row_id |
  duckdb -bail "$work/signed.db" -c "
    CREATE TABLE rows AS SELECT * FROM read_json('/dev/stdin',
      format = 'newline_delimited', maximum_object_size = 67108864, columns = {
        'row_id': 'VARCHAR', 'format': 'VARCHAR', 'version': 'VARCHAR',
        'ad-network-id': 'VARCHAR', 'source-identifier': 'UBIGINT',
        'itunes-item-id': 'UBIGINT', 'nonce': 'VARCHAR', 'source-app-id': 'UBIGINT',
        'fidelity-type': 'UBIGINT', 'timestamp': 'UBIGINT', 'signature': 'VARCHAR',
        '_sign_error': 'STRUCT(code VARCHAR, field VARCHAR, message VARCHAR)'});
    COPY (SELECT * EXCLUDE (_sign_error) FROM rows WHERE _sign_error IS NULL)
      TO '$work/signed.parquet' (FORMAT parquet, COMPRESSION zstd);
    COPY (SELECT * FROM rows WHERE _sign_error IS NOT NULL)
      TO '$work/rejects.parquet' (FORMAT parquet, COMPRESSION zstd)"

count() { duckdb -bail -noheader -list "$1" -c "SELECT count(*) FROM ($2)"; }
asked=$(count "$database" "$query")
came=$(count "$work/signed.db" "SELECT * FROM rows")
if [ "$asked" != "$came" ]; then
  echo "$0: the query has $asked rows, and $came came back" >&2
  exit 70
fi

rejected=$(count :memory: "SELECT * FROM '$work/rejects.parquet'")
mv -f "$work/rejects.parquet" "${out%.parquet}.rejects.parquet"
mv -f "$work/signed.parquet" "$out"
echo "$((asked - rejected)) rows signed, $rejected rejected: $out"
