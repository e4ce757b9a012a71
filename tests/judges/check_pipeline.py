"""onnxruntime computes the integers of a quantized model that the pipeline made, from its own ONNX file.

Usage: check_pipeline.py PARE RUN_INTEGERS, in the repository's root. Exits non-zero on a disagreement.

Every integer activation is compared over embedded test images, layer by layer: each layer reads the integers that our
executor's layer read. Optimised, both sides compute in integers; as written, both compute in floats between them. What
differs are sums next to a tie: onnxruntime's integer addition multiplies by ratios of scales, and floats are summed in
another order. From the image on, one step in an early layer moves many behind it: those figures are printed beside how
far onnxruntime is from itself, optimised against as written, and only bounded roughly.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from judging import AS_WRITTEN, INTEGER_EQUAL, OPTIMISED, expect, failures, part, read, run

RECIPE = "tests/judges/quantize.yaml"
IMAGES = "examples/data/cifar10.tar.gz"
COUNT = 64
WHOLE_EQUAL = 0.99          # from the image on; onnxruntime is 99.6 % equal to itself
LAYERS = 20                 # convolutions and the linear layer of ResNet-20


def make_model(pare, folder):
    subprocess.run([pare, "run", RECIPE, "-o", str(folder), "--threads", "1", "--log-level", "error"], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / "artifact"


def with_integers_out(model):
    """The file's graph with every integer activation as an output too."""
    names = [node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    for name in names:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None))
    return names


def cut(model, given):
    """The same nodes, each layer reading the given integers instead of those that the layer before it computed."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for node in out.graph.node:
        for i, name in enumerate(node.input):
            if name in given:
                node.input[i] = name + ":given"
    for name, value in given.items():
        out.graph.input.append(onnx.helper.make_tensor_value_info(name + ":given", onnx.TensorProto.UINT8, value.shape))
    return out


def agreement(title, ours, theirs):
    """Prints how far two sets of integers agree; returns the equal shares of all and of the worst tensor, and the largest
    difference."""
    total = equal = largest = 0
    worst = (2.0, "")
    for name, value in ours.items():
        other = theirs[name]
        if other.shape != value.shape or other.dtype != value.dtype:
            expect(False, f"{title}, {name}: {other.dtype} {other.shape} against {value.dtype} {value.shape}")
            continue
        difference = np.abs(other.astype(np.int32) - value.astype(np.int32))
        here = np.count_nonzero(difference == 0)
        total, equal, largest = total + value.size, equal + here, max(largest, int(difference.max()))
        worst = min(worst, (here / value.size, name))
    print(f"{title}: {equal / total:.6%} of {total:,} integers equal, largest difference {largest}; "
          f"least equal tensor {worst[1]} with {worst[0]:.4%}")
    return equal / total, worst[0], largest


def main():
    pare, run_integers = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        artifact = make_model(pare, folder / "run")
        integers = folder / "integers.safetensors"
        subprocess.run([run_integers, str(artifact / "model.pare"), IMAGES, str(COUNT), str(integers)], check=True)
        tensors = read(integers)
        fused, unfused, image = part(tensors, "fused"), part(tensors, "unfused"), part(tensors, "input")
        model = onnx.load(str(artifact / "model.onnx"))
        convolutions = sum(node.op_type == "Conv" for node in model.graph.node)
        names = with_integers_out(model)
        expect(set(names) == set(fused) and len(names) > LAYERS,
               f"{len(names)} integer activations, {len(fused)} in model.pare")

        as_a_whole = {}
        for mode, level, ours in (("optimised", OPTIMISED, fused), ("as written", AS_WRITTEN, unfused)):
            given = {name + ":given": value for name, value in ours.items()}
            layers, _ = run(cut(model, ours).SerializeToString(), {**image, **given}, level)
            _, worst, largest = agreement(f"{mode}, layer by layer", ours, layers)
            expect(worst >= INTEGER_EQUAL and largest <= 1,
                   f"{mode}: expected {INTEGER_EQUAL:.2%} in every tensor, the rest off by one")
            as_a_whole[mode], operators = run(model.SerializeToString(), image, level, str(folder / "profile"))
            share, _, _ = agreement(f"{mode}, from the image on", ours, as_a_whole[mode])
            expect(share >= WHOLE_EQUAL, f"{mode}: expected {WHOLE_EQUAL:.0%} from the image on")
            expected = "QLinearConv" if level == OPTIMISED else "Conv"
            expect(convolutions == LAYERS - 1 and operators.count(expected) == convolutions,
                   f"{mode}: expected {convolutions} {expected}, got {sorted(set(operators))}")
        agreement("onnxruntime optimised against as written", {name: as_a_whole["optimised"][name] for name in names},
                  as_a_whole["as written"])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
