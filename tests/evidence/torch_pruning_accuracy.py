"""The other side of the structured-pruning accuracy comparison: torch-pruning (MIT) on the embedded ResNet-20, trained by a
plain PyTorch loop with the recipes' budget (epochs, batch, augmentation, optimizer, schedule). Prints one JSON line.

The streams that option-A shortcuts join are ignored: torch-pruning does not follow their channel padding.
"""
import argparse
import io
import json
import math
import random
import tarfile
from importlib import metadata

import numpy as np
import torch
import torch_pruning
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F

from torch_train_speed import ResNet20

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PADDING = 4
STAGES = ("layer1", "layer2", "layer3")


def read_images(archive, wanted):
    """uint8 [N,3,32,32] and labels [N] of the named splits, by path order."""
    out = {split: [] for split in wanted}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")
            if member.isfile() and parts[1] in out:
                pixels = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")
                out[parts[1]].append((parts[2], member.name, np.asarray(pixels)))
    classes = sorted({row[0] for rows in out.values() for row in rows})
    tensors = {}
    for split, rows in out.items():
        rows.sort(key=lambda row: row[:2])
        images = torch.from_numpy(np.stack([row[2] for row in rows])).permute(0, 3, 1, 2).contiguous()
        tensors[split] = images, torch.tensor([classes.index(row[0]) for row in rows])
    return tensors


def trained_model(weights):
    model = ResNet20()
    state = {}
    for key, value in load_file(weights).items():
        for stage, name in enumerate(STAGES):
            if key.startswith(name):
                _, block, rest = key.split(".", 2)
                key = f"blocks.{3 * stage + int(block)}.{rest}"
        state[key.replace("fc.", "linear.")] = value
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(key.endswith("num_batches_tracked") for key in missing), (missing, unexpected)
    return model


def normalised(images):
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (images.float() / 255 - mean) / std


def augmented(images):
    """Flip and crop, the padding black as in the recipes."""
    padded, out = F.pad(images, (PADDING,) * 4), torch.empty_like(images)
    for i in range(len(images)):
        y, x = random.randrange(2 * PADDING + 1), random.randrange(2 * PADDING + 1)
        crop = padded[i, :, y:y + 32, x:x + 32]
        out[i] = crop.flip(2) if random.random() < 0.5 else crop
    return out


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        right = sum(int((model(normalised(images[i:i + 500])).argmax(1) == labels[i:i + 500]).sum())
                    for i in range(0, len(images), 500))
    return right / len(images)


def importance(name):
    kinds = torch_pruning.importance
    return {"l2": lambda: kinds.GroupMagnitudeImportance(p=2), "taylor": kinds.GroupTaylorImportance,
            "lamp": lambda: kinds.LAMPImportance(p=2)}[name]()


def prune(model, args, images, labels):
    """Removes channels until at most the target's share of the MACs is left."""
    x = normalised(images[:1])
    model.eval()
    before, params = torch_pruning.utils.count_ops_and_params(model, x)
    streams = [model.conv1, model.linear] + [block.conv2 for block in model.blocks]
    steps = 100
    pruner = torch_pruning.pruner.BasePruner(
        model, x, importance=importance(args.importance), global_pruning=args.scope == "global", pruning_ratio=0.95,
        iterative_steps=steps, round_to=args.round_to, ignored_layers=streams)
    if args.importance == "taylor":
        F.cross_entropy(model(normalised(images[:512])), labels[:512]).backward()
    left = 1.0
    for _ in range(steps):
        if left <= args.macs:
            break
        pruner.step()
        left = torch_pruning.utils.count_ops_and_params(model, x)[0] / before
    return {"macs_left": left, "params_left": torch_pruning.utils.count_ops_and_params(model, x)[1] / params}


def train(model, args, images, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=args.weight_decay)
    per_epoch = len(images) // args.batch
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(images))
        for step in range(per_epoch):
            optimizer.param_groups[0]["lr"] = args.lr * 0.5 * (
                1 + math.cos(math.pi * (epoch * per_epoch + step) / (args.epochs * per_epoch)))
            rows = order[step * args.batch:(step + 1) * args.batch]
            loss = F.cross_entropy(model(normalised(augmented(images[rows]))), labels[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--archive", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--importance", choices=("l2", "taylor", "lamp"), default="l2")
    parser.add_argument("--scope", choices=("local", "global"), default="local")
    parser.add_argument("--macs", type=float, default=0.5)
    parser.add_argument("--round-to", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--holdout", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--test", action="store_true", help="read the test split, once, at the end")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    data = read_images(args.archive, ("train", "test") if args.test else ("train",))
    images, labels = data["train"]
    order = torch.randperm(len(images))
    held, kept = order[:args.holdout], order[args.holdout:]
    model = trained_model(args.weights)
    out = {"version": metadata.version("torch_pruning"), "seed": args.seed, "importance": args.importance,
           "scope": args.scope}
    out |= prune(model, args, images[kept], labels[kept])
    out["holdout_untrained"] = accuracy(model, images[held], labels[held])
    train(model, args, images[kept], labels[kept])
    out["holdout_top1"] = accuracy(model, images[held], labels[held])
    if args.test:
        out["test_top1"] = accuracy(model, *data["test"])
    print(json.dumps(out))


if __name__ == "__main__":
    main()
