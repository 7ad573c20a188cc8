#!/usr/bin/env bash
# Debian's package, with manual pages and completions: target/debian/*.deb.
# Wants cargo-deb (`cargo install cargo-deb --locked`).
set -euo pipefail
cd "$(dirname "$0")/.."

made=${CARGO_TARGET_DIR:-target}
cargo build --locked --release --bin campaign-signer
signer=$made/release/campaign-signer

# Beside the binary: cargo-deb knows where target/release really is.
rm -rf "$made/release/packaged"
mkdir -p "$made/release/packaged"
"$signer" man --out "$made/release/packaged/man"
for shell in bash zsh fish; do
  "$signer" completions "$shell" > "$made/release/packaged/campaign-signer.$shell"
done
gzip -9n "$made"/release/packaged/man/*.1

cargo deb --locked --no-build "$@"
