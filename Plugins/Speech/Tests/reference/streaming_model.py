"""The streaming mode of the plugin's encoder, in PyTorch on top of transformers' modules: the same weights, masks by chunk.

All chunks are computed at once. The rows of a chunk and the `right` rows after it are laid out chunk by chunk, so that a row
that follows one chunk and belongs to the next stands twice; masks say who sees whom. The plugin computes chunk by chunk from
what it kept, which is another way to the same numbers.
"""

import math

import torch
import torch.nn.functional as F

MEMORY = 30.0  # seconds after which a frame counts 1/e of a new one
EPSILON = 1e-5


def logarithms(extractor, samples):
    """Logarithms of the power on the mel scale, `[frames, bands]`, by the reference extractor."""
    x = torch.as_tensor(samples, dtype=torch.float32)[None]
    x = torch.cat([x[:, :1], x[:, 1:] - extractor.preemphasis * x[:, :-1]], 1)
    return extractor._torch_extract_fbank_features(x)[0][: len(samples) // extractor.hop_length].double()


def features(extractor, samples, block, first):
    """Each band by the mean and deviation of what was heard so far: see StreamingFeatures."""
    rows = logarithms(extractor, samples)
    decay = math.exp(-extractor.hop_length / (extractor.sampling_rate * MEMORY))
    normalised = torch.empty_like(rows)
    for start in range(0, len(rows), block):
        end = min(len(rows), max(start + block, first * block))
        weights = decay ** torch.arange(end - 1, -1, -1, dtype=torch.float64)
        mean = (weights[:, None] * rows[:end]).sum(0) / weights.sum()
        # The sum of squares that Welford's update with fading weights keeps.
        squares = (weights[:, None] * (rows[:end] - mean) ** 2).sum(0)
        deviation = torch.sqrt(squares / (weights.sum() - 1))
        normalised[start : start + block] = (rows[start : start + block] - mean) / (deviation + EPSILON)
    return normalised.float()


class Layout:
    """Rows in the order in which they are computed: `time`, the chunk whose step it is, and whether it belongs to it."""

    def __init__(self, rows, chunk, left, right):
        layout = [
            (time, start // chunk, time < start + chunk)
            for start in range(0, rows, chunk)
            for time in range(start, min(start + chunk + right, rows))
        ]
        self.chunk, self.left = chunk, left
        self.time = torch.tensor([row[0] for row in layout])
        self.step = torch.tensor([row[1] for row in layout])
        self.own = torch.tensor([row[2] for row in layout])
        self.place = {(row[1], row[0]): index for index, row in enumerate(layout)}
        earlier = self.own & (self.step[None] < self.step[:, None])
        near = self.time[None] >= (self.step * chunk - left)[:, None]
        self.mask = (self.step[None] == self.step[:, None]) | (earlier & near)

    def taps(self, half):
        """For each row the rows that its convolution sees; len(self.time) stands for zeros."""
        taps = []
        for time, step in zip(self.time.tolist(), self.step.tolist()):
            for other in range(time - half, time + half + 1):
                owner = step if other >= step * self.chunk else other // self.chunk
                taps.append(self.place.get((owner, other), len(self.time)) if other >= 0 else len(self.time))
        return torch.tensor(taps).reshape(len(self.time), -1)


def attention(module, x, layout):
    heads, width = module.config.num_attention_heads, module.head_dim
    query, key, value = (
        projection(x).reshape(len(x), heads, width).transpose(0, 1)
        for projection in (module.q_proj, module.k_proj, module.v_proj)
    )
    distance = layout.time[:, None] - layout.time[None]
    span = int(distance.abs().max())
    frequencies = 10000.0 ** (-torch.arange(0, x.shape[1], 2) / x.shape[1])
    angles = torch.arange(-span, span + 1)[:, None] * frequencies
    embedded = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    relative = module.relative_k_proj(embedded).reshape(-1, heads, width).transpose(0, 1)
    scores = (query + module.bias_u[:, None]) @ key.transpose(1, 2)
    placed = (query + module.bias_v[:, None]) @ relative.transpose(1, 2)
    scores = scores + placed.gather(2, (distance + span).expand(heads, -1, -1))
    scores = (scores * width**-0.5).masked_fill(~layout.mask, -torch.inf)
    return module.o_proj((scores.softmax(-1) @ value).transpose(0, 1).flatten(1))


def convolution(module, x, layout):
    gated = F.glu(module.pointwise_conv1(x.T[None])[0].T, -1)
    kernel = module.depthwise_conv.weight[:, 0]
    seen = torch.cat([gated, gated.new_zeros(1, gated.shape[1])])[layout.taps(kernel.shape[1] // 2)]
    mixed = torch.einsum("rtc,ct->rc", seen, kernel)
    if module.depthwise_conv.bias is not None:
        mixed = mixed + module.depthwise_conv.bias
    mixed = module.activation(module.norm(mixed))
    return module.pointwise_conv2(mixed.T[None])[0].T


def states(encoder, rows, chunk, left, right):
    """The last hidden state of all rows of all steps, and the layout that says which those are."""
    x = encoder.subsampling(rows[None])[0] * encoder.input_scale
    layout = Layout(len(x), chunk, left, right)
    x = x[layout.time]
    for block in encoder.layers:
        x = x + 0.5 * block.feed_forward1(block.norm_feed_forward1(x))
        x = x + attention(block.self_attn, block.norm_self_att(x), layout)
        x = x + convolution(block.conv, block.norm_conv(x), layout)
        x = x + 0.5 * block.feed_forward2(block.norm_feed_forward2(x))
        x = block.norm_out(x)
    return x, layout
