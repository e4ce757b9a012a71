#!/usr/bin/env bash
# Fails when an include crosses a layer. The link graph enforces most of this already;
# header-only dependencies and torch's headers need the check.
set -uo pipefail
cd "$1"
status=0

# forbid <reason> <extended regex on the included path> <folder or file>...
forbid() {
  local reason=$1 pattern=$2 hits
  shift 2
  local places=()
  for place in "$@"; do
    [[ -e $place ]] && places+=("$place")
  done
  [[ ${#places[@]} -eq 0 ]] && return
  hits=$(grep -rnE --include='*.h' --include='*.cpp' "^ *# *include *[<\"]($pattern)" "${places[@]}")
  if [[ -n $hits ]]; then
    printf 'layering: %s\n%s\n' "$reason" "$hits"
    status=1
  fi
}

torch='torch/|ATen/|c10/|caffe2/'
free=(core/base core/graph core/import core/zoo core/format core/recipe core/runtime core/data export apps/pare-run)
libraries=(core export pruning quant distill nas)

forbid 'libtorch right of the cut' "$torch" "${free[@]}"
forbid 'CLI11 outside apps' 'CLI/' "${libraries[@]}"
forbid 'spdlog outside apps' 'spdlog/' "${libraries[@]}"
yaml_free=(export pruning quant distill nas apps tests)
for folder in core/*/; do
  [[ $folder == core/recipe/ ]] || yaml_free+=("$folder")
done
forbid 'yaml-cpp outside core/recipe' 'yaml-cpp/' "${yaml_free[@]}"

above='core/(model|trace|train|analysis|job)/|pruning/|quant/|distill/|nas/|apps/'
forbid 'base knows nothing above it' "core/(graph|import|zoo|format|recipe|runtime|data)/|export/|$above" core/base
forbid 'graph knows base only' "core/(import|zoo|format|recipe|runtime|data)/|export/|$above" core/graph
forbid 'import, zoo, format, recipe do not know the runtime' "core/runtime/|export/|$above" \
  core/import core/zoo core/format core/recipe
forbid 'runtime does not know the exporters or the training side' "export/|$above" core/runtime
forbid 'export does not know the training side' "$above" export
forbid 'data knows base and format only' "core/(graph|import|zoo|recipe|runtime)/|export/|$above" core/data
forbid 'core does not know the methods' 'pruning/|quant/|distill/|nas/|apps/' core
forbid 'methods do not know each other' 'quant/|distill/|nas/' pruning
forbid 'methods do not know each other' 'pruning/|distill/|nas/' quant
forbid 'methods do not know each other' 'pruning/|quant/|nas/' distill
forbid 'methods do not know each other' 'pruning/|quant/|distill/' nas

hits=$(grep -rnE --include='*.h' '^ *# *include *[<"]torch/(torch|all|nn)\.h' \
  core export pruning quant distill apps tests examples 2>/dev/null)
if [[ -n $hits ]]; then
  printf 'layering: torch/torch.h in a header costs every includer 12 s\n%s\n' "$hits"
  status=1
fi
exit $status
