"""What the transfers of a finished run make of one image: computed when asked for, a few kept."""

import base64
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from perception import UserError
from perception.pictures import Tile
from server.explorer.computing import workers
from server.explorer.content import Absent, Content
from server.explorer.fresh import stamp, while_unchanged
from server.explorer.pages.transfers.choice import Choice, Offer
from server.explorer.tiles import source_of
from taxonomy.transfers import RANDOM, SELF, transfer_key

if TYPE_CHECKING:
    from taxonomy.pipeline import FinishedRun

THUMBNAIL_PX = 64

_THUMBNAIL_QUALITY = 80
_DAMAGE = (OSError, ValueError, LookupError, TypeError, RuntimeError)
"""What reading files that hold something else than a run wrote may end with."""


@dataclass(frozen=True)
class Shown:
    """A picture that can be put on a page.

    Args:
        source: Of an `Img`.
        says: A class or a pose; often empty.
    """

    source: str
    says: str


@dataclass(frozen=True)
class ShownTransfer:
    """What one transfer makes of an image.

    Args:
        sources: Sorted as the run has them.
        picture: Its prediction.
        affinity: By which it is ranked.
        gain: Win rate against a network from scratch; None if not measured.
        quality: Win rate against the target's own network; likewise.
        rank: 1 for the largest affinity of all transfers to the target.
    """

    sources: tuple[str, ...]
    picture: Shown
    affinity: float
    gain: float | None
    quality: float | None
    rank: int


@dataclass(frozen=True)
class Comparison:
    """One image and one target.

    Args:
        photo: The image.
        label: What is right.
        own: What the target's network says; None if the bank lacks it.
        random: What a readout of an untrained encoder says; None if there is none.
        transfers: By falling affinity.
    """

    photo: Shown
    label: Shown | None
    own: Shown | None
    random: Shown | None
    transfers: tuple[ShownTransfer, ...]

    def chosen(self, choice: Choice) -> tuple[ShownTransfer, ...]:
        """Those of the wanted orders, with one of the wanted sources."""
        return tuple(
            transfer
            for transfer in self.transfers
            if len(transfer.sources) in choice.orders
            and (not choice.among or not set(choice.among).isdisjoint(transfer.sources))
        )

    def has(self, sources: tuple[str, ...]) -> bool:
        """Whether there is a transfer from these."""
        return any(sorted(transfer.sources) == sorted(sources) for transfer in self.transfers)


def run_of(content: Content) -> "FinishedRun | Absent":
    """The run to be shown, opened when it is first asked for, and again when it has gone on."""
    folder = content.run
    if isinstance(folder, Absent):
        return folder
    try:
        return _opened(folder)
    except UserError as error:
        return Absent(str(error), None if any(stamp(_files_of(folder))) else content.making)
    except _DAMAGE as error:
        return Absent(_damaged(folder, error))


def offer_of(run: "FinishedRun") -> Offer:
    """What there is to choose from.

    Raises:
        UserError: If no target of the run can be shown.
    """
    shown = [t for t in run.table if t.is_candidate and t.target in run.targets and t.sources != (SELF,)]
    if not shown:
        raise UserError(f"{run.folder} has readouts of no target of the dictionary; was it copied whole?")
    return Offer(
        tuple(name for name in run.table.targets if name in run.targets), run.table.sources,
        tuple(sorted({transfer.order for transfer in shown})), len(run.tests),
    )  # fmt: skip


@lru_cache(maxsize=32)
def compare(run: "FinishedRun", target: str, image: int) -> Comparison:
    """Everything about one image and one target; a tenth of a second.

    Args:
        run: Opened.
        target: One of its.
        image: Position among its test images.

    Raises:
        UserError: If a file of the run is damaged or gone.
    """
    try:
        return workers().submit(_compare, run, target, image).result()
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(_damaged(run.folder, error)) from error


@lru_cache(maxsize=512)
def thumbnail(run: "FinishedRun", image: int) -> str:
    """A small picture of a test image, for an `Img`.

    Raises:
        UserError: If it cannot be read.
    """
    from PIL import Image

    buffer = io.BytesIO()
    photo = Image.fromarray(run.dataset.batch(run.tests[image : image + 1], []).rgb[0])
    photo.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BILINEAR).save(
        buffer, "JPEG", quality=_THUMBNAIL_QUALITY
    )
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _damaged(folder: Path, error: BaseException) -> str:
    return f"the run {folder} is damaged or going on ({type(error).__name__}: {error}); run it again."


def _files_of(folder: Path) -> tuple[Path, ...]:
    """What a run that goes on writes anew."""
    return folder / "manifest.json", folder / "affinity.json"


@while_unchanged(_files_of)
def _opened(folder: Path) -> "FinishedRun":
    from taxonomy.pipeline import open_run

    return open_run(folder)


def _compare(run: "FinishedRun", target: str, image: int) -> Comparison:
    from taxonomy.pipeline.tiles import photo_tiles, transfers_to

    found = transfers_to(target, run.dataset, run, run.table, run.bank, run.tests, image)
    drawn = {transfer_key(transfer.sources, target): transfer.tile for transfer in found.transfers}
    candidates = [t for t in run.table if t.target == target and t.is_candidate and t.key in drawn]
    ranked = sorted((t for t in candidates if t.sources != (SELF,)), key=lambda t: (-t.affinity, t.order, t.sources))
    (photo,) = photo_tiles(run.dataset, run.tests[image : image + 1])
    transfers = tuple(
        ShownTransfer(t.sources, _shown(drawn[t.key]), t.affinity, t.gain, t.quality, rank)
        for rank, t in enumerate(ranked, start=1)
    )
    own, random = (_shown_or_none(found.single(name)) for name in (SELF, RANDOM))
    return Comparison(_shown(photo), _shown_or_none(found.label), own, random, transfers)


def _shown_or_none(tile: Tile | None) -> Shown | None:
    return None if tile is None else _shown(tile)


def _shown(tile: Tile) -> Shown:
    return Shown(source_of(tile.picture), tile.caption)
