"""Makes references.safetensors: what PyTorch, Pillow and transformers make of inputs that the tests make too.

    pip install numpy torch pillow safetensors transformers
    python3 SDK/Tests/GatehouseNumericsTests/reference/make_references.py
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers.audio_utils import mel_filter_bank

out = {}


def pattern(*shape, seed):
    """Numbers from -1 to 1 that float32 has exactly; `pattern` of the tests is the same."""
    count = int(np.prod(shape))
    numbers = (np.arange(count, dtype=np.int64) * 7919 + seed * 104729) % 1009
    return torch.tensor(numbers / 512 - 1, dtype=torch.float32).reshape(shape)


def picture(height, width, channels, seed):
    count = height * width * channels
    numbers = (np.arange(count, dtype=np.int64) * 7919 + seed * 104729) % 1009 % 256
    return numbers.astype(np.uint8).reshape(height, width, channels)


x, w, b = pattern(5, 24, seed=1), pattern(33, 24, seed=2), pattern(33, seed=3)
out["linear"] = F.linear(x, w, b)
out["linear.weight.f16"] = w.to(torch.float16)
out["linear.weight.bf16"] = w.to(torch.bfloat16)
out["linear.f16"] = F.linear(x, w.to(torch.float16).float(), b)
out["linear.bf16"] = F.linear(x, w.to(torch.bfloat16).float(), b)
scale = w.abs().amax(1) / 127
out["linear.weight.int8"] = torch.round(w / scale[:, None]).to(torch.int8)
out["linear.weight.int8_scale"] = scale
out["linear.int8"] = F.linear(x, out["linear.weight.int8"] * scale[:, None], b)
out["bare.int8"] = out["linear.weight.int8"].clone()
out["gated"] = F.silu(F.linear(x, w, b)) * F.linear(x, pattern(33, 24, seed=4))

z = pattern(3, 337, seed=5) * 12
out["gelu"] = F.gelu(z.double()).float()
out["gelu_pytorch_tanh"] = F.gelu(z.double(), approximate="tanh").float()
out["quick_gelu"] = (z.double() * torch.sigmoid(1.702 * z.double())).float()
out["silu"] = F.silu(z.double()).float()
out["relu"] = F.relu(z)
out["tanh"] = torch.tanh(z.double()).float()
out["sigmoid"] = torch.sigmoid(z.double()).float()

x, w, b = pattern(4, 50, seed=6), pattern(50, seed=7), pattern(50, seed=8)
out["layer_norm"] = F.layer_norm(x.double(), (50,), w.double(), b.double(), 1e-5).float()
out["rms_norm"] = F.rms_norm(x.double(), (50,), w.double(), 1e-5).float()


def attention(queries, keys, width, heads, seed):
    q, k, v = (pattern(n, heads * width, seed=seed + i) * 3 for i, n in enumerate((queries, keys, keys)))
    split = [t.double().reshape(-1, heads, width).transpose(0, 1) for t in (q, k, v)]
    return F.scaled_dot_product_attention(*split, scale=0.7).transpose(0, 1).reshape(queries, -1).float()


out["attention.few"] = attention(9, 13, 8, 3, seed=20)
# More than one block of keys and of queries.
out["attention.many"] = attention(70, 2500, 4, 2, seed=30)

# Relative positions: nine queries, the last of thirteen keys; keys of distances 15 … -15.
q, k, v, p = (pattern(n, 24, seed=80 + i).double().reshape(n, 3, 8).transpose(0, 1) for i, n in enumerate((9, 13, 13, 31)))
content, position = (pattern(1, 24, seed=84 + i).double().reshape(3, 1, 8) for i in range(2))
distance = torch.arange(4, 13)[:, None] - torch.arange(13)
placed = ((q + position) @ p.transpose(1, 2)).gather(2, (15 - distance).expand(3, -1, -1))
weights = torch.softmax(0.7 * ((q + content) @ k.transpose(1, 2) + placed), -1)
out["attention.relative"] = (weights @ v).transpose(0, 1).reshape(9, 24).float()

x, w, b = pattern(21, 70, seed=90), pattern(70, 1, 5, seed=91), pattern(70, seed=92)
out["depthwise"] = F.silu(F.conv1d(x.T[None], w, b, groups=70))[0].T.contiguous()

sound = pattern(1, 4000, seed=95)[0].double()
frames = sound.unfold(0, 400, 160) * torch.hann_window(400, periodic=False).double()
power = torch.fft.rfft(frames, 512).abs() ** 2
bank = mel_filter_bank(257, 80, 0, 8000, 16000, norm="slaney", mel_scale="slaney")
out["mel"] = torch.log(power @ torch.from_numpy(bank) + 2**-24).float()

angles = pattern(6, 4, seed=40)
t = pattern(6, 3 * 8, seed=41).reshape(6, 3, 8)
cos, sin = (torch.cat([f(angles)] * 2, -1).unsqueeze(1) for f in (torch.cos, torch.sin))
out["rotated"] = (t * cos + torch.cat((-t[..., 4:], t[..., :4]), -1) * sin).reshape(6, 24)

x, w, b = pattern(1, 3, 11, 14, seed=50), pattern(7, 3, 3, 4, seed=51), pattern(7, seed=52)
for name, stride, padding in (("plain", (1, 1), (0, 0)), ("strided", (2, 3), (1, 2))):
    y = F.conv2d(x, w, b, stride, padding)
    out[f"convolution.{name}"] = y.flatten(2).transpose(1, 2)[0].contiguous()

grid = pattern(1, 5, 6, 6, seed=60)
for mode in ("bicubic", "bilinear"):
    for height, width in ((9, 4), (6, 6), (3, 17), (1, 1)):
        y = F.interpolate(grid, size=(height, width), mode=mode, align_corners=False)
        out[f"grid.{mode}.{height}.{width}"] = y.flatten(2).transpose(1, 2)[0].contiguous()

filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
image = picture(23, 37, 3, seed=70)
for name, kernel in filters.items():
    for height, width in ((10, 16), (23, 16), (60, 37), (1, 1), (29, 90)):
        resized = Image.fromarray(image).resize((width, height), kernel)
        out[f"picture.{name}.{height}.{width}"] = torch.from_numpy(np.array(resized))
        if name != "lanczos":
            planes = torch.from_numpy(image).permute(2, 0, 1)[None]
            resized = torch.nn.functional.interpolate(
                planes, (height, width), mode=name, antialias=True, align_corners=False)
            out[f"picture.pytorch.{name}.{height}.{width}"] = resized[0].permute(1, 2, 0).contiguous()
grey = Image.fromarray(picture(1, 1, 1, seed=71)[..., 0]).resize((3, 2), Image.BICUBIC)
out["picture.grey"] = torch.from_numpy(np.array(grey))

save_file(out, pathlib.Path(__file__).parent / "references.safetensors")
