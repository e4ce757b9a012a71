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


TABLES = {"train_speed": train_speed, "ranks": ranks, "reference_kernels": reference_kernels}


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
