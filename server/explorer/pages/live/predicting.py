"""What is asked of whatever predicts, here or on a server."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Predicted:
    """One task's answer.

    Args:
        task: Its name.
        picture: A PNG file's content.
        says: The class with its probability; empty where a picture says it all.
        features: float32 [8, 16, 16] of the photo as it is.
    """

    task: str
    picture: bytes
    says: str
    features: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answer:
    """All tasks' answers.

    Args:
        tasks: In the bank's order.
        left_out: Tasks that look at several photos of one place.
        seconds: Of each stage, by its name.
        bank: Its name.
    """

    tasks: tuple[Predicted, ...]
    left_out: tuple[str, ...]
    seconds: dict[str, float]
    bank: str


class Models(Protocol):
    """Networks that are ready to predict; safe to be called from several threads."""

    def side_px(self) -> int:
        """Rows and columns of the photos that they take.

        Raises:
            UserError: If nobody can say.
        """

    def predict(self, square: NDArray[np.uint8]) -> Answer:
        """Every task's answer about one photo, uint8 [side, side, 3].

        Raises:
            UserError: If the bank is damaged, or the server cannot be asked.
        """


def spoken(caption: str) -> str:
    """A caption without the task, which stands above it; a number stays with its unit."""
    return caption.partition(": ")[2].replace("_", " ").replace(" %", "\N{NO-BREAK SPACE}%")
