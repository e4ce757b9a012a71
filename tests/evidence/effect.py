"""What pruning to half of the MACs gives on the clock: pruned against dense, in turns, one thread, on our executor (by `pare
bench --against`) and on onnxruntime. Random weights and inputs: speed alone is measured.
"""
import json
import statistics
import time

import numpy as np

MODELS = {"resnet18": (224, 16), "vgg16_bn": (224, 16), "resnet20": (32, 8)}  # image size, round_to
ROUNDS = 15


def write_models(pare, run, recipe, work, model):
    """Folders of the pruned and of the dense artifact."""
    size, round_to = MODELS[model]
    folder = work / model
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "inputs.npy", np.random.default_rng(0).standard_normal((8, 3, size, size)).astype(np.float32))
    text = recipe.read_text().replace("round_to: 16", f"round_to: {round_to}")
    text = text.replace("zoo: resnet18, classes: 1000", f"zoo: {model}, classes: {10 if size == 32 else 1000}")
    (folder / "pruned.yaml").write_text(text)
    (folder / "dense.yaml").write_text("".join(line + "\n" for line in text.splitlines() if "prune." not in line))
    for kind in ("pruned", "dense"):
        run([*pare, "run", folder / f"{kind}.yaml", "-o", folder / kind])
    return folder / "pruned/artifact", folder / "dense/artifact"


def onnxruntime_ratio(pruned, dense, size):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = [onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
                for folder in (dense, pruned)]
    inputs = {sessions[0].get_inputs()[0].name: np.random.default_rng(0).random((1, 3, size, size), np.float32)}
    ratios = []
    for _ in range(ROUNDS):
        seconds = []
        for session in sessions:
            session.run(None, inputs)  # untimed: the caches are this side's own again
            start = time.perf_counter()
            session.run(None, inputs)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)


def measure(pare, run, recipe, work):
    out = {}
    for model, (size, round_to) in MODELS.items():
        pruned, dense = write_models(pare, run, recipe, work, model)
        ours = json.loads(run([*pare, "--json", "bench", pruned / "model.pare", "--against", dense / "model.pare"]))
        theirs = onnxruntime_ratio(pruned, dense, size)
        fewer = ours["times_fewer_macs"]
        out[model] = {"round_to": round_to, "times_fewer_macs": fewer, "times_faster": ours["times_faster"],
                      "of_mac_ratio": ours["of_mac_ratio"], "onnxruntime_times_faster": theirs,
                      "onnxruntime_of_mac_ratio": theirs / fewer, "run": ours}
    return out
