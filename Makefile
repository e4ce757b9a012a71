# Thin front door; the build itself is CMake (see CMakePresets.json).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
BUILD := build/release
PARE := $(BUILD)/apps/pare/pare

# $(call stage,name,commands): runs the commands and prints how long they took.
stage = @echo "== $(1)"; start=$$SECONDS; { $(2); } || exit 1; echo "== $(1): $$((SECONDS - start)) s"
build_preset = cmake --preset $(1) --log-level=WARNING && cmake --build --preset $(1) -j $(JOBS)
test_preset = ctest --preset $(1) -j $(JOBS) --no-tests=error

# Python with the judges' packages.
JUDGE := $(or $(PARE_DEPS),.deps)/judges/bin/python

.PHONY: deps build check test demo asan arm fuzz fuzz-coverage runtime-only evidence bench-judges install format clean

deps:  ## install what is missing: packages, libtorch, the judges' Python environment
	$(call stage,deps,core/cmake/deps.sh)

build: deps
	$(call stage,build,$(call build_preset,release))

check: build  ## the main tests alone
	$(call stage,check,$(call test_preset,release))

test: check runtime-only asan arm  ## all tests

runtime-only: deps  ## what a device needs builds without libtorch
	$(call stage,runtime-only,$(call build_preset,runtime-only) && core/cmake/check_runtime.sh build/runtime-only)

asan: deps  ## torch-free tests under the address and undefined-behaviour sanitizers
	$(call stage,asan,$(call build_preset,asan) && $(call test_preset,asan))

arm: deps  ## torch-free tests for 64-bit ARM under qemu
	$(call stage,arm,$(call build_preset,aarch64) && $(call test_preset,aarch64))

fuzz: deps  ## the readers under libFuzzer (needs clang), FUZZ_SECONDS each; every build replays their corpus
	$(call stage,fuzz,cmake --preset fuzz --log-level=WARNING && tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS))

fuzz-coverage: deps  ## lines of each reader that the mutated corpus reaches
	$(call stage,fuzz-coverage,cmake --preset coverage --log-level=WARNING && cmake --build --preset coverage -j $(JOBS) --target test_fuzz && python3 tests/fuzz/coverage.py build/coverage)

demo: build
	$(PARE) run configs/resnet20_cifar10.yaml

evidence: build  ## measure again what the README's tables claim
	tests/evidence/run.sh $(BUILD)

bench-judges: build  ## whole models against onnxruntime, one and two threads; BENCH="--models resnet20 --threads 1" narrows it
	cmake --build $(BUILD) --target bench_judges
	$(JUDGE) tests/judges/bench/bench_onnxruntime.py $(BUILD)/tests/judges/bench/write_bench_models \
	  $(BUILD)/core/runtime/capi/libpare_runtime.so $(BENCH)

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

format:
	git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean:
	rm -rf build
