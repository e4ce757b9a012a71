"""Writes fixtures/*.pt2: small models through torch.export (2.11), with inputs and PyTorch's outputs as safetensors.

usage: python tests/import/make_exported.py
"""

import torch
from torch import nn
from torch.nn import functional as F

from make_state_dicts import FOLDER, write_safetensors


def conv_norm(i, o, k=1, **options):
    return nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2, bias=False, **options), nn.BatchNorm2d(o))


class Cnn(nn.Module):
    """Residual blocks, depthwise convolution, squeeze-excite, concatenation: what the usual image classifiers are made of."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv_norm(3, 8, 3, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        self.expand, self.depthwise, self.project = conv_norm(8, 16), conv_norm(16, 16, 3, groups=16), conv_norm(16, 8)
        self.squeeze, self.excite = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.branch = nn.Sequential(nn.AvgPool2d(3, 1, 1), conv_norm(8, 4), nn.Hardswish(), nn.Dropout(0.2))
        self.head, self.last = nn.Linear(12, 10), nn.Linear(10, 5)

    def forward(self, x):
        x = self.stem(x)
        y = F.relu6(self.depthwise(F.silu(self.expand(x))))
        y = y * torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        x = torch.cat([x + self.project(y), self.branch(x)], 1)
        x = torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1)
        return self.last(F.hardsigmoid(self.head(x)))


class Attention(nn.Module):
    def __init__(self, width, heads, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask):
        b, t, c = x.shape
        if self.fused:
            q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
            scores = torch.matmul(q, k.transpose(-2, -1)) / (c // self.heads) ** 0.5 + mask
            y = torch.softmax(scores, dim=-1) @ v
        return self.out(y.transpose(1, 2).contiguous().view(b, t, c))


class Transformer(nn.Module):
    """Token and position embeddings, an additive mask, two attention layers, GELU and gated feed-forward layers, a class token."""

    def __init__(self, width=16, heads=2, tokens=6):
        super().__init__()
        self.words, self.places = nn.Embedding(20, width), nn.Parameter(torch.randn(1, tokens, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.attention = nn.ModuleList(Attention(width, heads, fused) for fused in (True, False))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gate, self.close = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.head, self.token = nn.Linear(width, 3), nn.Parameter(torch.randn(1, 1, width))

    def forward(self, ids, mask):
        mask = (1.0 - mask[:, None, None, :].to(torch.float32)) * -10000.0
        x = self.words(ids) + self.places
        x = x + self.attention[0](self.norms[0](x), mask)
        x = x + self.down(F.gelu(self.up(self.norms[1](x))))
        x = x + self.attention[1](self.norms[2](x), mask)
        a, b = self.gate(x).chunk(2, -1)
        x = x + self.close(a * F.silu(b))
        x = self.norms[3](torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1))
        return torch.tanh(self.head(x[:, -1])), x.mean(1)


class Mixed(nn.Module):
    """One of each of the remaining operators."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1)
        self.group, self.instance, self.prelu = nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.PReLU()
        self.conv1 = nn.Conv1d(4, 4, 3, padding="same")
        self.register_buffer("scale", torch.linspace(0.5, 2, 4).view(1, 4, 1, 1))

    def forward(self, x):
        x = self.prelu(self.group(self.up(x))) * self.scale
        y = F.pixel_shuffle(F.pad(x, (1, 1, 0, 2)), 2)
        y = F.interpolate(y, scale_factor=2.0, mode="nearest") - F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        a, b = torch.split(self.instance(x), [1, 3], dim=1)
        z = F.leaky_relu(a, 0.1) + F.elu(b) - torch.clamp(x[:, :1, 1:, ::2].mean((2, 3), keepdim=True), min=-0.5, max=0.5)
        z = torch.sqrt(torch.abs(z) + 1) + torch.exp(-z).clamp_max(4.0) + F.softplus(z) + torch.pow(z, 2) + (z.square() + 1).rsqrt()
        z = torch.where(z > 2.0, z, 4 - z) + z.amax(dim=1, keepdim=True) - z.sum(dim=-1).unsqueeze(-1) / 8
        w = self.conv1(torch.stack([z[:, 0], z[:, 2]], dim=1).flatten(2).expand(-1, 2, -1).repeat(1, 2, 1)[:, :4])
        w = torch.maximum(F.log_softmax(w, dim=-1), torch.minimum(w, w.squeeze(1).neg()))
        return y, z.permute(0, 2, 3, 1), w, torch.argmax(w, dim=1), torch.bmm(w, w.transpose(1, 2)).clone()


def randomise(model):
    torch.manual_seed(3)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2.0)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.3)
    return model.eval()


def export(name, model, inputs, dynamic=True, decompose=False):
    model = randomise(model)
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, inputs, dynamic_shapes=tuple({0: batch} for _ in inputs) if dynamic else None)
    if decompose:
        program = program.run_decompositions()
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of the machine that made the file
    program._example_inputs = None
    torch.export.save(program, FOLDER / f"{name}.pt2")
    outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    tensors = {f"input.{i}": t for i, t in enumerate(inputs)} | {f"output.{i}": t for i, t in enumerate(outputs)}
    write_safetensors(FOLDER / f"{name}.safetensors", tensors)


def main():
    torch.manual_seed(2)
    image, ids = torch.randn(3, 3, 16, 16), torch.randint(0, 20, (2, 6))
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    export("cnn", Cnn(), (image,))
    export("cnn_core", Cnn(), (image,), decompose=True)
    export("transformer", Transformer(), (ids, mask))
    export("mixed", Mixed(), (torch.randn(2, 4, 4, 4),), dynamic=False)
    export("refused", torch.nn.GRU(2, 2), (torch.randn(3, 1, 2),), dynamic=False)


if __name__ == "__main__":
    main()
