"""Named sets of features.

`published:K` are the max-coverage sets that Sax et al. (2018) list. They came from the authors' own distances, so the
sets this system computes from the published affinities (`max-coverage:K`) agree with them for K = 1 only.
"""

from collections.abc import Mapping
from types import MappingProxyType

from perception.errors import UserError

PUBLISHED_MAX_COVERAGE: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        1: ("autoencoding",),
        2: ("segment_unsup2d", "segment_unsup25d"),
        3: ("edge_texture", "reshading", "curvature"),
        4: ("normal", "keypoints2d", "segment_unsup2d", "segment_semantic"),
    }
)
"""The published set of each size, in canonical names."""


def published_set(size: int) -> tuple[str, ...]:
    """The published max-coverage set of `size` features.

    Raises:
        UserError: If the paper has no set of that size.
    """
    try:
        return PUBLISHED_MAX_COVERAGE[size]
    except KeyError:
        raise UserError(
            f"there is no published max-coverage set of {size} features; sizes are 1 to {max(PUBLISHED_MAX_COVERAGE)}, "
            "and max-coverage:K computes any."
        ) from None
