"""How large a run is: small over a coffee, standard in an evening, and the original's size."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from perception.errors import UnknownNameError
from taxonomy.training import Schedule


@dataclass(frozen=True)
class Preset:
    """The size of a run.

    Networks learn from the train split, readouts from the validation split, whose buildings no encoder has seen; both
    are measured on the test split.

    Args:
        name: What it is called.
        buildings: Rendered where no dataset is given.
        views: Images of each.
        size_px: Of the images.
        architecture: Of every encoder.
        networks: Step I's schedule.
        readouts: Step II's schedule.
        pixels: Schedule of the networks trained from scratch on the readouts' little data.
        max_order: Most sources of a transfer.
        train_images: That networks learn from; None for the whole split.
        readout_images: That readouts learn from; None for the whole split.
        test_images: None for the whole split.
    """

    name: str
    buildings: int
    views: int
    size_px: int
    architecture: str
    networks: Schedule
    readouts: Schedule
    pixels: Schedule
    max_order: int
    train_images: int | None = None
    readout_images: int | None = None
    test_images: int | None = None

    def with_max_order(self, order: int | None) -> "Preset":
        """The same with another largest order; as it is for None."""
        return self if order is None else replace(self, max_order=order)


def _readouts(epochs: int, batch_size: int = 32) -> Schedule:
    """Small networks bear a large rate; the decay keeps those of classes from learning their few images by heart."""
    return Schedule(epochs, batch_size, learning_rate=5e-3, weight_decay=2.0)


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "demo", 22, 30, 128, "compact",
            networks=Schedule(6, 16), readouts=_readouts(15, 16), pixels=Schedule(15, 16),
            max_order=2,
        ),
        Preset(
            "standard", 400, 60, 128, "compact",
            networks=Schedule(6), readouts=_readouts(8), pixels=Schedule(16),
            max_order=4, readout_images=2400, test_images=2400,
        ),
        Preset(
            "paper", 600, 256, 256, "resnet50",
            networks=Schedule(20, learning_rate=1e-3), readouts=_readouts(10), pixels=Schedule(20),
            max_order=5, train_images=120_000, readout_images=16_000, test_images=17_000,
        ),
    )
}  # fmt: skip
"""By name. The paper's numbers of images are the original's: 120k, 16k and 17k."""


def preset_named(name: str) -> Preset:
    """Look a preset up.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise UnknownNameError("preset", name, PRESETS) from None
