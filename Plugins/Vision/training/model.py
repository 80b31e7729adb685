"""The encoder and its head: a Vision Transformer on the feature map of a small ResNet (the hybrid of Dosovitskiy et al., 2021;
with ViT-Tiny the R+Ti/16 of Steiner et al., 2022), and slots that look at its patches.

Alone a transformer has to learn from pictures that what is near belongs together, and that things may stand anywhere: with some
thousand drawings it knew a hundredth of the withheld ones after as long as the convolutions needed for a third.
"""

import torch
from torch import nn
from torch.nn import functional

import slots

MEAN = STD = 127.5  # of 8-bit samples: they become -1 to 1
EPSILON = 1e-12


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)
        self.stacked, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.stacked(self.norm_1(x)).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.output(seen)
        return x + self.down(functional.gelu(self.up(self.norm_2(x))))


def convolution(inputs, outputs, side, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False), nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Half the height and width, by a basic block with the shortcut of ResNet-D (He et al., 2019)."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first, self.second = convolution(inputs, outputs, 3, stride=2), convolution(outputs, outputs, 3)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        seen = self.second(functional.relu(self.first(x)))
        return functional.relu(seen + self.shortcut(functional.avg_pool2d(x, 2)))


class Stem(nn.Module):
    """Pictures [batch, 3, side, side] to [batch, width, side / 16, side / 16]."""

    def __init__(self, width):
        super().__init__()
        self.widths = [width // 8, width // 4, width // 2, width]
        self.first = convolution(3, self.widths[0], 5, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(*pair) for pair in zip(self.widths, self.widths[1:]))

    def forward(self, x):
        x = functional.relu(self.first(x))
        for block in self.blocks:
            x = block(x)
        return x


class Encoder(nn.Module):
    """Pictures uint8 [batch, side, side, 3] to the last hidden state [batch, 1 + patches, width], the class token first."""

    patch = 16

    def __init__(self, side, width=192, depth=12, heads=3):
        super().__init__()
        self.stem = Stem(width).to(memory_format=torch.channels_last)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (side // self.patch) ** 2, width))
        self.blocks = nn.ModuleList(Block(width, heads, 4 * width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, EPSILON)
        for name, parameter in self.blocks.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif name.endswith(("output.weight", "down.weight")):
                # A block passes on what it is given until it learns.
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, pictures):
        x = ((pictures.float() - MEAN) / STD).permute(0, 3, 1, 2)
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class SoftHead(nn.Module):
    """For each slot the scores of its pieces. A piece is classified by the sum of its factors, which slots share."""

    def __init__(self, width):
        super().__init__()
        names = {}
        self.members = []
        for slot in slots.SLOTS:
            pieces = list(slot.factors) + ([] if slot.always else [(f"nothing {slot.name}",)])
            most = max(map(len, pieces))
            rows = [[names.setdefault(factor, len(names)) for factor in piece] for piece in pieces]
            # Those with fewer factors have the last, which is zero, for the rest.
            self.members.append([row + [-1] * (most - len(row)) for row in rows])
        self.queries = nn.Parameter(0.5 * torch.randn(len(slots.SLOTS), width))
        self.factors = nn.Parameter(0.02 * torch.randn(len(names), width))
        self.bias = nn.Parameter(torch.zeros(len(names)))
        for index, rows in enumerate(self.members):
            self.register_buffer(f"members_{index}", torch.tensor(rows), persistent=False)

    def seen(self, features):
        """What each slot sees of the last hidden state: [batch, slots, width]."""
        patches = features[:, 1:]
        attention = torch.softmax(self.queries @ patches.transpose(1, 2) / patches.shape[2] ** 0.5, -1)
        return attention @ patches

    def forward(self, features):
        """A list of [batch, pieces], one for each slot."""
        seen = self.seen(features)
        result = []
        for index in range(len(slots.SLOTS)):
            weight, bias = self.classifier(index)
            result.append(functional.linear(seen[:, index], weight, bias))
        return result

    def classifier(self, index):
        """Weight [pieces, width] and bias [pieces] of a slot."""
        members = getattr(self, f"members_{index}")
        factors = functional.pad(self.factors, (0, 0, 0, 1))
        bias = functional.pad(self.bias, (0, 1))
        return factors[members].sum(1), bias[members].sum(1)


class Seer(nn.Module):
    """Encoder and head together."""

    def __init__(self, side, **shape):
        super().__init__()
        self.encoder = Encoder(side, **shape)
        self.head = SoftHead(self.encoder.positions.shape[2])

    def forward(self, pictures):
        return self.head(self.encoder(pictures))


def resized_positions(positions, side, patch=16):
    """Positions [1, 1 + old², width] for pictures of another side."""
    old, new = round((positions.shape[1] - 1) ** 0.5), side // patch
    if old == new:
        return positions
    grid = positions[:, 1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = functional.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).reshape(1, new * new, -1)], 1)


def load(path, side=None):
    """The model of a `best.pt`, for pictures of its own side or another, and the state of its training."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    weights, state = saved["model"], saved["state"]
    side = side or state["size"]
    weights["encoder.positions"] = resized_positions(weights["encoder.positions"], side)
    model = Seer(side, width=weights["encoder.positions"].shape[2], depth=state["depth"])
    model.load_state_dict(weights)
    return model.eval(), state
