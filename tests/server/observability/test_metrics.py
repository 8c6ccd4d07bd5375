import socket
from dataclasses import replace
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from perception import UserError, load_bank
from server.observability import Metrics, start_metrics


def _value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_stages_batches_queue_and_drops_are_counted() -> None:
    metrics = Metrics()
    metrics.decoded(0.003)
    metrics.watch_queue(lambda: 7)
    metrics.waited(0.001)
    metrics.computed(5, 0.25)
    metrics.computed(3, 0.5)
    for reason in ("rejected", "expired", "expired", "cancelled"):
        metrics.dropped(reason)
    assert _value(metrics, "midlevel_stage_seconds_sum", stage="decode") == 0.003
    assert _value(metrics, "midlevel_stage_seconds_sum", stage="queue") == 0.001
    assert _value(metrics, "midlevel_stage_seconds_count", stage="inference") == 2
    assert _value(metrics, "midlevel_queue_images") == 7
    assert _value(metrics, "midlevel_batch_images_sum") == 8
    assert _value(metrics, "midlevel_batch_images_bucket", le="4.0") == 1
    assert _value(metrics, "midlevel_model_seconds_total") == 0.75
    assert _value(metrics, "midlevel_dropped_total", reason="expired") == 2


def test_after_a_swap_only_the_new_bank_is_named() -> None:
    metrics, old = Metrics(), load_bank("buildings-v1")
    new = replace(old, name="buildings-v2", sha256="f" * 64)
    metrics.set_bank(old, "bfloat16")
    metrics.set_bank(new, "float32")
    [family] = [family for family in metrics.registry.collect() if family.name == "midlevel_bank_info"]
    assert [(sample.labels, sample.value) for sample in family.samples] == [
        ({"name": "buildings-v2", "architecture": "compact", "precision": "float32", "sha256": "f" * 64}, 1)
    ]


def test_two_servers_in_a_process_do_not_share_numbers() -> None:
    one, other = Metrics(), Metrics()
    one.dropped("rejected")
    assert _value(other, "midlevel_dropped_total", reason="rejected") is None


def test_metrics_are_fetched_over_http() -> None:
    metrics = Metrics()
    metrics.watch_queue(lambda: 3)
    endpoint = start_metrics(metrics.registry, 0)
    try:
        with urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=10) as response:
            families = {family.name: family for family in text_string_to_metric_families(response.read().decode())}
    finally:
        endpoint.close()
    assert families["midlevel_queue_images"].samples[0].value == 3
    assert families["process_resident_memory_bytes"].samples[0].value > 2**20
    assert set(families["midlevel_build_info"].samples[0].labels) == {"version", "python", "grpc"}
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=10)


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"cannot serve metrics on 127.0.0.1:{port}: Address already in use"):
            start_metrics(Metrics().registry, port)


@pytest.mark.parametrize(("port", "host"), [(70000, "127.0.0.1"), (0, "no.such.host.invalid")])
def test_an_impossible_address_is_refused(port: int, host: str) -> None:
    with pytest.raises(UserError, match="cannot serve metrics on"):
        start_metrics(Metrics().registry, port, host)
