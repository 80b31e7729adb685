"""What training keeps of the best weights, as a model."""

import torch

import model as encoder


def best(folder, vocabulary):
    """The model of FOLDER/best.pt in float32, and what is known of it: step, seconds, errors."""
    path = folder / "best.pt"
    if not path.exists():
        raise SystemExit(f"{path}: training writes it at its first evaluation, found none")
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = encoder.new(encoder.configuration(vocabulary.count, state["width"], state["blocks"]))
    net.load_state_dict(state.pop("net"))
    return net.eval(), state
