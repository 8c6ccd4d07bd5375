"""The card of a checkpoint: all that is known of it besides its weights."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from perception.errors import UserError
from perception.networks.published_heads import PublishedHead
from perception.tasks import TASKS

CARD_FORMAT = 1
"""Version of the layout of cards and checkpoints."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class HeadKind(StrEnum):
    """What turns representations into outputs."""

    OBJECTIVE = "objective"  # a head of ours; its objective reads the output
    PUBLISHED = "published"  # a released decoder, with a range of its own
    NONE = "none"  # an encoder alone


@dataclass(frozen=True)
class Preprocessing:
    """How a photo becomes an encoder's input: central square, resized with antialiasing, scaled.

    Args:
        side_px: Rows and columns of the input.
        lowest: What grey level 0 becomes.
        highest: What grey level 255 becomes.
    """

    side_px: int
    lowest: float = -1.0
    highest: float = 1.0

    def __post_init__(self) -> None:
        if not (1 <= self.side_px <= 4096 and math.isfinite(self.lowest) and self.lowest < self.highest < math.inf):
            raise UserError(
                f"preprocessing to {self.side_px} px in [{self.lowest}, {self.highest}]; expected 1 to 4096 px and a "
                "finite range, the lower end first."
            )


@dataclass(frozen=True)
class Card:
    """What a checkpoint is, how it is used, where it comes from and how good it is.

    Args:
        task: Canonical name, or the user's own.
        architecture: Name in `perception.networks.ARCHITECTURES`.
        preprocessing: What its encoder expects.
        head: What turns representations into outputs.
        objective: JSON of `perception.objectives`, for a head of ours; it says what outputs mean.
        output: Range of a published head.
        views: Images that one prediction looks at.
        classes: What class indices mean; empty where there are none or they are not known.
        training: Facts about the training data: dataset, images, buildings, epochs, seed.
        metrics: On held-out data, by name.
        encoder_sha256: Of the encoder's tensors, whatever file holds them; "" before writing.
        head_sha256: Of the head's; "" where there is none.

    Raises:
        UserError: If head, objective and output do not go together, or a name or number is unusable.
    """

    task: str
    architecture: str
    preprocessing: Preprocessing
    head: HeadKind = HeadKind.NONE
    objective: Mapping[str, Any] | None = None
    output: PublishedHead | None = None
    views: int = 1
    classes: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    encoder_sha256: str = ""
    head_sha256: str = ""

    def __post_init__(self) -> None:
        canonical = TASKS[self.task].name if self.task in TASKS else self.task
        object.__setattr__(self, "task", canonical)
        if not _FILE_NAME.fullmatch(canonical):
            raise UserError(f"the task {canonical!r} cannot name a file; use letters, digits, '_', '-' and '.'.")
        given = (self.objective is not None, self.output is not None)
        if given != (self.head is HeadKind.OBJECTIVE, self.head is HeadKind.PUBLISHED):
            raise UserError(
                f"the card of {canonical!r} has the head {self.head.value!r}; expected an objective with a head of "
                "ours, an output range with a published one, and neither without a head."
            )
        if not 1 <= self.views <= 16:
            raise UserError(f"the card of {canonical!r} asks for {self.views} views; expected 1 to 16.")
        bad = [name for name, value in self.metrics.items() if not math.isfinite(value)]
        if bad:
            raise UserError(
                f"the card of {canonical!r}: the metric {bad[0]!r} is {self.metrics[bad[0]]}; leave it out."
            )

    def with_hashes(self, encoder_sha256: str, head_sha256: str) -> "Card":
        """The same card, saying what the weights hash to."""
        return replace(self, encoder_sha256=encoder_sha256, head_sha256=head_sha256)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "format": CARD_FORMAT,
            "task": self.task,
            "architecture": self.architecture,
            "preprocessing": {
                "side_px": self.preprocessing.side_px,
                "range": [self.preprocessing.lowest, self.preprocessing.highest],
                "fit": "central square, bilinear with antialiasing",
            },
            "views": self.views,
            "head": self.head.value,
            "objective": None if self.objective is None else dict(self.objective),
            "output": None if self.output is None else vars(self.output).copy(),
            "classes": list(self.classes),
            "training": dict(self.training),
            "metrics": dict(self.metrics),
            "sha256": {"encoder": self.encoder_sha256, "head": self.head_sha256 or None},
        }

    def to_text(self) -> str:
        """The file's content.

        Raises:
            UserError: If the training facts are no JSON.
        """
        try:
            return json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise UserError(f"the card of {self.task!r} cannot be written as JSON: {error}.") from error

    @classmethod
    def from_text(cls, text: str | bytes, where: str) -> "Card":
        """Read a card.

        Args:
            text: Content of its file.
            where: The file, for messages.

        Raises:
            UserError: If it is no card, or one of another version.
        """
        try:
            document = json.loads(text)
            if document["format"] != CARD_FORMAT:
                raise UserError(
                    f"{where} has the format version {document['format']!r}; this midlevel reads {CARD_FORMAT}. "
                    "Use the midlevel that wrote it, or get the bank again."
                )
            return _card(document)
        except UserError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UserError(f"{where} is no card of a checkpoint: {type(error).__name__} {error}.") from error


def _card(document: Mapping[str, Any]) -> Card:
    preprocessing, output, sha256 = (document[key] for key in ("preprocessing", "output", "sha256"))
    hashes = (sha256["encoder"], sha256["head"] or "")
    if not _SHA256.fullmatch(hashes[0]) or (hashes[1] and not _SHA256.fullmatch(hashes[1])):
        raise ValueError("sha256 is not 64 hexadecimal digits")
    lowest, highest = map(float, preprocessing["range"])
    return Card(
        task=str(document["task"]),
        architecture=str(document["architecture"]),
        preprocessing=Preprocessing(int(preprocessing["side_px"]), lowest, highest),
        head=HeadKind(document["head"]),
        objective=None if document["objective"] is None else dict(document["objective"]),
        output=output and PublishedHead(int(output["channels"]), bool(output["dense"]), bool(output["bounded"])),
        views=int(document["views"]),
        classes=tuple(map(str, document["classes"])),
        training=dict(document["training"]),
        metrics={str(name): float(value) for name, value in document["metrics"].items()},
        encoder_sha256=hashes[0],
        head_sha256=hashes[1],
    )
