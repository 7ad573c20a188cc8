#!/usr/bin/env bash
# Builds the wheel, installs it into an environment of its own, and tests it there:
# with lints, types, DuckDB, Polars, pandas and Spark. What is missing is installed.
#
#   ci.sh install                   only installs
#   ci.sh [ARGUMENTS OF pytest]     --slow: a cluster of its own, and kill -9
#
# PROFILE=release builds as for a release; the default reuses what `cargo test` built.
set -euo pipefail
cd "$(dirname "$0")"

environment=${CAMPAIGN_SIGNER_VENV:-$PWD/.venv}
packages=()
command -v java >/dev/null || packages+=(openjdk-17-jre-headless)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if [ ! -x "$environment/bin/pytest" ]; then
  python3 -m venv --clear "$environment"
  "$environment/bin/pip" install -q --upgrade pip
  "$environment/bin/pip" install -q --group test
fi
if [ "${1:-}" = install ]; then
  exit
fi
PATH=$environment/bin:$PATH
unset CAMPAIGN_SIGNER_BINARY PYTHONPATH

ruff check -q . ../examples/python ../examples/spark --config pyproject.toml
ruff format -q --check . ../examples/python ../examples/spark --config pyproject.toml
mypy --no-error-summary

wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
# Parquet takes as long to build as all the rest, and no test here is about it.
features=()
[ -n "${PROFILE:-}" ] || features=(--features cli)
maturin build -q --profile "${PROFILE:-dev}" "${features[@]}" --out "$wheels"
pip install -q --no-deps --force-reinstall "$wheels"/*.whl
# The program comes from the wheel, and from nowhere else.
(cd / && campaign-signer --version && python -m campaign_signer --version)
CAMPAIGN_SIGNER_NEEDS=all pytest "$@"
