"""What a run found besides its table of transfers, as far as the report shows it."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from perception import UserError

if TYPE_CHECKING:  # the report needs their fields, not what they are measured with
    from taxonomy.studies import NovelTask, Policy, SanityRow, TargetAgreement

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_SIZE_AT = slice(16, 24)  # width and height, the first fields of a PNG's first chunk


class Chapter(Enum):
    """Where in the report's story a picture stands."""

    PREDICTIONS = "predictions"
    TRANSFERS = "transfers"


@dataclass(frozen=True)
class ReportPicture:
    """A picture drawn elsewhere.

    Args:
        title: Heading; its letters and digits also name the file.
        caption: One sentence that says what one is looking at.
        png: The PNG file.
        chapter: Where it stands.

    Raises:
        UserError: If the bytes are no PNG, or the title has no letter or digit.
    """

    title: str
    caption: str
    png: bytes
    chapter: Chapter = Chapter.PREDICTIONS

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG_HEAD) or len(self.png) < _SIZE_AT.stop:
            raise UserError(f"the picture {self.title!r:.60} starts with {self.png[:8]!r}; expected a PNG file.")
        if not self.name:
            raise UserError(f"the picture's title {self.title!r:.60} has no letter or digit to name its file by.")

    @property
    def name(self) -> str:
        """File name without its suffix."""
        return re.sub(r"[^a-z0-9]+", "_", self.title.lower()).strip("_")

    @property
    def width_px(self) -> int:
        """Of the picture."""
        return int(struct.unpack(">II", self.png[_SIZE_AT])[0])


@dataclass(frozen=True)
class Findings:
    """All optional; the report leaves out what is empty.

    Args:
        sanity: Of the task networks.
        agreement: With published affinities.
        policies: Supervision saved.
        novel: Targets as novel tasks.
        left_out: What failed: stage, name and reason.
        facts: Sentences on the run: its data, preset, versions, seconds.
        pictures: Sheets of predictions and transfers.

    Raises:
        UserError: If two pictures have one name.
    """

    sanity: "Sequence[SanityRow]" = ()
    agreement: "Sequence[TargetAgreement]" = ()
    policies: "Sequence[Policy]" = ()
    novel: "Sequence[NovelTask]" = ()
    left_out: Sequence[tuple[str, str, str]] = ()
    facts: Sequence[str] = ()
    pictures: Sequence[ReportPicture] = ()

    def __post_init__(self) -> None:
        names = [picture.name for picture in self.pictures]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UserError(f"two pictures of the report are named {twice!r}; give each a title of its own.")
