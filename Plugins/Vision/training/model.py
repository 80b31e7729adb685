"""The encoder and its head: a Vision Transformer that is saved in the format of Hugging Face's ViTModel, and slots that look
at its patches."""

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


class Encoder(nn.Module):
    """Pictures uint8 [batch, side, side, 3] to the last hidden state [batch, 1 + patches, width], the class token first."""

    def __init__(self, side, width=192, depth=12, heads=3, patch=16):
        super().__init__()
        self.patch = patch
        self.embedding = nn.Linear(3 * patch * patch, width)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (side // patch) ** 2, width))
        self.blocks = nn.ModuleList(Block(width, heads, 4 * width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, EPSILON)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.trunc_normal_(parameter, std=0.02 if "embedding" not in name else 0.03)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, pictures, keep=1.0):
        """`keep` is the share of patches that are looked at, drawn anew for each picture."""
        batch, side, _, _ = pictures.shape
        grid, patch = side // self.patch, self.patch
        x = (pictures.float() - MEAN) / STD
        # In the order of a convolution's weights: channel, row, column.
        x = x.view(batch, grid, patch, grid, patch, 3).permute(0, 1, 3, 5, 2, 4).reshape(batch, grid * grid, -1)
        positions = self.positions[:, 1:]
        if keep < 1:
            chosen = torch.rand(batch, grid * grid, device=x.device).argsort(1)[:, :round(keep * grid * grid), None]
            x = x.gather(1, chosen.expand(-1, -1, x.shape[2]))
            positions = positions.expand(batch, -1, -1).gather(1, chosen.expand(-1, -1, positions.shape[2]))
        x = self.embedding(x) + positions
        x = torch.cat([(self.class_token + self.positions[:, :1]).expand(batch, -1, -1), x], 1)
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

    def forward(self, pictures, keep=1.0):
        return self.head(self.encoder(pictures, keep))


def resized_positions(positions, side, patch=16):
    """Positions [1, 1 + old², width] for pictures of another side."""
    old, new = round((positions.shape[1] - 1) ** 0.5), side // patch
    if old == new:
        return positions
    grid = positions[:, 1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = functional.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).reshape(1, new * new, -1)], 1)


def load(path):
    """The model of a `best.pt` and the state of its training."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    weights = saved["model"]
    model = Seer(saved["state"]["size"], width=weights["encoder.positions"].shape[2],
                 depth=len({name.split(".")[2] for name in weights if name.startswith("encoder.blocks.")}))
    model.load_state_dict(weights)
    return model.eval(), saved["state"]
