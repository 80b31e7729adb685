"""Muon (Jordan et al., 2024) for the matrices of the blocks, AdamW for everything else."""

import torch


def _orthogonal(stack, steps=5):
    """About the nearest orthogonal matrix of each [count, rows, columns], rows ≤ columns, by Newton-Schulz iterations."""
    x = stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Takes matrices whose sides are multiples of the smaller one's; a stacked one is taken as several square ones."""

    def __init__(self, matrices, lr, momentum=0.95, weight_decay=0.05):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for parameter in group["params"]:
                momentum = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
                momentum.lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(momentum, group["momentum"])
                rows, columns = update.shape
                parts = update.view(3, columns, columns) if rows == 3 * columns else update[None]
                turned = parts.shape[1] > parts.shape[2]
                parts = parts.transpose(1, 2) if turned else parts
                shapes.setdefault(tuple(parts.shape[1:]), []).append((parameter, parts, turned))
            for (_, longer), members in shapes.items():
                made = _orthogonal(torch.cat([parts for _, parts, _ in members]))
                # As large as AdamW's updates are.
                made *= 0.2 * longer ** 0.5
                first = 0
                for parameter, parts, turned in members:
                    own = made[first:first + len(parts)]
                    first += len(parts)
                    own = own.transpose(1, 2) if turned else own
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(own.reshape(parameter.shape), alpha=group["lr"])


def optimizers(model, rate, decay=0.05):
    """For the blocks' matrices and for the rest, of which the convolutions alone decay."""
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and ".blocks." in name]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    groups = [{"params": [p for p in rest if p.dim() == 4], "weight_decay": decay},
              {"params": [p for p in rest if p.dim() != 4], "weight_decay": 0.0}]
    # Muon takes no empty list: without blocks there are no matrices.
    return [*([Muon([{"params": matrices}], rate, weight_decay=decay)] if matrices else []),
            torch.optim.AdamW(groups, rate, betas=(0.9, 0.98))]
