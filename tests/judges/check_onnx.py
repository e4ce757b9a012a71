"""Third parties read what we write: the ONNX checker, onnxruntime and the safetensors package.

Usage: check_onnx.py WRITE_MODELS. Exits non-zero on the first kind of disagreement, naming every case.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from judging import AS_WRITTEN, INTEGER_EQUAL, OPTIMISED, expect, failures, part, read, run
from safetensors import safe_open

FLOAT_TOLERANCE = 1e-4      # of the output range, the bar for fp32 exports


def output_steps(model):
    """Scale of the DequantizeLinear behind each output that has one."""
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    return {n.output[0]: float(constants[n.input[1]]) for n in model.graph.node
            if n.op_type == "DequantizeLinear" and n.output[0] in {o.name for o in model.graph.output}}


def compare(name, mode, wanted, got, steps):
    for key, reference in wanted.items():
        value = got[key]
        step = steps.get(key)
        expect(value.shape == reference.shape and value.dtype == reference.dtype,
               f"{name} {mode} {key}: {value.shape} {value.dtype} against ours {reference.shape} {reference.dtype}")
        if value.shape != reference.shape or value.size == 0:
            continue
        a, b = value.astype(np.float64), reference.astype(np.float64)
        if step:  # multiples of the output's scale
            difference = np.rint((a - b) / step)
            equal = np.mean(difference == 0)
            expect(equal >= INTEGER_EQUAL and np.abs(difference).max() <= 1,
                   f"{name} {mode} {key}: {equal:.6f} equal, largest difference {np.abs(difference).max()} steps")
        elif np.issubdtype(reference.dtype, np.floating):
            extent = max(np.ptp(b), np.abs(b).max() * 0.1, 1e-30)  # one number has no range
            expect(np.abs(a - b).max() <= FLOAT_TOLERANCE * extent, f"{name} {mode} {key}: {np.abs(a - b).max() / extent:.2e} of range")
        else:
            expect(np.array_equal(a, b), f"{name} {mode} {key}: integers differ")


def check_case(path, folder):
    name = path.stem
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    tensors = read(path.with_suffix(".safetensors"))
    feeds = part(tensors, "input")
    quantized = name.startswith("qdq")
    steps = output_steps(model)
    plain, _ = run(str(path), feeds, AS_WRITTEN)
    compare(name, "as written", part(tensors, "unfused"), plain, steps)
    fused, ops = run(str(path), feeds, OPTIMISED, str(folder / name) if quantized else None)
    compare(name, "optimised", part(tensors, "fused"), fused, steps)
    if quantized:
        convs = sum(node.op_type == "Conv" for node in model.graph.node)
        expect(ops.count("QLinearConv") == convs and ops.count("QGemm") == 1 and not set(ops) & {"Conv", "FusedConv", "Gemm", "FusedGemm"},
               f"{name}: expected {convs} QLinearConv and QGemm alone, got {sorted(set(ops))} ({ops.count('QLinearConv')} QLinearConv)")


def check_containers(folder):
    with safe_open(str(folder / "small.pare"), "np") as file:
        metadata = file.metadata()
        keys = set(file.keys())
    graph = json.loads(metadata["pare.graph"])
    expect(metadata["pare.format"] == "1" and {"fc.weight", "fc.weight#scale"} <= keys and len(graph["nodes"]) == 6,
           "small.pare: the safetensors package sees other content")
    # The description in FORMAT.md is enough to decode a 4-bit constant.
    small = read(folder / "small.pare")
    halves = np.stack([small["fc.weight"] & 15, small["fc.weight"] >> 4], axis=1).reshape(-1)[:32].astype(np.int64)
    q = np.where(halves > 7, halves - 16, halves).reshape(4, 8)
    decoded = (q * small["fc.weight#scale"][:, None]).astype(np.float32)
    expect(np.array_equal(decoded, read(folder / "small_decoded.safetensors")["fc.weight"]), "small.pare: fc.weight decodes to other numbers")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        subprocess.run([sys.argv[1], temporary], check=True)
        cases = sorted(folder.glob("*.onnx"))
        expect(len(cases) > 100, f"only {len(cases)} cases were written")
        for path in cases:
            try:
                check_case(path, folder)
            except Exception as error:  # a judge that refuses a file is a failure of that case
                text = str(error).splitlines()
                expect(False, f"{path.stem}: {text[0] if text else type(error).__name__}")
        check_containers(folder)
        print(f"{len(cases)} ONNX files, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
