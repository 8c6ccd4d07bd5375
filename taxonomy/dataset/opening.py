"""Opens a dataset, whatever its layout."""

from collections.abc import Sequence
from pathlib import Path

from perception.errors import UserError
from perception.files import is_folder
from taxonomy.dataset import published, store
from taxonomy.dataset.dataset import Dataset
from taxonomy.dataset.manifest import MANIFEST, read_manifest
from taxonomy.dataset.published_reader import is_published, open_published


def open_dataset(path: Path | str, tasks: Sequence[str] | None = None) -> Dataset:
    """Open a folder that `midlevel data render` wrote, or a Taskonomy or Omnidata folder.

    Args:
        path: The folder; where it holds both layouts, the compact one is read.
        tasks: In a Taskonomy or Omnidata folder, the tasks that every image must have; those that all its buildings
            have if None.

    Raises:
        UserError: If it is no such folder, or rendering has not finished.
    """
    root = Path(path)
    if not is_folder(root):
        raise UserError(f"{root} is no folder; a dataset is one, written by `midlevel data render` or downloaded.")
    for layout in (store.LAYOUT, published.LAYOUT):
        if (root / layout / MANIFEST).is_file():
            root = root / layout
            break
    if (root / MANIFEST).is_file():
        manifest = read_manifest(root)
        if manifest.shards is None:
            raise UserError(f"{root} is not finished; run the same `midlevel data render` again, it goes on.")
        if manifest.layout == store.LAYOUT:
            return store.open_store(root, manifest)
        return open_published(root, manifest)
    if is_published(root):
        return open_published(root, None, tasks)
    raise UserError(
        f"{root} holds another project's data: neither a {MANIFEST} of `midlevel data render` nor pictures named "
        "point_<P>_view_<V>_domain_rgb.png as in Taskonomy and Omnidata."
    )
