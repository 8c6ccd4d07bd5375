"""Published ResNet-50 checkpoints made into a bank.

Weights stay float32, so that features are those of the published files to the last bit; what float16 would save is
little beside what these networks cost to run.
"""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from perception.bank.bank import Bank, write_bank
from perception.bank.card import Card, HeadKind, Preprocessing
from perception.bank.checkpoint import read_checkpoint, write_checkpoint
from perception.bank.published_files import PUBLISHED_FILES, PublishedFiles
from perception.errors import UserError
from perception.files import is_folder
from perception.networks import PUBLISHED_HEADS, DenseDecoder, ResNet50Encoder, VectorDecoder, load_published
from perception.networks.published import LARGEST_CHECKPOINT_MIB
from perception.networks.published_heads import PublishedHead
from perception.tasks import TASKS

_FILE = re.compile(r"(?P<task>.+)_(?P<part>encoder|decoder)-[0-9a-f]{64}\.pth")
_TIMEOUT_S = 60
_CHUNK_BYTES = 1 << 20


def import_bank(
    source: str | Path,
    out: Path,
    *,
    tasks: Iterable[str] | None = None,
    files: Mapping[str, PublishedFiles] = PUBLISHED_FILES,
    on_task: Callable[[str], None] = lambda _: None,
) -> Bank:
    """Make a bank of `<task>_encoder-<sha256>.pth` and `<task>_decoder-<sha256>.pth`.

    Every file must have the sha256 in its name. A task whose files are in `out` already is not read again, so that an
    interrupted download goes on where it was.

    Args:
        source: A folder, or the http(s) address of one.
        out: The bank's folder.
        tasks: Names or aliases; by default all that the folder has, or of an address all of `files`.
        files: What an address offers; folders are looked through.
        on_task: Called with each task that is done.

    Raises:
        UserError: If the source has no such file, a task's encoder is missing, a file is altered, hostile or of other
            shapes, a download fails, or `out` cannot be written to.
    """
    is_address = str(source).lower().startswith(("http://", "https://"))
    offered = _by_task(files.values()) if is_address else _found(Path(source))
    names = list(offered) if tasks is None else list(TASKS.canonical(tasks))
    missing = [name for name in names if name not in offered]
    if missing:
        raise UserError(f"{source} has no encoder of {missing[0]!r}; it has {', '.join(TASKS.in_order(offered))}.")
    for name in TASKS.in_order(names):
        if not _is_done(out, name, offered[name]):
            with _local(source, offered[name], is_address) as folder:
                _import_task(folder, offered[name], name, out)
        on_task(name)
    return write_bank(
        out, out.resolve().name, provenance=f"Published checkpoints (visual-priors format), imported from {source}."
    )


def _by_task(files: Iterable[PublishedFiles]) -> dict[str, PublishedFiles]:
    return {TASKS[entry.task].name: entry for entry in files}


def _found(folder: Path) -> dict[str, PublishedFiles]:
    """The checkpoints of a folder by canonical task name."""
    if not is_folder(folder):
        raise UserError(f"{folder} is no folder of published checkpoints, and no http(s) address.")
    parts: dict[str, dict[str, str]] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match and match["task"] in TASKS:
            own = parts.setdefault(TASKS[match["task"]].name, {})
            if match["part"] in own:
                raise UserError(
                    f"{folder} has two {match['part']}s of one task, {own[match['part']]} and {path.name}; keep one."
                )
            own[match["part"]] = path.name
    if not parts:
        raise UserError(f"{folder} has no file named <task>_encoder-<sha256>.pth; are these the published checkpoints?")
    lonely = [task for task, own in parts.items() if "encoder" not in own]
    if lonely:
        raise UserError(f"{folder} has a decoder of {lonely[0]!r} but no encoder; add it.")
    return {task: PublishedFiles(task, own["encoder"], own.get("decoder")) for task, own in parts.items()}


def _is_done(out: Path, task: str, files: PublishedFiles) -> bool:
    try:
        card = read_checkpoint(out, task).card
    except UserError:
        return False
    return card.training.get("files") == _names(files)


def _names(files: PublishedFiles) -> list[str]:
    return [name for name in (files.encoder, files.decoder) if name]


def _import_task(folder: Path, files: PublishedFiles, task: str, out: Path) -> None:
    encoder = ResNet50Encoder()
    load_published(encoder, folder / files.encoder)
    head: nn.Module | None = None
    output: PublishedHead | None = None
    if files.decoder is not None:
        if task not in PUBLISHED_HEADS:
            raise UserError(f"no decoder of {task!r} was ever published, but there is {files.decoder}; take it away.")
        kind = PUBLISHED_HEADS[task]
        output = kind
        head = DenseDecoder(kind.channels, kind.bounded) if kind.dense else VectorDecoder(kind.channels)
        load_published(head, folder / files.decoder)
    card = Card(
        task,
        "resnet50",
        Preprocessing(256),
        HeadKind.NONE if head is None else HeadKind.PUBLISHED,
        output=output,
        training={"dataset": "Taskonomy", "files": _names(files)},
    )
    write_checkpoint(out, card, encoder, head, half_precision=False)


@contextmanager
def _local(source: str | Path, files: PublishedFiles, is_address: bool) -> Iterator[Path]:
    """A folder with the files: the source itself, or a temporary one that they are downloaded into."""
    if not is_address:
        yield Path(source)
        return
    with TemporaryDirectory(prefix="midlevel-import-") as name:
        for file in _names(files):
            _download(f"{str(source).rstrip('/')}/{urllib.parse.quote(file)}", Path(name) / file)
        yield Path(name)


def _download(address: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as reply, path.open("wb") as file:
            while chunk := reply.read(_CHUNK_BYTES):
                file.write(chunk)
                if file.tell() > LARGEST_CHECKPOINT_MIB << 20:
                    raise UserError(f"{address} has more than {LARGEST_CHECKPOINT_MIB} MiB; is it a checkpoint?")
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"cannot download {address} ({reason}); is there a network? A folder with the files needs none."
        ) from error
