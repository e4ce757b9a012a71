"""Runs the measurements behind the README's tables; one JSON file each, with all runs."""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BATCH, THREADS = 128, 2


def first_match(path, pattern):
    found = re.search(pattern, Path(path).read_text(), re.M)
    return found.group(1).strip() if found else "unknown"


def machine():
    flags = set(first_match("/proc/cpuinfo", r"^flags\s*:(.*)").split())
    return {
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*:(.*)"),
        "cores": os.cpu_count(),
        "isa": sorted(flags & {"avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "amx_bf16"}),
        "memory_gb": round(int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)")) / 2**20, 1),
    }


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def run(words, env=None, cwd=ROOT):
    """Standard output of a command; its errors stop the measurement."""
    done = subprocess.run([str(w) for w in words], cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


def median(values):
    return statistics.median(values)


def train_speed(build, rounds):
    """GraphModule against hand-written torch::nn in one process, and against PyTorch in processes that take turns."""
    program = build / "tests/evidence/train_speed"
    out = {"batch": BATCH, "threads": THREADS, "models": {}}
    for model, steps in (("resnet20", 8), ("resnet18", 6)):
        common = ["--model", model, "--batch", BATCH, "--threads", THREADS, "--steps", steps]
        runs = {"in_process": [], "pare": [], "pytorch": [], "plain": []}
        for _ in range(rounds):
            runs["in_process"].append(last_json(run([program, *common])))
            runs["pare"].append(last_json(run([program, *common, "--side", "pare"])))
            runs["pytorch"].append(last_json(run([sys.executable, HERE / "torch_train_speed.py", *common])))
        runs["plain"].append(last_json(run([program, *common, "--side", "plain"])))
        inside = runs["in_process"]
        # Steps of one turn stand next to each other in time: their ratio cancels what the machine did meanwhile.
        turns = [p / q for r in inside for p, q in zip(r["pare"]["ms"], r["plain"]["ms"])]
        pare = median([r["pare"]["median_ms"] for r in runs["pare"]])
        pytorch = median([r["median_ms"] for r in runs["pytorch"]])
        pairs = [q["median_ms"] / p["pare"]["median_ms"] for p, q in zip(runs["pare"], runs["pytorch"])]
        out["models"][model] = {
            "pare_ms": pare,
            "pytorch_ms": pytorch,
            "plain_ms": median([r["plain"]["median_ms"] for r in inside]),
            "pare_beside_plain_ms": median([r["pare"]["median_ms"] for r in inside]),
            "throughput_over_pytorch": median(pairs),
            "step_time_over_plain": median(turns),
            "pare_mb": median([r["peak_mb"] for r in runs["pare"]]),
            "pytorch_mb": median([r["peak_mb"] for r in runs["pytorch"]]),
            "plain_mb": median([r["peak_mb"] for r in runs["plain"]]),
            "runs": runs,
        }
    out["bars"] = {"throughput_over_pytorch": ">= 1.0", "memory_over_pytorch": "<= 1.1", "step_time_over_plain": "<= 1.03"}
    return out


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def ranks(build, _rounds):
    """One rank of 128 images against two of 64, started by torchrun and by plain environment variables."""
    from safetensors.numpy import load_file

    work = build / "evidence/ranks"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    def command(folder):
        return [build / "apps/pare/pare", "--threads", "1", "run", HERE / "ranks.yaml", "-o", work / folder]

    run(command("one"))
    torchrun = Path(sys.executable).parent / "torchrun"
    run([torchrun, "--no-python", "--nproc-per-node", "2", "--master-port", free_port(), *command("torchrun")])
    port = free_port()
    processes = []
    for rank in range(2):
        env = dict(os.environ, RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        processes.append(subprocess.Popen([str(w) for w in command("plain")], env=env, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, text=True))
    for process in processes:
        text, _ = process.communicate()
        if process.returncode != 0:
            sys.exit(f"ranks: status {process.returncode}\n{text[-2000:]}")

    def weights(folder):
        return load_file(work / folder / "artifact/model.pare")

    one, out = weights("one"), {"steps": 20, "starts": {}}
    for folder in ("torchrun", "plain"):
        two = weights(folder)
        if one.keys() != two.keys():
            sys.exit(f"ranks: other tensors in {folder}: {sorted(one.keys() ^ two.keys())}")
        floats = [name for name in one if one[name].dtype.kind == "f" and not name.startswith("golden")]
        same_shape = [name for name in floats if one[name].shape == two[name].shape]
        masks = [name for name in one if one[name].dtype.kind in "iu"]
        out["starts"][folder] = {
            "tensors": len(floats),
            "max_abs_difference": max(float(abs(one[n] - two[n]).max()) for n in same_shape),
            "masks_equal": len(same_shape) == len(floats) and all((one[n] == two[n]).all() for n in masks),
        }
    out["bars"] = {"max_abs_difference": "<= 1e-5", "masks_equal": True}
    return out


def reference_kernels(build, rounds):
    """ResNet-20 over the 5,000 test images with the executor's reference kernels: whole command, decoding included."""
    work = build / "evidence/reference"
    shutil.rmtree(work, ignore_errors=True)
    out = {"threads": THREADS, "models": {}}
    pare = [build / "apps/pare/pare", "--threads", THREADS]
    scalar = dict(os.environ, PARE_ISA="scalar")  # the reference kernels alone
    for name in ("float", "int8"):
        run([*pare, "run", HERE / f"{name}.yaml", "-o", work / name])
    for _ in range(rounds):
        for name in ("float", "int8"):
            start = time.perf_counter()
            text = run([*pare, "--json", "eval", HERE / f"{name}.yaml", "--model", work / name / "artifact/model.pare"], scalar)
            row = out["models"].setdefault(name, {"seconds": []})
            row["seconds"].append(time.perf_counter() - start)
            row["result"] = json.loads(text)
    for row in out["models"].values():
        row["median_seconds"] = median(row["seconds"])
    out["bars"] = {"median_seconds": "<= 60"}
    return out


def structured_speed(build, rounds):
    """Group analysis and pruning against torch-pruning on the same files; both sides take turns."""
    work = build / "evidence/structured"
    work.mkdir(parents=True, exist_ok=True)
    judge = [sys.executable, HERE / "torch_pruning_speed.py", "--threads", THREADS]
    models = ("resnet50", "mobilenet_v2", "vit_b_16", "densenet121")
    if not all((work / f"{m}.pt2").exists() for m in models):
        run([*judge, "--export", work])
    program = build / "tests/evidence/structured_speed"

    def compare(model, what, repeats):
        pairs = []
        for _ in range(rounds):
            ours = last_json(run([program, work / f"{model}.pt2", "--work", what, "--threads", THREADS, "--repeats", repeats]))
            pairs.append((ours, last_json(run([*judge, "--model", model, "--work", what]))))
        return {"pare_seconds": median([a["seconds"] for a, _ in pairs]),
                "torch_pruning_seconds": median([b["seconds"] for _, b in pairs]),
                "times_faster": median([b["seconds"] / a["seconds"] for a, b in pairs]),
                "times_faster_without_graph_walk": median([b["without_graph_walk"] / a["seconds"] for a, b in pairs]),
                "runs": pairs}

    analysis = {m: compare(m, "analyse", 9) for m in models}
    pruning = compare("resnet50", "prune", 3)
    pruning["comparison_forwards"] = median([a["comparison_forwards"] for a, _ in pruning["runs"]])
    return {"threads": THREADS, "analysis": analysis, "prune_resnet50": pruning,
            "analysis_geometric_mean": statistics.geometric_mean(r["times_faster"] for r in analysis.values()),
            "bars": {"analysis_geometric_mean": ">= 50", "prune_resnet50.times_faster": ">= 5",
                     "prune_resnet50.comparison_forwards": "<= 2.5"}}


def structured_steps(build, rounds):
    """Training steps of ResNet-20 with HESSO and with DHSPG against plain ones, in turns in one process."""
    common = ["--model", "resnet20", "--batch", BATCH, "--threads", THREADS, "--side", "methods", "--steps", 12]
    runs = [last_json(run([build / "tests/evidence/train_speed", *common])) for _ in range(rounds)]
    out = {"batch": BATCH, "threads": THREADS, "bars": {"step_time_over_plain": "<= 1.08"}}
    for method in ("hesso", "dhspg"):
        turns = [m / p for r in runs for m, p in zip(r[method]["ms"], r["pare"]["ms"])]
        out[method] = {"step_time_over_plain": median(turns)}
    return out | {"runs": runs}


def random_graphs(build, _rounds):
    """The oracle of structured pruning on many random graphs: how often each structure occurred and what was removed."""
    report = build / "evidence/random_graphs.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, PARE_RANDOM_GRAPHS="2000")
    run([build / "tests/conformance/test_conformance", "--gtest_filter=RandomGraphs.*", f"--gtest_output=json:{report}"], env)
    case = json.loads(report.read_text())["testsuites"][0]["testsuite"][0]
    known = {"name", "file", "line", "status", "result", "timestamp", "time", "classname"}
    figures = {k: int(v) for k, v in case.items() if k not in known}
    totals = {k: figures.pop(k) for k in [k for k in figures if k.startswith(("graphs", "units"))]}
    return totals | {"seconds": float(case["time"].rstrip("s")), "structures": figures,
                     "bars": {"graphs": ">= 2000", "graphs_with_removals": ">= 95 %", "structures": ">= 50 each"}}


# What torch-pruning did best among l2, taylor and lamp, local and global, by the held-out images of seed 17.
TORCH_PRUNING_BEST = ["--importance", "taylor", "--scope", "global"]
ACCURACY_RECIPES = {"hesso": "hesso_resnet20", "one_shot_l2": "norm_resnet20"}
SEEDS = (17, 18, 19)


def accuracy_of(build, method, seed, folder):
    """Accuracy on the test images of one trained model; ours is measured on the written artifact."""
    if method == "torch_pruning":
        data = ROOT / "examples/data"
        return last_json(run([sys.executable, HERE / "torch_pruning_accuracy.py", "--archive", data / "cifar10.tar.gz",
                              "--weights", data / "resnet20_cifar10.safetensors", "--seed", seed, "--threads", THREADS,
                              "--test", *TORCH_PRUNING_BEST]))
    recipe = ROOT / "configs/pruning" / f"{ACCURACY_RECIPES[method]}.yaml"
    run([build / "apps/pare/pare", "--threads", THREADS, "run", recipe, "--seed", seed, "-o", folder])
    report = json.loads((folder / "report.json").read_text())
    before, after = report["before"], report["after"]
    trained = next(r for key, r in report["results"].items() if key.endswith("train"))
    return {"seed": seed, "macs_left": after["macs"] / before["macs"], "params_left": after["params"] / before["params"],
            "holdout_top1": trained["epochs"][-1]["holdout_top1"], "test_top1": after["top1"], "dense_top1": before["top1"]}


def structured_accuracy(build, _rounds):
    """ResNet-20 at half of its MACs after three epochs: HESSO, one-shot group-L2, and torch-pruning with its own loop.

    Nine trainings of several minutes each: finished ones are kept in the build folder, so that a stopped measurement goes on.
    """
    work = build / "evidence/structured_accuracy"
    work.mkdir(parents=True, exist_ok=True)
    runs = {method: [] for method in (*ACCURACY_RECIPES, "torch_pruning")}
    for seed in SEEDS:
        for method, done in runs.items():
            record = work / f"{method}-{seed}.json"
            if not record.exists():
                print(f"evidence: {method}, seed {seed}", flush=True)
                result = accuracy_of(build, method, seed, work / f"{method}-{seed}")
                record.write_text(json.dumps(result) + "\n")
            done.append(json.loads(record.read_text()))
    means = {method: statistics.mean(r["test_top1"] for r in done) for method, done in runs.items()}
    return {"epochs": 3, "mean_top1": means, "runs": runs,
            "bars": {"hesso": "better than one_shot_l2, and >= torch_pruning - 0.002"}}


def structured_effect(build, _rounds):
    import effect

    work = build / "evidence/structured_effect"
    shutil.rmtree(work, ignore_errors=True)
    models = effect.measure([build / "apps/pare/pare", "--threads", "1"], run, HERE / "effect.yaml", work)
    return {"models": models, "bars": {"of_mac_ratio": ">= 0.8 (resnet20 0.6)", "onnxruntime_of_mac_ratio": ">= 0.8 (resnet20 none)"}}


MEASUREMENTS = {"train_speed": train_speed, "ranks": ranks, "reference_kernels": reference_kernels,
                "structured_speed": structured_speed, "structured_steps": structured_steps, "random_graphs": random_graphs,
                "structured_accuracy": structured_accuracy,
                "structured_effect": structured_effect}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("names", nargs="*", help=", ".join(MEASUREMENTS))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    for name in args.names or MEASUREMENTS:
        print(f"evidence: {name}", flush=True)
        before = os.getloadavg()[0]
        result = MEASUREMENTS[name](args.build.resolve(), args.rounds)
        head = {"name": name, "commit": git("rev-parse", "HEAD"), "changed_files": len(git("status", "--short", "-uno").splitlines()),
                "machine": machine(), "load_before": before}
        (HERE / f"{name}.json").write_text(json.dumps(head | result, indent=1) + "\n")


if __name__ == "__main__":
    main()
