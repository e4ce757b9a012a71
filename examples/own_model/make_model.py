"""Trains a small network on MNIST with PyTorch and saves it the two ways that pare reads: model.pt and model.onnx.

usage: python make_model.py MNIST_FOLDER
"""

import gzip
import io
import pathlib
import sys
import zipfile

import torch
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))


class Net(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, stride=2, padding=1)
        self.block = Block(width)
        self.left, self.right = nn.Conv2d(width, 8, 1), nn.Conv2d(width, 8, 3, padding=1)
        self.head = nn.Linear(16 * 7 * 7, 10)

    def forward(self, x):
        x = self.block(F.relu(self.stem(x)))
        x = F.relu(torch.cat([self.left(x), self.right(x)], 1))
        return self.head(F.max_pool2d(x, 2).flatten(1))


def read(folder, name, header):
    raw = gzip.decompress((pathlib.Path(folder) / name).read_bytes())[header:]
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8)


def save_script(module, path):
    """torch.jit.save without the debug entries, which hold paths of the machine that made the file."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                new.writestr(entry, old.read(entry))


def main(folder):
    torch.manual_seed(1)
    images = (read(folder, "train-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28).float() / 255 - 0.1307) / 0.3081
    labels = read(folder, "train-labels-idx1-ubyte.gz", 8).long()
    net, batch = Net(), 64
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for rows in torch.randperm(20000).split(batch):
        loss = F.cross_entropy(net(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    example = images[:1]
    save_script(torch.jit.trace(net, (example,)), FOLDER / "model.pt")
    torch.onnx.export(net, (example,), FOLDER / "model.onnx", dynamo=False, opset_version=17, input_names=["image"],
                      output_names=["digit"], dynamic_axes={"image": {0: "N"}, "digit": {0: "N"}})
    print("loss of the last batch:", loss.item())


if __name__ == "__main__":
    main(sys.argv[1])
