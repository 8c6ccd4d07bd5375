"""Files that are whole or absent, and never larger than expected."""

import os
import tempfile
from pathlib import Path

from perception.errors import UserError


def read_bytes(path: Path, *, limit_mib: int) -> bytes:
    """Read a file that a user named.

    Args:
        path: The file.
        limit_mib: The largest size accepted, in MiB; larger files are refused before a byte is read.

    Raises:
        UserError: If it is missing, a folder, unreadable, empty or too large.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise UserError(f"{path} is a folder; a file is expected here.")
        if size == 0:
            raise UserError(f"{path} is empty; was it written to the end?")
        if size > limit_mib << 20:
            raise UserError(
                f"{path} is {size / 2**20:.0f} MiB; files of this kind have at most {limit_mib} MiB; is it the one?"
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {_shortened(path)}: {error.strerror}.") from error


def is_folder(path: Path) -> bool:
    """Whether a path that a user gave is a folder.

    Raises:
        UserError: If it is no possible path, or may not be looked at.
    """
    try:
        return path.is_dir()
    except OSError as error:
        raise UserError(f"cannot read {_shortened(path)}: {error.strerror}.") from error


def _shortened(path: Path, limit: int = 200) -> str:
    text = str(path)
    return text if len(text) <= limit else text[:limit] + "..."


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part.

    Args:
        path: The file; its folder is made if missing.
        content: Bytes, or text to be written as UTF-8.

    Raises:
        UserError: If the folder cannot be written to.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path = path.resolve()  # through links, which stay links
        if path.exists() and not path.is_file():
            raise UserError(f"cannot write {path}: it is there and is no regular file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
