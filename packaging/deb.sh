#!/usr/bin/env bash
# Debian's package, with manual pages and completions: target/debian/*.deb.
# Wants cargo-deb (`cargo install cargo-deb --locked`).
set -euo pipefail
cd "$(dirname "$0")/.."

made=${CARGO_TARGET_DIR:-target}
cargo build --locked --release --bin campaign-signer
signer=$made/release/campaign-signer

# Beside the binary: cargo-deb finds what stands below target/ wherever it is.
rm -rf "$made/packaged"
mkdir -p "$made/packaged"
"$signer" man --out "$made/packaged/man"
for shell in bash zsh fish; do
  "$signer" completions "$shell" > "$made/packaged/campaign-signer.$shell"
done
gzip -9n "$made"/packaged/man/*.1

cargo deb --locked --no-build "$@"
