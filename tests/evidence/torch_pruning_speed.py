"""The other side of the structured-pruning speed comparison: torch-pruning (MIT) on torchvision's models. Prints one JSON
line: seconds of group analysis and of pruning half of every group's channels, the traced forward excluded from both.

With --export it writes the same models as torch.export archives, which our side reads.
"""
import argparse
import json
import statistics
import time
import warnings
from importlib import metadata
from pathlib import Path

import torch
import torch_pruning
import torchvision

MODELS = ("resnet50", "mobilenet_v2", "vit_b_16", "densenet121")
SIZE = 224


def build(name):
    torch.manual_seed(0)
    return getattr(torchvision.models, name)(weights=None).eval()


class TimedGraph(torch_pruning.DependencyGraph):
    """A dependency graph that knows how long the traced forward took, and the walk over autograd's graph with it."""

    forward = traced = 0.0

    def _trace(self, model, example_inputs, forward_fn, output_transform):
        def timed_forward(model, x):
            start = time.perf_counter()
            out = model(x)
            TimedGraph.forward += time.perf_counter() - start
            return out

        start = time.perf_counter()
        out = super()._trace(model, example_inputs, timed_forward, output_transform)
        TimedGraph.traced += time.perf_counter() - start
        return out


def timed(work):
    """Result of `work` and its seconds: without the traced forward, without all of tracing, and all."""
    TimedGraph.forward = TimedGraph.traced = 0.0
    start = time.perf_counter()
    result = work()
    whole = time.perf_counter() - start
    return result, {"seconds": whole - TimedGraph.forward, "without_graph_walk": whole - TimedGraph.traced, "whole": whole}


def analyse(name, x):
    model = build(name)
    groups, times = timed(lambda: list(TimedGraph().build_dependency(model, x).get_all_groups()))
    return {"groups": len(groups)} | times


def prune(name, x):
    model = build(name)
    before = sum(p.numel() for p in model.parameters())

    def work():
        pruner = torch_pruning.pruner.BasePruner(
            model, x, importance=torch_pruning.importance.GroupMagnitudeImportance(p=2), pruning_ratio=0.5,
            ignored_layers=[m for m in model.modules() if getattr(m, "out_features", None) == 1000])
        pruner.step()

    _, times = timed(work)
    return {"params_left": sum(p.numel() for p in model.parameters()) / before} | times


def export(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        batch = torch.export.Dim("batch", min=2, max=1024)
        program = torch.export.export(build(name), (torch.randn(2, 3, SIZE, SIZE),), dynamic_shapes=({0: batch},))
        torch.export.save(program, folder / f"{name}.pt2")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", type=Path)
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--work", choices=("analyse", "prune"), default="analyse")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(args.threads)
    if args.export:
        return export(args.export)
    torch_pruning.dependency.DependencyGraph = TimedGraph  # what pruners make
    x = torch.randn(1, 3, SIZE, SIZE)
    runs = [(analyse if args.work == "analyse" else prune)(args.model, x) for _ in range(args.repeats)]
    times = {key: statistics.median(r[key] for r in runs) for key in ("seconds", "without_graph_walk", "whole")}
    print(json.dumps(runs[0] | times | {"version": metadata.version("torch-pruning"), "all": [r["seconds"] for r in runs]}))


if __name__ == "__main__":
    main()
