#!/usr/bin/env bash
# Builds what is committed twice, in two folders of other names and lengths,
# and compares the bytes. What comes out is in target/reproduce.
#   bash packaging/reproduce.sh [TARGET]
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
rooms=$(mktemp -d)
trap 'rm -rf "$rooms"' EXIT
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# Nothing of ours asks for the time; what a dependency compiles might.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

build() { # FOLDER RESULT
  mkdir -p "$1"
  git archive HEAD | tar x -C "$1"
  (
    cd "$1"
    # Panics and debugging name source files by where they stood.
    export RUSTFLAGS="--remap-path-prefix=$PWD=/build --remap-path-prefix=$cargo_home=/cargo"
    export CFLAGS="-ffile-prefix-map=$PWD=/build -ffile-prefix-map=$cargo_home=/cargo"
    export CARGO_TARGET_DIR=$PWD/target
    cargo build --locked --release --bin campaign-signer --target "$target"
  )
  mv "$1/target/$target/release/campaign-signer" "$2"
  rm -rf "$1"
}

build "$rooms/one" "$rooms/first"
build "$rooms/another/with/a/longer/name" "$rooms/second"
mkdir -p target/reproduce
cp "$rooms/first" target/reproduce/campaign-signer
sha256sum target/reproduce/campaign-signer
if ! cmp "$rooms/first" "$rooms/second"; then
  echo "the two builds differ" >&2
  exit 1
fi
