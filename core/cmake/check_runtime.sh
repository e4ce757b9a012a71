#!/usr/bin/env bash
# The device runner must start on a machine that has neither libtorch nor CUDA.
set -euo pipefail
runner=$1/apps/pare-run/pare-run
needed=$(readelf -d "$runner" | grep NEEDED)
echo "$needed"
if grep -qiE 'torch|c10|cuda|cupti|gomp' <<<"$needed"; then
  echo "check_runtime: $runner links a library that devices do not have" >&2
  exit 1
fi
"$runner" --help >/dev/null
