"""Fills `<!-- evidence:NAME -->` ... `<!-- /evidence:NAME -->` in the given files from tests/evidence/NAME.json."""
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def train_speed(data):
    rows = []
    for model, r in data["models"].items():
        rows.append([model, f"{r['pare_ms']:.0f} ms", f"{r['pytorch_ms']:.0f} ms", f"{r['throughput_over_pytorch']:.2f}x",
                     f"{r['step_time_over_plain']:.3f}x", f"{r['pare_mb']:.0f} / {r['pytorch_mb']:.0f} / {r['plain_mb']:.0f} MB"])
    return table([f"training, batch {data['batch']}, {data['threads']} threads", "pare, a step", "PyTorch eager",
                  "throughput", "step time over hand-written torch::nn", "peak memory: pare / PyTorch / torch::nn"], rows)


def ranks(data):
    rows = [[start, f"{r['max_abs_difference']:.1e}", "equal" if r["masks_equal"] else "DIFFERENT"]
            for start, r in data["starts"].items()]
    return table([f"2 ranks x 64 against 1 x 128, {data['steps']} steps, started by", "largest weight difference", "masks"], rows)


def reference_kernels(data):
    rows = [[name, f"{r['median_seconds']:.1f} s", f"{100 * r['result']['top1']:.2f} %"] for name, r in data["models"].items()]
    return table([f"ResNet-20, 5,000 test images, {data['threads']} threads, reference kernels", "whole command", "top-1"], rows)


def structured_speed(data):
    rows = [[f"group analysis, {m}", f"{1e3 * r['pare_seconds']:.1f} ms", f"{1e3 * r['torch_pruning_seconds']:.0f} ms",
             f"{r['times_faster']:.0f}x"] for m, r in data["analysis"].items()]
    rows.append(["geometric mean", "", "", f"{data['analysis_geometric_mean']:.0f}x"])
    r = data["prune_resnet50"]
    rows.append(["half of the channels of resnet50 removed", f"{1e3 * r['pare_seconds']:.0f} ms",
                 f"{1e3 * r['torch_pruning_seconds']:.0f} ms", f"{r['times_faster']:.1f}x"])
    rows.append(["comparing masked with shrunk outputs, in forwards", f"{r['comparison_forwards']:.1f}", "not done", ""])
    version = data["prune_resnet50"]["runs"][0][1]["version"]
    return table([f"{data['threads']} threads, traced forward excluded", "pare", f"torch-pruning {version}", "faster"], rows)


def structured_steps(data):
    rows = [[method, f"{data[method]['step_time_over_plain']:.3f}x"] for method in ("hesso", "dhspg")]
    return table([f"ResNet-20, batch {data['batch']}, {data['threads']} threads", "step time over plain training"], rows)


def random_graphs(data):
    least = min(data["structures"].items(), key=lambda item: item[1])
    rows = [[f"{data['graphs']:,}", f"{100 * data['graphs_with_removals'] / data['graphs']:.1f} %",
             f"{data['units_removed']:,}", f"{len(data['structures'])}, each {least[1]} times or more", "0"]]
    return table(["random graphs", "with removals", "units removed and compared", "structures", "differences"], rows)


def structured_accuracy(data):
    names = {"hesso": "prune.hesso", "one_shot_l2": "prune.structured, L2 norm, at once", "torch_pruning": "torch-pruning"}
    rows = []
    for method, runs in data["runs"].items():
        each = " / ".join(f"{100 * r['test_top1']:.2f}" for r in runs)
        macs = " / ".join(f"{100 * r['macs_left']:.1f}" for r in runs)
        rows.append([names[method], f"{100 * data['mean_top1'][method]:.2f} %", each, macs])
    return table([f"ResNet-20, half of the MACs, {data['epochs']} epochs", "top-1, mean", "each seed", "MACs left, %"], rows)


def structured_effect(data):
    rows = [[f"{model}, widths a multiple of {r['round_to']}", f"{r['times_fewer_macs']:.2f}x",
             f"{r['times_faster']:.2f}x ({100 * r['of_mac_ratio']:.0f} % of it)",
             f"{r['onnxruntime_times_faster']:.2f}x ({100 * r['onnxruntime_of_mac_ratio']:.0f} %)"]
            for model, r in data["models"].items()]
    return table(["pruned against dense, 1 thread", "fewer MACs", "faster in pare", "faster in onnxruntime"], rows)


TABLES = {"train_speed": train_speed, "ranks": ranks, "reference_kernels": reference_kernels,
          "structured_speed": structured_speed, "structured_steps": structured_steps, "random_graphs": random_graphs,
          "structured_accuracy": structured_accuracy,
          "structured_effect": structured_effect}


def main():
    for path in map(Path, sys.argv[1:]):
        text = path.read_text()
        for name, render in TABLES.items():
            source = HERE / f"{name}.json"
            pattern = re.compile(rf"(<!-- evidence:{name} -->\n).*?(<!-- /evidence:{name} -->)", re.S)
            if not source.exists() or not pattern.search(text):
                continue
            data = json.loads(source.read_text())
            note = f"\n\n({data['machine']['cpu']}, {data['machine']['cores']} cores, commit {data['commit'][:7]})\n"
            text = pattern.sub(lambda m: m.group(1) + "\n" + render(data) + note + "\n" + m.group(2), text)
        path.write_text(text)


if __name__ == "__main__":
    main()
