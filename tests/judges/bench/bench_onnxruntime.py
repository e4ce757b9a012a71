"""Whole models on our runtime and on onnxruntime: one process, batch 1, interleaved, random inputs of this run.

Prints the median of the per-round ratios onnxruntime / ours with their 10th and 90th percentile: above 1 we are faster. int8
is the same exported file (QDQ) on both sides; onnxruntime runs it twice, with exact sums as ours are, and with its default,
which on CPUs without VNNI saturates sums of two products at 16 bits. Outputs are compared before anything is timed; exits
non-zero when they disagree. `--load 5` times loading instead, and the peak of memory, each five times in processes of their
own.
"""
import argparse
import ctypes
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort

MODELS = {"resnet20": 32, "mobilenet_v2": 224, "resnet18": 224, "resnet50": 224, "vgg16_bn": 224, "bert_mini": None}
FLOAT_TOLERANCE = 1e-4      # of the output range
INTEGER_STEPS = 3           # of 255: a tie that one layer rounds the other way shifts sums of later ones
TOKENS = 1000               # token ids are drawn below this


class Error(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("status", ctypes.c_int32), ("message", ctypes.c_char * 504)]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("threads", ctypes.c_int32), ("max_plans", ctypes.c_int32),
                ("reserved", ctypes.c_int32), ("memory_limit", ctypes.c_int64)]


class Tensor(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("dtype", ctypes.c_int32), ("dims", ctypes.POINTER(ctypes.c_int64)),
                ("data", ctypes.c_void_p), ("bytes", ctypes.c_size_t), ("rank", ctypes.c_int32)]


class Ours:
    def __init__(self, library, path, threads):
        self.library, self.model = library, ctypes.c_void_p()
        self.error = Error(struct_size=ctypes.sizeof(Error))
        options = Options(struct_size=ctypes.sizeof(Options), threads=threads)
        self.call("pare_model_load_file", str(path).encode(), ctypes.byref(options), ctypes.byref(self.model))

    def call(self, function, *arguments):
        if getattr(self.library, function)(*arguments, ctypes.byref(self.error)) != 0:
            sys.exit(f"{function}: {self.error.message.decode()}")

    def bind(self, inputs):
        count = len(inputs)
        self.inputs = ((ctypes.c_void_p * count)(*(x.ctypes.data for x in inputs.values())),
                       (ctypes.c_size_t * count)(*(x.nbytes for x in inputs.values())), count)

    def run(self):
        self.call("pare_model_run", self.model, *self.inputs)

    def output(self):
        self.run()
        tensor = Tensor(struct_size=ctypes.sizeof(Tensor))
        self.call("pare_model_output", self.model, 0, ctypes.byref(tensor))
        return np.frombuffer(ctypes.string_at(tensor.data, tensor.bytes), np.float32)

    def close(self):
        self.library.pare_model_free(self.model)


class Theirs:
    def __init__(self, path, threads, exact):
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        # Threads spin inside a run as ours do, and leave the cores to the other side after it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.add_session_config_entry("session.x64quantprecision", "1" if exact else "0")
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def bind(self, inputs):
        self.inputs = inputs

    def run(self):
        self.session.run(None, self.inputs)

    def output(self):
        return self.session.run(None, self.inputs)[0].ravel()

    def close(self):
        del self.session


def random_inputs(session):
    """By name, in the model's order."""
    rng = np.random.default_rng()
    inputs = {}
    for value in session.get_inputs():
        if value.type == "tensor(float)":
            inputs[value.name] = rng.uniform(-1, 1, value.shape).astype(np.float32)
        else:
            ids = rng.integers(0, TOKENS, value.shape) if value.name == "input_ids" else np.ones(value.shape)
            inputs[value.name] = ids.astype(np.int64)
    return inputs


def compare(name, ours, theirs, bound):
    extent = max(np.ptp(theirs), np.abs(theirs).max() * 0.1)
    difference = np.abs(ours - theirs).max() / extent
    if not difference <= bound:
        sys.exit(f"{name}: outputs differ by {difference:.1e} of their range, more than {bound:.1e}")


def sides_of(name, library, folder, threads):
    """Our and their engines for the model's files, their outputs compared."""
    sides = {"ours fp32": Ours(library, folder / f"{name}-fp32.pare", threads),
             "theirs fp32": Theirs(folder / f"{name}-fp32.onnx", threads, True)}
    if (folder / f"{name}-int8.pare").exists():
        sides["ours int8"] = Ours(library, folder / f"{name}-int8.pare", threads)
        for kind in ("exact", "default"):
            sides[f"theirs int8 {kind}"] = Theirs(folder / f"{name}-int8.onnx", threads, kind == "exact")
    inputs = random_inputs(sides["theirs fp32"].session)
    for side in sides.values():
        side.bind(inputs)
    compare(f"{name} fp32", sides["ours fp32"].output(), sides["theirs fp32"].output(), FLOAT_TOLERANCE)
    if "ours int8" in sides:
        compare(f"{name} int8", sides["ours int8"].output(), sides["theirs int8 exact"].output(), INTEGER_STEPS / 255)
    return sides


def timed(run, clock):
    run()  # untimed: the caches are this side's own again
    start = clock()
    run()
    return (clock() - start) * 1e3


def report(name, threads, rows, what, ours, theirs):
    ratios = sorted(row[theirs] / row[ours] for row in rows)
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    mine, other = (statistics.median(row[side] for row in rows) for side in (ours, theirs))
    print(f"| {name} | {threads} | {what} | {mine:.2f} | {other:.2f} | {statistics.median(ratios):.2f} ({low:.2f}-{high:.2f}) |",
          flush=True)


def bench(name, sides, threads, rounds, seconds):
    # One thread is timed by its own CPU time, which other programs of the machine do not lengthen.
    clock = time.thread_time if threads == 1 else time.perf_counter
    rows, start = [], time.perf_counter()
    while len(rows) < rounds or time.perf_counter() - start < seconds:
        rows.append({key: timed(side.run, clock) for key, side in sides.items()})
    report(name, threads, rows, "fp32", "ours fp32", "theirs fp32")
    if "ours int8" in sides:
        report(name, threads, rows, "int8", "ours int8", "theirs int8 exact")
        report(name, threads, rows, "int8, theirs saturating", "ours int8", "theirs int8 default")
        report(name, threads, rows, "int8 against our fp32", "ours int8", "ours fp32")


def bench_load(name, library, folder, rounds):
    """Until a model can run, and the memory that it takes at most: each load in a process of its own, interleaved."""
    session = ort.InferenceSession(str(folder / f"{name}-fp32.onnx"), providers=["CPUExecutionProvider"])
    sizes = [str(x.nbytes) for x in random_inputs(session).values()]
    script = pathlib.Path(__file__).with_name("load_model.py")
    for kind in ("fp32", "int8"):
        if not (folder / f"{name}-{kind}.pare").exists():
            continue
        loads = {"ours": [], "theirs": []}
        for _ in range(rounds):
            for side, ending in (("ours", "pare"), ("theirs", "onnx")):
                command = [sys.executable, script, side, library._name, folder / f"{name}-{kind}.{ending}", *sizes]
                loads[side].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
        ours, theirs = ({key: statistics.median(load[key] for load in loads[side]) for key in ("seconds", "bytes")}
                        for side in ("ours", "theirs"))
        print(f"| {name} {kind} | {ours['seconds'] * 1e3:.1f} | {theirs['seconds'] * 1e3:.1f} | "
              f"{ours['seconds'] / theirs['seconds']:.2f} | {ours['bytes'] / 1e6:.1f} | {theirs['bytes'] / 1e6:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("writer", help="the program write_bench_models")
    parser.add_argument("library", help="libpare_runtime.so")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15, help="at least")
    parser.add_argument("--seconds", type=float, default=2.0, help="at least, a model")
    parser.add_argument("--load", type=int, default=0, metavar="ROUNDS", help="time loading instead, so often")
    options = parser.parse_args()
    library = ctypes.CDLL(options.library)
    columns = ("loading ours ms | theirs ms | ours / theirs | peak ours MB | theirs MB" if options.load else
               "threads | what | ours ms | theirs ms | theirs / ours (p10-p90)")
    print(f"| model | {columns} |\n|---|---|---|---|---|---|", flush=True)
    for name in options.models:
        size = [] if MODELS[name] is None else [str(MODELS[name])]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([options.writer, folder, name, *size], check=True)
            if options.load:
                bench_load(name, library, pathlib.Path(folder), options.load)
                continue
            for threads in options.threads:
                sides = sides_of(name, library, pathlib.Path(folder), threads)
                bench(name, sides, threads, options.rounds, options.seconds)
                for side in sides.values():
                    side.close()


if __name__ == "__main__":
    main()
