#!/usr/bin/env bash
# check_runtime.sh BUILD: what a device gets is small, starts without libtorch and CUDA, and can be linked.
set -euo pipefail
runner=$1/apps/pare-run/pare-run
most_bytes=1500000  # of the stripped program

needed=$(readelf -d "$runner" | grep NEEDED)
echo "$needed"
if grep -qiE 'torch|c10|cuda|cupti|gomp' <<<"$needed"; then
  echo "check_runtime: $runner links a library that devices do not have" >&2
  exit 1
fi
"$runner" --help >/dev/null

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$runner"
bytes=$(stat -c %s "$stripped")
echo "pare-run stripped: $bytes bytes"
if ((bytes > most_bytes)); then
  echo "check_runtime: expected pare-run to have at most $most_bytes bytes, got $bytes. Does it link what only training needs?" >&2
  exit 1
fi
"$(dirname "$0")"/../../tests/install/check_embed.sh "$1" "$(dirname "$0")/../.."
