"""The real thing, small: a procedural house through the ray caster to a dataset."""

import numpy as np
import pytest

from perception import UserError
from perception.labels import project
from sim import Cameras, Sensor
from taxonomy.dataset import HouseWorld, RenderSpec
from taxonomy.dataset.labelling import views_of
from taxonomy.dataset.rendering import building_seed, make_shard

SPEC = RenderSpec(buildings=1, views=16, size=48, seed=6)


def test_a_houses_views_are_labelled_and_share_the_points_they_claim() -> None:
    world = HouseWorld("fast")
    shard = make_shard(world, SPEC, 0, "train")
    building = world.building(building_seed(SPEC, 0))
    assert set(building.categories) - {"nothing"} <= set(world.classes.segments)
    assert {room.kind for room in building.rooms} <= set(world.classes.scenes)
    cameras = Cameras(shard.views.position, shard.views.rotation, shard.views.hfov_deg, np.zeros(16, np.int32))
    seen = views_of(building, shard.views, world.renderer(building).render(cameras, 128, 128, tuple(Sensor)))
    first, second = shard.groups.nonfixated_pairs.T
    pairs = [*enumerate(shard.views.target), *zip(second, shard.views.target[first], strict=True)]
    eyes, points = (np.array(column) for column in zip(*((seen[v].position, p) for v, p in pairs), strict=True))
    straight = world.renderer(building).render(Cameras.looking_at(eyes, points, 5.0), 1, 1, (Sensor.DEPTH,)).depth
    assert straight is not None
    distance = np.linalg.norm(points - eyes, axis=1)
    np.testing.assert_allclose(straight[:, 0, 0], distance, atol=0.03)
    columns_rows = [project(point, seen[view])[0] for view, point in pairs]
    assert (np.abs(np.array(columns_rows) - 64) <= 64).all()
    semantic = shard.quantisation["segment_semantic"].decode(shard.codes["segment_semantic"])
    assert semantic.valid.mean() > 0.98
    assert len(np.unique(semantic.values)) > 5


def test_an_unknown_quality_is_refused() -> None:
    with pytest.raises(UserError, match="known are fast, smooth, traced"):
        HouseWorld("best")
