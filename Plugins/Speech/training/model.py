"""The encoder of training: the modules and names of transformers' ParakeetForCTC, computed for whole utterances or as a
stream sees them, for a batch at once.

As a stream, the rows of a chunk and those to its right are laid out chunk by chunk, so that a row that follows one chunk and
belongs to the next stands twice: see Tests/reference/streaming_model.py, which this equals for a batch of one.
"""


import torch
import torch.nn.functional as F
from torch import nn
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC

import phonemes

BANDS = 80
# How fast running moments of batch normalisation follow.
MOMENTUM = 0.02


def configuration(pieces, width=224, blocks=10, heads=4, channels=128, taps=9):
    """`pieces` without the blank, which follows them."""
    encoder = ParakeetEncoderConfig(
        hidden_size=width, num_hidden_layers=blocks, num_attention_heads=heads, num_key_value_heads=heads,
        intermediate_size=4 * width, conv_kernel_size=taps, num_mel_bins=BANDS, subsampling_conv_channels=channels,
        attention_bias=False, convolution_bias=False, scale_input=False)
    return ParakeetCTCConfig(vocab_size=pieces + 1, pad_token_id=pieces, encoder_config=encoder)


def new(config, seed=0):
    """A model with weights that keep the signal, and branches that begin small. Its `phonemes`, for training alone, tell them
    from what the middle of the encoder makes."""
    torch.manual_seed(seed)
    model = ParakeetForCTC(config)
    model.phonemes = nn.Linear(config.encoder_config.hidden_size, phonemes.TIMES * (phonemes.COUNT + 1))
    depth = config.encoder_config.num_hidden_layers
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "bias_" not in name:
            fan = parameter[0].numel()
            gain = 2**0.5 if "subsampling.layers" in name else 1.0
            if name.endswith(("o_proj.weight", "linear2.weight", "pointwise_conv2.weight")):
                gain /= (2 * depth) ** 0.5
            nn.init.normal_(parameter, std=gain * fan**-0.5)
        elif "bias_" in name or name.endswith(".bias"):
            nn.init.zeros_(parameter)
    return model


def grown(model, blocks, seed=0):
    """The same function with more blocks: each new one passes on what it is given until it learns."""
    config = model.config
    have = config.encoder_config.num_hidden_layers
    config.encoder_config.num_hidden_layers = blocks
    larger = new(config, seed)
    target = larger.encoder
    for name, module in model.named_children():
        if name != "encoder":
            getattr(larger, name).load_state_dict(module.state_dict())
    target.subsampling.load_state_dict(model.encoder.subsampling.state_dict())
    # New blocks are spread over the old ones, each after the one whose last norm it takes over.
    source = [place * have // blocks for place in range(blocks)]
    for place, layer in enumerate(target.layers):
        old = model.encoder.layers[source[place]]
        if place == 0 or source[place] != source[place - 1]:
            layer.load_state_dict(old.state_dict())
        else:
            for branch in (layer.feed_forward1.linear2, layer.feed_forward2.linear2, layer.self_attn.o_proj,
                           layer.conv.pointwise_conv2):
                nn.init.zeros_(branch.weight)
            layer.norm_out.load_state_dict(old.norm_out.state_dict())
            before = target.layers[place - 1].norm_out
            nn.init.ones_(before.weight)
            nn.init.zeros_(before.bias)
    return larger


class Layout:
    """Rows in the order in which they are computed, of a batch of utterances of `lengths` rows."""

    def __init__(self, lengths, window):
        rows = int(lengths.max())
        self.rows = rows
        self.window = window
        device = lengths.device
        if window is None:
            self.time = torch.arange(rows, device=device)
            self.valid = self.time[None] < lengths[:, None]
            self.seen = self.valid[:, None, None]
            return
        chunk, left, right = window
        self.chunks = -(-rows // chunk)
        step = torch.arange(self.chunks, device=device)[:, None]
        place = torch.arange(chunk + right, device=device)[None]
        self.time = (step * chunk + place).flatten()
        own = (place < chunk).expand(self.chunks, -1).flatten()
        step = step.expand(-1, chunk + right).flatten()
        self.valid = self.time[None] < lengths[:, None]
        earlier = own & (step[None] < step[:, None]) & (self.time[None] >= (step * chunk - left)[:, None])
        mask = (step[None] == step[:, None]) | earlier
        self.seen = (mask[None] & self.valid[:, None])[:, None]

    def spread(self, x):
        """[utterances, rows, width] to the layout."""
        if self.window is None:
            return x
        chunk, _, right = self.window
        x = F.pad(x, (0, 0, 0, self.chunks * chunk + right - x.shape[1]))
        return x.unfold(1, chunk + right, chunk).transpose(2, 3).flatten(1, 2)

    def gather(self, x):
        """The rows that a chunk owns: the layout to [utterances, rows, width]."""
        if self.window is None:
            return x
        chunk, _, right = self.window
        return x.unflatten(1, (self.chunks, chunk + right))[:, :, :chunk].flatten(1, 2)[:, : self.rows]

    def surrounded(self, x, half):
        """What a convolution of 2 · half + 1 taps reads, as [sequences, width, rows + 2 · half], and the way back."""
        x = x * self.valid[..., None]
        if self.window is None:
            return F.pad(x.transpose(1, 2), (half, half)), lambda y: y.transpose(1, 2)
        chunk, _, right = self.window
        steps = x.unflatten(1, (self.chunks, chunk + right))
        before = F.pad(steps[:, :, :chunk].flatten(1, 2), (0, 0, half, 0)).unfold(1, half, chunk)[:, : self.chunks]
        whole = torch.cat([before, steps.transpose(2, 3), steps.new_zeros(*before.shape[:3], half)], 3)
        return whole.flatten(0, 1), lambda y: y.transpose(1, 2).reshape(x.shape)


def positions(layout, width):
    """Embeddings of all distances from the greatest to its negative, and the index of each pair's."""
    span = int(layout.time.max())
    device = layout.time.device
    frequencies = 10000.0 ** (-torch.arange(0, width, 2, device=device) / width)
    angles = torch.arange(-span, span + 1, device=device)[:, None] * frequencies
    embedded = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    return embedded, layout.time[:, None] - layout.time[None] + span


def attention(module, x, layout, embedded, index):
    heads, width = module.config.num_attention_heads, module.head_dim
    count, rows = x.shape[:2]
    stacked = F.linear(x, torch.cat([module.q_proj.weight, module.k_proj.weight, module.v_proj.weight]))
    query, key, value = stacked.view(count, rows, 3, heads, width).permute(2, 0, 3, 1, 4)
    relative = module.relative_k_proj(embedded).view(-1, heads, width).permute(1, 2, 0)
    scores = (query + module.bias_u[:, None]) @ key.transpose(2, 3)
    placed = (query + module.bias_v[:, None]).transpose(0, 1).flatten(1, 2) @ relative
    placed = placed.unflatten(1, (count, rows)).transpose(0, 1)
    scores = scores + placed.gather(3, index.expand(count, heads, -1, -1))
    scores = (scores * width**-0.5).masked_fill(~layout.seen, torch.finfo(scores.dtype).min)
    return module.o_proj((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))


def batch_norm(norm, x, valid):
    """Over rows that there are; in evaluation by the running moments."""
    if norm.training:
        share = valid[..., None].to(x.dtype) / valid.sum()
        mean = (x * share).sum((0, 1))
        variance = ((x - mean) ** 2 * share).sum((0, 1))
        with torch.no_grad():
            norm.num_batches_tracked += 1
            momentum = max(MOMENTUM, 1 / float(norm.num_batches_tracked))
            norm.running_mean.lerp_(mean, momentum)
            norm.running_var.lerp_(variance, momentum)
    else:
        mean, variance = norm.running_mean, norm.running_var
    return (x - mean) * (torch.rsqrt(variance + norm.eps) * norm.weight) + norm.bias


def convolution(module, x, layout):
    gated = F.glu(F.linear(x, module.pointwise_conv1.weight[..., 0]), -1)
    kernel = module.depthwise_conv.weight
    surrounded, back = layout.surrounded(gated, kernel.shape[2] // 2)
    mixed = back(F.conv1d(surrounded, kernel, groups=kernel.shape[0]))
    mixed = F.silu(batch_norm(module.norm, mixed, layout.valid))
    return F.linear(mixed, module.pointwise_conv2.weight[..., 0])


def lengths_after(frames):
    """Rows of the encoder for frames of features."""
    for _ in range(3):
        frames = (frames + 1) // 2
    return frames


def subsampled(module, features, lengths):
    """Frames to rows; what lies after an utterance's end is zero in every layer, as if it were not there."""
    x = features[:, None]
    if x.device.type == "cpu":
        x = x.contiguous(memory_format=torch.channels_last)
    for layer in module.layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            if layer.stride[0] > 1:
                lengths = (lengths + 1) // 2
            if int(lengths.min()) < x.shape[2]:
                x = x * (torch.arange(x.shape[2], device=x.device) < lengths[:, None])[:, None, :, None]
    return module.linear(x.transpose(1, 2).flatten(2))


def feed_forward(module, x):
    return module.linear2(F.silu(module.linear1(x)))


def log_probabilities(model, features, lengths, window=None, middle=False):
    """Of pieces `[utterances, rows, pieces + 1]`, and rows of each utterance; with `middle` those of phonemes before them, of
    which each row has phonemes.TIMES."""
    encoder = model.encoder
    rows = lengths_after(lengths)
    layout = Layout(rows, window)
    x = layout.spread(subsampled(encoder.subsampling, features, lengths))
    embedded, index = positions(layout, x.shape[2])
    told = None
    for place, block in enumerate(encoder.layers):
        x = x + 0.5 * feed_forward(block.feed_forward1, block.norm_feed_forward1(x))
        x = x + attention(block.self_attn, block.norm_self_att(x), layout, embedded, index)
        x = x + convolution(block.conv, block.norm_conv(x), layout)
        x = x + 0.5 * feed_forward(block.feed_forward2, block.norm_feed_forward2(x))
        x = block.norm_out(x)
        if middle and place == (len(encoder.layers) + 1) // 2 - 1:
            told = model.phonemes(layout.gather(x)).unflatten(2, (phonemes.TIMES, -1)).flatten(1, 2).log_softmax(-1)
    head = model.ctc_head
    weight, bias = next(p for p in head.parameters() if p.dim() == 3), next(p for p in head.parameters() if p.dim() == 1)
    log = F.linear(layout.gather(x), weight[..., 0], bias).log_softmax(-1)
    return (told, log, rows) if middle else (log, rows)


def ctc(log, rows, numbers, counts, blank):
    """Connectionist temporal classification (Graves et al., 2006): nats for each of the numbers of the batch."""
    loss = F.ctc_loss(log.transpose(0, 1), numbers, rows, counts, blank, reduction="sum", zero_infinity=True)
    return loss / max(1, int(counts.sum()))
