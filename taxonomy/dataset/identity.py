"""What a dataset is known by in results computed from it."""

import hashlib

from taxonomy.dataset.dataset import Dataset
from taxonomy.dataset.manifest import MANIFEST


def dataset_sha256(dataset: Dataset) -> str:
    """A hash that changes with the content: of the manifest, which has the hashes of all files, where there is one.

    Of another project's folder, the names and sizes of its files.
    """
    manifest = dataset.root / MANIFEST
    if manifest.is_file():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    listing = sorted((str(path.relative_to(dataset.root)), path.stat().st_size) for path in dataset.root.rglob("*.*"))
    return hashlib.sha256(repr(listing).encode()).hexdigest()
