"""Writes fixtures/*.pth with PyTorch (2.11), and what they hold as safetensors for the tests to compare with.

usage: python tests/import/make_state_dicts.py
"""

import json
import pathlib
import struct

import torch

FOLDER = pathlib.Path(__file__).parent / "fixtures"
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.uint8: "U8", torch.bool: "BOOL"}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = bytes(tensor.detach().contiguous().flatten().view(torch.uint8).tolist()) if tensor.numel() else b""
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def layouts():
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 8
    return {"whole": base, "shared": base, "transposed": base.transpose(0, 2), "row": base[1], "column": base[:, 1:, ::2],
            "repeated": torch.tensor([[1.5]]).expand(1, 1), "half": torch.tensor([0.5, -2.0]).half(),
            "brain": torch.tensor([0.25, 3.0]).bfloat16(), "double": torch.tensor([0.1], dtype=torch.float64),
            "count": torch.tensor(7), "bytes": torch.tensor([0, 255, 3], dtype=torch.uint8),
            "truth": torch.tensor([True, False]), "empty": torch.zeros(0, 4), "parameter": torch.nn.Parameter(torch.ones(2))}


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(1)
    torch.save(layouts(), FOLDER / "layouts.pth")
    write_safetensors(FOLDER / "layouts.safetensors", layouts())
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3))
    wrapped = torch.nn.DataParallel(net)  # its names begin with "module."
    torch.save({"epoch": 3, "best": 0.5, "args": {"lr": [0.1, (1, None, True)]}, "state_dict": wrapped.state_dict()},
               FOLDER / "training.pth")
    write_safetensors(FOLDER / "training.safetensors", net.state_dict())
    torch.save(net.state_dict(), FOLDER / "old_format.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), FOLDER / "whole_module.pth")


if __name__ == "__main__":
    main()
