#!/usr/bin/env bash
# run.sh BUILD [NAME...]: measures what the README's tables claim and writes tests/evidence/NAME.json and the tables.
# NAME: train_speed, ranks, reference_kernels, structured_speed, structured_steps, random_graphs, structured_accuracy,
# structured_effect (default: all). PyTorch and torch-pruning, the other sides of some measurements, live in an environment of their own (about 5 GB);
# PARE_EVIDENCE_PYTHON names the interpreter of another one.
set -euo pipefail
build=$(realpath "$1")
shift
cd "$(dirname "$0")/../.."

python=${PARE_EVIDENCE_PYTHON:-}
if [[ -z $python ]]; then
  folder=${PARE_DEPS:-$PWD/.deps}/evidence
  want=$(sha256sum <tests/evidence/requirements.txt)
  if [[ ! -f $folder/.stamp || $(cat "$folder/.stamp") != "$want" ]]; then
    echo "evidence: Python environment with PyTorch (about 5 GB)"
    rm -rf "$folder"
    /usr/bin/python3 -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check --only-binary=:all: -r tests/evidence/requirements.txt
    echo "$want" >"$folder/.stamp"
  fi
  python=$folder/bin/python
fi

cmake --build "$build" --target train_speed structured_speed test_conformance
"$python" tests/evidence/measure.py "$build" "$@"
"$python" tests/evidence/table.py README.md pruning/README.md
