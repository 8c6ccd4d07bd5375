"""What `deploy/` and `examples/` say, against what the command does: nothing here can start a container."""

import importlib.util
import json
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from typer.main import get_command

from midlevel import app
from perception import load_bank
from server.options import ServeOptions
from server.security import check_binding
from tests.server.security.certificates import authority

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
MANIFEST = {
    document["kind"]: document for document in yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())
}
DEPLOYMENT = MANIFEST["Deployment"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
[CONTAINER] = POD["containers"]
PROBES = {name: CONTAINER[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
PROBE_SCRIPT = "/opt/midlevel/health_probe.py"
TOKEN = "one-token-of-a-robot-4711"


def _options(arguments: Sequence[str]) -> ServeOptions:
    """What `midlevel serve` makes of arguments; fails on those it does not know."""
    serve = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    parsed = dict(serve.make_context("serve", list(arguments)).params)
    return ServeOptions(**{**parsed, "features": tuple(parsed["features"] or ())})


OPTIONS = _options(CONTAINER["args"])


@dataclass(frozen=True)
class Replica:
    """A server in a process.

    Args:
        process: Of the server.
        address: It listens on.
        metrics_port: Of its metrics.
    """

    process: subprocess.Popen[str]
    address: str
    metrics_port: int

    def frames(self) -> float:
        """That it was asked to encode."""
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as response:
            families = text_string_to_metric_families(response.read().decode())
        calls = [sample for family in families for sample in family.samples if sample.name == "midlevel_requests_total"]
        return sum(sample.value for sample in calls if sample.labels["method"].endswith("/Encode"))


@contextmanager
def _replicas(count: int, *arguments: str) -> Iterator[list[Replica]]:
    """Servers of one task, started at the same time."""
    command = [str(Path(sys.executable).with_name("midlevel")), "serve", *arguments]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    try:
        yield [_ready(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _ready(process: subprocess.Popen[str]) -> Replica:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 60)[0], "the server is not ready"
    line = process.stdout.readline()
    found = re.fullmatch(r"READY (\S+) .*metrics on port (\d+)\n", line)
    assert found, line
    return Replica(process, found[1], int(found[2]))


def test_the_manifests_flags_are_the_commands_and_may_listen_where_they_say() -> None:
    assert OPTIONS.host == "0.0.0.0"
    has_tls = bool(OPTIONS.tls_cert and OPTIONS.tls_key)
    check_binding(OPTIONS.host, has_tls=has_tls, allow_insecure=False, has_tokens=OPTIONS.token_file is not None)
    for features in OPTIONS.features:
        assert load_bank(OPTIONS.bank).feature_set(features)


def test_the_services_port_leads_to_the_servers() -> None:
    [port], [served] = CONTAINER["ports"], MANIFEST["Service"]["spec"]["ports"]
    assert port["containerPort"] == OPTIONS.port
    assert served["targetPort"] == port["name"]
    assert MANIFEST["Service"]["spec"]["clusterIP"] == "None"  # so that its name stands for all replicas
    labels = DEPLOYMENT["template"]["metadata"]["labels"]
    selectors = [
        MANIFEST["Service"]["spec"]["selector"],
        DEPLOYMENT["selector"]["matchLabels"],
        MANIFEST["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector == labels for selector in selectors)
    assert DEPLOYMENT["replicas"] == 3
    assert f"EXPOSE {OPTIONS.port}\n" in DOCKERFILE


def test_every_file_that_is_named_lies_in_a_mounted_secret() -> None:
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in CONTAINER["volumeMounts"]}
    probed = [
        part.removeprefix("--ca=") for probe in PROBES.values() for part in probe["exec"]["command"] if "--ca" in part
    ]
    assert len(probed) == len(PROBES)
    for path in (OPTIONS.tls_cert, OPTIONS.tls_key, OPTIONS.token_file, *map(Path, probed)):
        assert path is not None
        assert "secret" in mounts[str(path.parent)]


def test_a_pod_has_time_to_drain() -> None:
    [_, leaving_s] = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert POD["terminationGracePeriodSeconds"] > int(leaving_s) + OPTIONS.drain_seconds


def test_a_pod_asks_for_resources_and_for_no_rights() -> None:
    assert set(CONTAINER["resources"]["requests"]) == {"cpu", "memory"}
    user = POD["securityContext"]["runAsUser"]
    assert POD["securityContext"]["runAsNonRoot"]
    assert f"USER {user}\n" in DOCKERFILE
    assert f"--uid {user} " in DOCKERFILE
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_dockerfile_copies_what_there_is_and_installs_what_is_pinned() -> None:
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["python:3.11-slim"] * 2
    assert "-c requirements.lock" in DOCKERFILE
    kept = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text()
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.*)", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}\n" in kept, source
    packages = re.search(r"targets.wheel]\ninclude = (.*)", (ROOT / "pyproject.toml").read_text())
    assert packages is not None
    assert set(json.loads(packages[1])) <= set(copied)
    [command] = re.findall(r"^CMD (.*)", DOCKERFILE, re.MULTILINE)
    assert _options(json.loads(command)).port == OPTIONS.port


def test_probes_are_the_images_script_with_the_servers_port() -> None:
    assert f"COPY deploy/health_probe.py {PROBE_SCRIPT}\n" in DOCKERFILE
    [checked] = re.findall(r"HEALTHCHECK .*\\\n *CMD (.*)", DOCKERFILE)
    commands = [probe["exec"]["command"] for probe in PROBES.values()]
    for command in (json.loads(checked), *commands):
        assert command[:2] == ["python", PROBE_SCRIPT]
        assert command[-1] == f"127.0.0.1:{OPTIONS.port}"


def _probe(command: Sequence[str], replace: Mapping[str, str]) -> int:
    """Exit code of a probe, run here."""
    for old, new in replace.items():
        command = [part.replace(old, new) for part in command]
    return subprocess.run([sys.executable, *command[1:]], capture_output=True, timeout=60).returncode


def test_the_server_starts_as_deployed_and_its_probes_tell_whether_it_serves(tmp_path: Path) -> None:
    pair = authority(tmp_path, "midlevel")
    (tmp_path / "tokens").write_text(TOKEN)
    files = {
        PROBE_SCRIPT: str(ROOT / "deploy" / "health_probe.py"),
        "/tls/tls.crt": str(pair.certificate),
        "/tls/ca.crt": str(pair.certificate),
        "/tls/tls.key": str(pair.key),
        "/tokens/": f"{tmp_path}/",
        "--server-name=midlevel": "--server-name=localhost",  # which the certificate of this test has
    }
    here = {"0.0.0.0": "127.0.0.1", "port=50051": "port=0", "port=9090": "port=0", "max-coverage:4": "normal"}
    arguments = list(CONTAINER["args"])
    for old, new in (files | here).items():
        arguments = [argument.replace(old, new) for argument in arguments]
    with _replicas(1, *arguments) as [server]:
        at = {**files, "127.0.0.1:50051": server.address}
        for probe in PROBES.values():
            assert _probe(probe["exec"]["command"], at) == 0
        command = PROBES["readinessProbe"]["exec"]["command"]
        assert _probe([*command, "--service=perception.v9.Perception"], at) == 1
        assert _probe([*command, "--server-name=another"], at) == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        assert _probe([*command, "--timeout=2"], at) == 1


@pytest.fixture
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("round_robin", ROOT / "examples" / "round_robin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_frames_are_spread_over_replicas_and_none_is_lost_with_one(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (160, 64, 64, 3), np.uint8)
    with _replicas(2, "--port=0", "--metrics-port=0", "--features=normal") as [one, other]:
        target = f"ipv4:{one.address},{other.address}"
        with example.connect(target) as channel:
            answers: Iterator[Any] = example.encode(channel, frames, ["normal"])
            features = [next(answers) for _ in range(80)]
            assert one.frames() + other.frames() == 80
            assert abs(one.frames() - other.frames()) < 20  # the first few go to whichever connected first
            one.process.kill()
            features += answers
        assert len(features) == len(frames)
        assert other.frames() >= 80
        with example.connect(f"ipv4:{other.address}") as channel:
            again = list(example.encode(channel, frames[::40], ["normal"]))
        np.testing.assert_allclose(features[::40], again, atol=0.02 * float(np.std(again)))
        example.main([target, "--frames", "20", "--tasks", "normal"])
        assert capsys.readouterr().out.startswith("20 of 20 frames answered, median ")
