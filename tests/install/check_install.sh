#!/usr/bin/env bash
# check_install.sh BUILD SOURCE LIBTORCH: installs BUILD into a temporary prefix, builds copies of the examples against it,
# runs them and checks what they print.
set -euo pipefail
build=$1 source=$2 libtorch=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=$source/examples/data

fail() { echo "install: $*" >&2; exit 1; }
# holds <description> <awk condition>
holds() { awk "BEGIN { exit !($2) }" || fail "expected $1, got $2"; }
# number <file> <prefix of the line> <field>
number() { awk -v p="$2" -v f="$3" 'index($0, p) == 1 { gsub(",", ""); print $f; found = 1 } END { exit !found }' "$1" ||
  fail "expected a line \"$2\" in $(cat "$1")"; }
# exits <status> <command...>
exits() {
  local want=$1 got=0
  shift
  "$@" >/dev/null 2>&1 || got=$?
  [[ $got -eq $want ]] || fail "expected status $want, got $got: $*"
}

cmake --install "$build" --prefix "$work/prefix" >/dev/null
if grep -rF --include='*.cmake' "$source/" "$work/prefix" | grep -vF "$libtorch"; then
  fail "expected a package that does not name the source tree"
fi

cp -r "$source/examples/own_training_loop" "$source/examples/custom_method" "$source/examples/device_runner" "$work"
launcher=$(command -v ccache || true)
for example in own_training_loop custom_method device_runner; do
  cmake -G Ninja -S "$work/$example" -B "$work/$example/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" --log-level=WARNING >/dev/null
  cmake --build "$work/$example/build" >"$work/build.log" 2>&1 || fail "$example does not build: $(tail -30 "$work/build.log")"
done
own=$work/own_training_loop/build/own_training_loop
custom=$work/custom_method/build/custom_method
runner=$work/device_runner/build/device_runner

# A fraction of MNIST in a few epochs: below what LeNet-5 reaches, far above chance.
"$own" "$data/mnist" "$work/lenet5.pare" | tee "$work/own.txt"
dense=$(number "$work/own.txt" dense: 3) pruned=$(number "$work/own.txt" pruned: 3) zeros=$(number "$work/own.txt" pruned: 5)
executed=$(number "$work/own.txt" executor: 3)
smaller=$(number "$work/own.txt" smaller: 3) macs=$(number "$work/own.txt" smaller: 5)
holds "a dense model of at least 92 %" "$dense >= 92"
holds "half of the work" "$macs <= 50 && $macs >= 40"
holds "the removal to cost at most 2 points" "$smaller >= $dense - 2"
holds "pruning to cost at most 2 points" "$pruned >= $dense - 2"
holds "80 % zeros" "$zeros >= 79.5"
holds "the executor to agree to two images of 2,000" "$executed - $pruned <= 0.101 && $pruned - $executed <= 0.101"
exits 2 "$own"
exits 1 "$own" "$work/no-such-folder" "$work/x.pare"

"$custom" "$work/custom_method/recipe.yaml" "$work/custom" "$data/mnist" | tee "$work/custom.txt"
before=$(number "$work/custom.txt" before: 5) after=$(number "$work/custom.txt" after: 5) top1=$(number "$work/custom.txt" after: 3)
holds "a model of at least 88 %" "$top1 >= 88"
holds "at most 60 % of the work" "$after <= 0.6 * $before"
grep -q 'example.SquaredRelu' "$work"/custom/run/*/model.pare || fail "expected the operator in model.pare"
exits 2 "$custom"
sed 's/strength: 1.0e-3/strenght: 1.0e-3/' "$work/custom_method/recipe.yaml" >"$work/custom_method/misspelt.yaml"
exits 1 "$custom" "$work/custom_method/misspelt.yaml" "$work/misspelt" "$data/mnist"

"$runner" "$work/lenet5.pare" | tee "$work/runner.txt"
grep -q '^sample 0: 7, ' "$work/runner.txt" || fail "expected the first test image to be a 7"
if ldd "$runner" | grep -q torch; then fail "expected a device runner without libtorch"; fi
image=cifar10/train/airplane/0000.jpg
tar -xzf "$data/cifar10.tar.gz" -C "$work" --occurrence=1 "$image"
"$runner" "$work/lenet5.pare" "$work/$image" | grep -Eq ': [0-9]$' || fail "expected one of ten labels for $image"
exits 1 "$runner" "$work/own.txt"
echo "install: passed"
