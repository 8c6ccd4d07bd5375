"""One rendered building, ready to be written in either layout."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonomy.dataset.manifest import RenderSpec
from taxonomy.dataset.quantisation import Quantisation
from taxonomy.dataset.views import GroupTable, ViewTable


@dataclass(frozen=True, eq=False)
class Shard:
    """The views of one building.

    Args:
        building: Its name.
        split: "train", "val" or "test".
        size: Pixels a side.
        views: The N cameras.
        groups: Which belong together.
        codes: For each domain, [N, ...]; "rgb" among them.
        quantisation: What the codes mean.
    """

    building: str
    split: str
    size: int
    views: ViewTable
    groups: GroupTable
    codes: Mapping[str, NDArray[np.generic]]
    quantisation: Mapping[str, Quantisation]

    def codes_in(self, name: str, wanted: Quantisation) -> NDArray[np.generic]:
        """Codes [N, ...] of a domain in another quantisation of the same values."""
        stored, codes = self.quantisation[name], self.codes[name]
        return codes if wanted == stored else wanted.encode(stored.decode(codes))

    def facts(self) -> dict[str, object]:
        """What its index says beside the list of files."""
        return {"building": self.building, "split": self.split, "views": len(self.views), "size": self.size}


def expected_facts(building: str, split: str, spec: RenderSpec) -> dict[str, object]:
    """What the index of a building says beside the list of files, if it is what was asked for."""
    return {"building": building, "split": split, "views": spec.views, "size": spec.size}
