"""What a dataset is known by in results computed from it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from perception.files import read_bytes
from taxonomy.dataset.dataset import Dataset
from taxonomy.dataset.manifest import MANIFEST, read_manifest
from taxonomy.dataset.world import QUALITIES, HouseWorld

_LARGEST_LABEL_FILE_MIB = 4


def dataset_sha256(dataset: Dataset, label_files: Sequence[Path] = ()) -> str:
    """A hash that changes with the content: of the manifest, which has the hashes of all files, where there is one.

    Of another project's folder, the names and sizes of its files. What is skipped as damaged counts too.

    Args:
        dataset: Opened.
        label_files: With tasks of the user's own, whose content decides what is trained.

    Raises:
        UserError: If a label file cannot be read.
    """
    digest = hashlib.sha256()
    manifest = dataset.root / MANIFEST
    if manifest.is_file():
        digest.update(manifest.read_bytes())
    else:
        files = ((str(path.relative_to(dataset.root)), path.stat().st_size) for path in dataset.root.rglob("*.*"))
        digest.update(repr(sorted(files)).encode())
    if dataset.skipped:
        digest.update(repr([(skip.path, skip.reason) for skip in dataset.skipped]).encode())
    for path in label_files:
        digest.update(read_bytes(path, limit_mib=_LARGEST_LABEL_FILE_MIB))
    return digest.hexdigest()


def command_of(dataset: Dataset) -> str | None:
    """The command that renders the same dataset again; None if it was not rendered, or not from our houses alone."""
    if not (dataset.root / MANIFEST).is_file():
        return None
    manifest = read_manifest(dataset.root)
    spec = manifest.spec
    quality = {HouseWorld(quality).name: quality for quality in QUALITIES}.get(spec.world)
    if quality is None or spec.labels:
        return None
    chosen = "" if quality == HouseWorld.quality else f" --quality {quality}"
    sizes = f"--buildings {spec.buildings} --views {spec.views} --size {spec.size} --seed {spec.seed}"
    layout = "" if manifest.layout == "store" else f" --format {manifest.layout}"
    return f"midlevel data render {sizes}{chosen}{layout}"
