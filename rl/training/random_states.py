"""The generators that SB3 draws from, as arrays and JSON: PyTorch's (actions), NumPy's (minibatches) and Python's."""

import random
from typing import Any

import numpy as np

from rl.training.checkpoint import Arrays, Checkpoint


def random_arrays() -> Arrays:
    """Those parts of the states that are arrays."""
    import torch

    legacy: Any = np.random.get_state(legacy=False)
    return {
        "random/torch": torch.get_rng_state().numpy().copy(),
        "random/numpy": legacy["state"]["key"].copy(),
        "random/python": np.array(random.getstate()[1], np.uint32),
    }


def random_facts() -> dict[str, Any]:
    """The other parts."""
    legacy: Any = np.random.get_state(legacy=False)
    return {
        "numpy": {"pos": legacy["state"]["pos"], "has_gauss": legacy["has_gauss"], "gauss": legacy["gauss"]},
        "python": {"version": random.getstate()[0], "gauss": random.getstate()[2]},
    }


def restore_random(checkpoint: Checkpoint) -> None:
    """Go on drawing from where the checkpoint was made."""
    import torch

    arrays, facts = checkpoint.part("random"), checkpoint.facts["random"]
    torch.set_rng_state(torch.from_numpy(arrays["torch"].copy()))
    own = facts["numpy"]
    np.random.set_state(("MT19937", arrays["numpy"], own["pos"], own["has_gauss"], own["gauss"]))
    python = facts["python"]
    random.setstate((python["version"], tuple(map(int, arrays["python"])), python["gauss"]))
