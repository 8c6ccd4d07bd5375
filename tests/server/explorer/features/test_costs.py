"""What features cost, against the networks and the service themselves."""

import threading

import numpy as np
import pytest
import torch

from perception import LocalEncoder, UserError, load_bank
from perception.networks import multiply_adds
from protos.perception.v1 import perception_pb2 as pb
from server.explorer.pages.features import costs
from server.service.responses import fill_response, wire_features


def test_multiply_adds_are_those_of_the_banks_own_encoders() -> None:
    bank = load_bank("buildings-v1")
    work = costs.work_of(bank)
    assert (work.architecture, work.side_px) == ("compact", 128)
    for task in ("normal", "segment_semantic"):
        encoder = bank.checkpoint(task).encoder
        assert multiply_adds(encoder, torch.zeros(1, 3, 128, 128)) == work.multiply_adds
    assert work.frame_bytes == np.zeros((128, 128, 3), np.uint8).nbytes


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_bytes_are_those_of_the_features_that_the_service_sends(precision: str, count: int) -> None:
    features = wire_features(np.zeros((1, 8 * count, 16, 16), np.float32), np.dtype(precision))
    response = pb.EncodeResponse()
    fill_response(response, features, ["normal"], "", in_room=False)
    assert costs.wire_bytes(count, precision) == len(response.features.data)


def test_a_measurement_is_positive_and_that_of_a_known_set_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = load_bank("buildings-v1")
    first = costs.measure(bank, ("normal", "reshading"))
    assert 0 < first.fastest_ms <= first.median_ms < 10_000
    assert first.how.split()[0] in ("openvino", "torch")
    monkeypatch.setattr(LocalEncoder, "encode", None)
    assert costs.measure(bank, ("normal", "reshading")) == first


def test_measurements_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = load_bank("buildings-v1")
    begun, go_on = threading.Event(), threading.Event()

    def encode(*_: object) -> None:
        begun.set()
        assert go_on.wait(20)

    monkeypatch.setattr(LocalEncoder, "encode", encode)
    other = threading.Thread(target=costs.measure, args=(bank, ("curvature",)))
    other.start()
    assert begun.wait(20)
    with pytest.raises(UserError, match="another measurement is under way"):
        costs.measure(bank, ("normal",))
    go_on.set()
    other.join(20)
    assert not other.is_alive()
    costs.measure(bank, ("keypoints2d",))
