#!/usr/bin/env bash
# Installs what pare is built from: Debian packages, libtorch, and the Python
# environment of the judges (third-party tools that check our files in tests).
# Safe to run again: each part is skipped when it is already there.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
deps=${PARE_DEPS:-$root/.deps}

packages=(
  cmake ninja-build g++ ccache mold pkg-config make git ca-certificates unzip python3 python3-venv
  libeigen3-dev libyaml-cpp-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libprotozero-dev
  libjpeg62-turbo-dev libpng-dev libarchive-dev zlib1g-dev coinor-libcbc-dev libutf8proc-dev
  libgloo-dev  # its headers only: libtorch contains Gloo but does not ship them
  googletest libgtest-dev librapidcheck-dev libbenchmark-dev
  libsimde-dev  # tests alone: instructions that the processor lacks
  g++-aarch64-linux-gnu qemu-user
)

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      missing+=("$package")
    fi
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "deps: installing ${missing[*]}"
  local sudo=()
  if [[ $(id -u) -ne 0 ]]; then sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The stamp holds the hash of what the part was made from.
fresh() { [[ -f $1/.stamp && $(cat "$1/.stamp") == "$2" ]]; }

make_judges() {
  local want
  want=$(sha256sum <tests/judges/requirements.txt)
  fresh "$deps/judges" "$want" && return
  echo "deps: judges' Python environment"
  rm -rf "$deps/judges"
  /usr/bin/python3 -m venv "$deps/judges"
  "$deps/judges/bin/pip" install -q --disable-pip-version-check --only-binary=:all: \
    -r tests/judges/requirements.txt
  echo "$want" >"$deps/judges/.stamp"
}

# Only what the CPU side needs is unpacked; for training on a GPU give CMake
# -DLIBTORCH_ROOT=<folder of a complete torch 2.11 installation>.
make_libtorch() {
  local want
  want=$(sha256sum <core/cmake/libtorch.txt)
  fresh "$deps/libtorch" "$want" && return
  echo "deps: libtorch"
  local work=$deps/libtorch.work
  rm -rf "$work" "$deps/libtorch"
  mkdir -p "$work/unpacked"
  "$deps/judges/bin/pip" download -q --disable-pip-version-check --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    -d "$work" -r core/cmake/libtorch.txt
  unzip -q "$work"/torch-*.whl -d "$work/unpacked" \
    'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' 'torch/lib/libgomp*' \
    'torch/include/ATen/*' 'torch/include/c10/*' 'torch/include/caffe2/*' \
    'torch/include/torch/*' 'torch/include/kineto/*'
  unzip -q "$work"/nvidia_cuda_cupti-*.whl -d "$work/unpacked" '*/libcupti.so.13'
  unzip -q "$work"/nvidia_cuda_runtime-*.whl -d "$work/unpacked" '*/libcudart.so.13'
  mv "$work/unpacked/nvidia/cu13/lib"/*.so* "$work/unpacked/torch/lib/"
  mv "$work/unpacked/torch" "$deps/libtorch"
  rm -rf "$work"
  echo "$want" >"$deps/libtorch/.stamp"
}

install_packages
mkdir -p "$deps"
make_judges
make_libtorch
