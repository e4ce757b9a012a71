"""What the judges share: failures that are counted, our tensors, and sessions of onnxruntime."""
import json
import pathlib

import onnxruntime as ort
from safetensors import safe_open

INTEGER_EQUAL = 0.9999      # share of equal integers; the rest may be off by one

AS_WRITTEN = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
OPTIMISED = ort.GraphOptimizationLevel.ORT_ENABLE_ALL

failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)
        print("FAIL", text)


def read(path):
    with safe_open(str(path), "np") as file:
        return {key: file.get_tensor(key) for key in file.keys() if not key.startswith("pad.")}


def part(tensors, folder):
    """Tensors named folder/NAME, by NAME."""
    return {key[len(folder) + 1:]: value for key, value in tensors.items() if key.startswith(folder + "/")}


def run(model, feeds, level, profile=None):
    """Outputs by name of a file or of serialized bytes, and the operators that ran if `profile` names a file prefix."""
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # Without VNNI onnxruntime's faster kernels saturate sums of two products at 16 bits; this asks for exact ones.
    options.add_session_config_entry("session.x64quantprecision", "1")
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, feeds)))
    return outputs, operators(session.end_profiling()) if profile else None


def operators(profile):
    events = json.loads(pathlib.Path(profile).read_text())
    return [e["args"]["op_name"] for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
