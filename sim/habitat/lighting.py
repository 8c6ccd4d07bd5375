"""habitat-sim without image-based lighting.

For every scene it prepares the environment maps of its lit shader, used or not; software OpenGL takes 5 s for them.
Nothing but its default configuration, a file named relative to the working directory, says which maps those are.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from sim.habitat.library import load_habitat

_DEFAULT = Path("data") / "default.pbr_config.json"
_ABSENT = "no_image_based_lighting"
_COMPLAINTS = (_ABSENT.encode(), b"IBL")


def unlit_metadata(configuration: Any) -> Any:
    """A `MetadataMediator` for a simulator configuration, its environment maps not there to be prepared."""
    with tempfile.TemporaryDirectory(prefix="habitat-") as folder:
        path = Path(folder) / _DEFAULT
        path.parent.mkdir()
        path.write_text(json.dumps({"enable_ibl": False, "ibl_blut_filename": _ABSENT, "ibl_envmap_filename": _ABSENT}))
        with chdir(folder):  # for the whole process, and for a millisecond
            return load_habitat().metadata.MetadataMediator(configuration)


@contextmanager
def without_complaints() -> Iterator[None]:
    """Keep from standard error what habitat-sim says of the absent maps, and nothing else, during the block."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said:
                if not any(complaint in line for complaint in _COMPLAINTS):
                    os.write(2, line)
