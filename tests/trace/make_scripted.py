"""Writes fixtures/*.pt: small models through torch.jit (2.11), with inputs and PyTorch's outputs as safetensors.

usage: python tests/trace/make_scripted.py
"""

import io
import pathlib
import sys
import zipfile
from typing import List, Optional, Tuple

import torch
from torch import nn
from torch.nn import functional as F

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent / "import"))

from make_exported import Cnn, Mixed, Transformer, randomise  # noqa: E402
from make_state_dicts import write_safetensors  # noqa: E402

FOLDER = ROOT / "fixtures"


class Block(nn.Module):
    def __init__(self, i: int, o: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(o)
        self.shortcut: Optional[nn.Conv2d] = nn.Conv2d(i, o, 1, stride) if stride != 1 or i != o else None

    def forward(self, x):
        y = F.relu(self.norm(self.conv(x)), inplace=True)
        shortcut = self.shortcut
        return y + (x if shortcut is None else shortcut(x))


class Scripted(nn.Module):
    """What only a script keeps: optional layers, loops over layers and numbers, lists, checks of sizes, several outputs."""

    rounds: int

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(3, 8, 2), Block(8, 8, 1), Block(8, 12, 2)])
        self.rounds = 2
        self.mix = nn.Conv2d(12, 12, 1)
        self.head = nn.Linear(20, 5)
        self.drop = nn.Dropout2d(0.1)

    def forward(self, x, scale: float = 2.0) -> Tuple[torch.Tensor, List[torch.Tensor]]:
        if x.dim() != 4:
            raise ValueError(f"expected 4 dims, got {x.dim()}")
        features: List[torch.Tensor] = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        for i in range(self.rounds):
            x = x + torch.tanh(self.mix(x)) / (i + 1)
        pooled = [F.adaptive_avg_pool2d(f, 1).view(f.size(0), -1) for f in features[1:2]]
        pooled.append(self.drop(x).mean([2, 3]))
        if self.training:
            pooled = pooled[:1]
        return self.head(torch.cat(pooled, 1)) * scale, [features[0], features[-1].flatten(1)]


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        x = self.conv(x)
        if bool(x.sum() > 0):
            x = -x
        return x


def save(name, module, inputs, outputs=None):
    """Leaves out the debug entries, which hold paths of the machine that made the file."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(FOLDER / f"{name}.pt", "w") as new:
        for entry in sorted(old.infolist(), key=lambda e: e.filename):
            if entry.filename.endswith(".debug_pkl"):
                continue
            copy = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            copy.compress_type = entry.compress_type
            new.writestr(copy, old.read(entry))
    if not inputs:
        return
    with torch.no_grad():
        outputs = module(*inputs)
    flat = []
    for out in outputs if isinstance(outputs, tuple) else (outputs,):
        flat += out if isinstance(out, list) else [out]
    tensors = {f"input.{i}": t for i, t in enumerate(inputs)} | {f"output.{i}": t for i, t in enumerate(flat)}
    write_safetensors(FOLDER / f"{name}.safetensors", tensors)


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(2)
    image, ids = torch.randn(3, 3, 16, 16), torch.randint(0, 20, (2, 6))
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    save("traced_cnn", torch.jit.trace(randomise(Cnn()), (image,)), (image,))
    save("frozen_cnn", torch.jit.freeze(torch.jit.script(randomise(Cnn()))), (image,))
    save("traced_transformer", torch.jit.trace(randomise(Transformer()), (ids, mask)), (ids, mask))
    mixed = torch.randn(2, 4, 4, 4)
    save("traced_mixed", torch.jit.trace(randomise(Mixed()), (mixed,)), (mixed,))
    save("scripted", torch.jit.script(randomise(Scripted())), (image,))
    encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
    save("encoder", torch.jit.script(randomise(encoder)), (torch.randn(2, 5, 8),))
    save("branch", torch.jit.script(Branch()), ())


if __name__ == "__main__":
    main()
