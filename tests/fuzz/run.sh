#!/usr/bin/env bash
# run.sh BUILD SECONDS: builds the fuzzers and gives each that long, one after the other. New inputs stay in BUILD/corpus; what
# breaks a target is written to BUILD/findings and fails the run.
set -euo pipefail
build=$1 seconds=$2
targets=(pare safetensors onnx graph pt2 pth)

cmake --build "$build" --target write_corpus "${targets[@]/#/fuzz_}" >/dev/null
"$build/tests/fuzz/write_corpus" "$build/corpus"
mkdir -p "$build/findings"
for target in "${targets[@]}"; do
  # More than targets.h allows at once is a finding even before the target itself compares.
  "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -max_len=65536 -malloc_limit_mb=128 -rss_limit_mb=2048 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="$build/findings/$target-" "$build/corpus/$target" 2>&1 |
    grep -vE '^(INFO|MERGE)' || { echo "fuzz: $target broke, see $build/findings" >&2; exit 1; }
done
