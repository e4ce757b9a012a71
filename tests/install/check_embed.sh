#!/usr/bin/env bash
# check_embed.sh BUILD SOURCE: installs BUILD into a temporary prefix, builds a copy of examples/embed against it and compares
# what its programs print. Needs no libtorch.
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$source/tests/data/format/v1/small.pare

fail() { echo "embed: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$work/prefix" >/dev/null
cp -r "$source/examples/embed" "$work"
cmake -G Ninja -S "$work/embed" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" --log-level=WARNING >/dev/null
cmake --build "$work/build" >"$work/build.log" 2>&1 || fail "the example does not build: $(tail -30 "$work/build.log")"
library=$(find "$work/prefix" -name libpare_runtime.so)

foreign=$(nm -D --defined-only "$library" | awk '$3 !~ /^pare_/ { print $3 }')
[[ -z $foreign ]] || fail "expected only pare_ symbols in libpare_runtime.so, got $(head -5 <<<"$foreign")"
state=$(nm -D --defined-only "$library" | awk '$2 ~ /[BbDd]/ { print $3 }')
[[ -z $state ]] || fail "expected no variables in the interface, got $state"

"$work/build/embed_c" "$model" | tee "$work/c.txt"
grep -q '^input input: F32 1 8$' "$work/c.txt" || fail "expected the input of small.pare"
[[ $(awk '/^output:/ { print NF }' "$work/c.txt") -eq 5 ]] || fail "expected four outputs"
"$work/build/embed_cpp" "$model" | cmp - "$work/c.txt" || fail "expected C++ to print what C prints"
python3 "$source/examples/embed/run.py" "$library" "$model" | cmp - "$work/c.txt" || fail "expected Python to print what C prints"
for program in "$work/build/embed_c" "$work/build/embed_cpp" "python3 $source/examples/embed/run.py $library"; do
  if $program "$source/README.md" >"$work/error.txt" 2>&1; then fail "expected $program to refuse a text file"; fi
  grep -q 'safetensors' "$work/error.txt" || fail "expected a reason, got $(cat "$work/error.txt")"
done
echo "embed: passed"
