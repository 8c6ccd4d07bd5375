"""The report: pictures as files, and one HTML page that holds them all and needs no network."""

import base64
import io
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2
from matplotlib.figure import Figure

from perception.files import write_atomically
from taxonomy.report.findings import Findings, ReportPicture
from taxonomy.report.story import Section, tell
from taxonomy.report.study import Study
from taxonomy.report.style import GROUP_COLOURS, GROUP_COLOURS_ON_DARK, drawing

_PNG_DPI = 130
_PAGE_DPI = 84  # at which type is as large as the page's captions
_LEAST_SHEET = 0.84  # of its width, at which the small type of a sheet can still be read
_NOTHING = Findings()


@dataclass(frozen=True)
class _Image:
    """What the page needs of a picture: its data, and how wide it is to be read."""

    mime: str
    data: str
    width_px: int
    least_width_px: int


def write_report(study: Study, folder: str | Path, *, title: str, findings: Findings = _NOTHING) -> Path:
    """Draw a study.

    Writes `figures/<name>.png` (and `.svg` of what is drawn here), and last `report.html`, which has the pictures
    inside it.

    Args:
        study: What to draw.
        folder: Where to write; made if missing.
        title: Heading of the page, usually the name of the affinity file.
        findings: What else a run found.

    Returns:
        The path of the page.

    Raises:
        UserError: If the folder cannot be written to.
    """
    folder = Path(folder)
    sections = [(section, _content(section, folder / "figures")) for section in tell(study, findings)]
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(files("taxonomy.report").joinpath("page.html.j2").read_text("utf-8"))
    page = template.render(
        title=title,
        study=study,
        facts=findings.facts,
        sections=sections,
        colours={group.value: (colour, GROUP_COLOURS_ON_DARK[group]) for group, colour in GROUP_COLOURS.items()},
    )
    path = folder / "report.html"
    write_atomically(path, page)
    return path


def _content(section: Section, figures: Path) -> object:
    """What the section's macro writes; pictures also become files."""
    content = section.content
    if isinstance(content, ReportPicture):
        write_atomically(figures / f"{section.name}.png", content.png)
        return _image("image/png", content.png, content.width_px, round(_LEAST_SHEET * content.width_px))
    if not callable(content):
        return content
    with drawing():
        figure = content()
        svg = _rendered(figure, "svg")
        write_atomically(figures / f"{section.name}.svg", svg)
        write_atomically(figures / f"{section.name}.png", _rendered(figure, "png"))
    width_px = round(_PAGE_DPI * figure.get_figwidth())
    return _image("image/svg+xml", svg, width_px, width_px // 2)


def _image(mime: str, content: bytes, width_px: int, least_width_px: int) -> _Image:
    return _Image(mime, base64.b64encode(content).decode(), width_px, least_width_px)


def _rendered(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}  # the same picture has the same bytes
    figure.savefig(buffer, format=kind, dpi=_PNG_DPI, facecolor="white", metadata=metadata)
    return buffer.getvalue()
