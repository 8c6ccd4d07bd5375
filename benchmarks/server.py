"""The perception server against PyTriton, against encoders called in-process, and what its cost depends on.

    python -m benchmarks.server [--pytriton-python PYTHON] [--rounds 3] [--seconds 5] [--parts peers,overhead,...]

Run it on an idle machine. Everything is measured in one run on the same cores: the server, and one process that makes
all the load (`benchmarks.server_load`: asyncio clients, each with a connection of its own, one 128 px frame a request,
the next when the one before is answered). PyTriton and our own Open Inference endpoint are called through the same
unmodified `tritonclient`, ours through our own client too, over gRPC and through shared memory, and over one stream a
client. Servers are started
anew for every round, one at a time, in turn; ratios are taken within a round, and their medians over rounds are printed
with the smallest and largest.

PyTriton serves the same encoders through dynamic batching: in eager float32 PyTorch, and with the same OpenVINO program
inside. It needs an environment of its own, since it wants numpy below 2:

    python3.11 -m venv pytriton
    pytriton/bin/pip install nvidia-pytriton torch==2.13.0 openvino safetensors lazy-loader pillow scipy scikit-image

Parts: `peers` (requests/s, p50, p99 by number of clients), `overhead` (of a call over gRPC, a unix socket and shared
memory, and a call against eager PyTorch in-process), `saturation` (share of the runtime's own throughput at the same
batch size), `clients`, `features` and `sizes` (tables).
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.server_load import Load
from benchmarks.server_pytriton import MODEL, free_port
from perception import UserError, load_bank
from perception.terminal import print_line

ROOT = Path(__file__).resolve().parents[1]
TASKS = "normal,reshading,depth_zbuffer,keypoints3d"
CLIENTS = (1, 4, 16, 64)
STOP_S = 15

SATURATING = ((64, 1), (4, 32))
"""Clients, and images of each request."""

TABLE_CLIENTS = (1, 2, 4, 8, 16, 32, 64)
TABLE_FEATURES = (1, 2, 4, 8, 16, 25)
TABLE_SIDES = (64, 128, 256, 512, 1024)

Rounds = list[dict[tuple[str, int], Load]]
"""Of each round, by server and number of clients."""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytriton-python", type=Path, default=None, help="of an environment with nvidia-pytriton")
    parser.add_argument("--bank", default="buildings-v1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--parts", default=",".join(PARTS))
    arguments = parser.parse_args()
    unknown = set(arguments.parts.split(",")) - set(PARTS)
    if unknown:
        raise UserError(f"unknown parts {', '.join(sorted(unknown))}; known are {', '.join(PARTS)}.")
    for part in arguments.parts.split(","):
        PARTS[part](arguments)


def peers(arguments: argparse.Namespace) -> None:
    """Requests a second and latencies, against PyTriton."""
    servers = dict(OURS)
    if arguments.pytriton_python is None:
        print_line("PyTriton is left out: name its environment's interpreter with --pytriton-python (see --help).")
    else:
        servers |= PYTRITON
    rounds: Rounds = []
    for _ in range(arguments.rounds):
        rounds.append({})
        for name, start in servers.items():
            with start(arguments) as (address, model, kind):
                for clients in CLIENTS:
                    found = load(kind, arguments, address=address, model=model, clients=clients)
                    rounds[-1][name, clients] = found
    for clients in CLIENTS:
        print_line(f"{clients} clients:")
        for name in servers:
            loads = [found[name, clients] for found in rounds]
            print_line(
                f"    {name:28s} {median(one.rate for one in loads):7.1f} req/s, p50 "
                f"{median(one.p50_ms for one in loads):7.2f} ms, p99 {median(one.p99_ms for one in loads):7.2f} ms"
            )
        for name in PYTRITON.keys() & servers.keys():
            for own in OURS:
                print_line(f"    {own} / {name}: {compared(rounds, own, name, clients)}")


def compared(rounds: Rounds, own: str, peer: str, clients: int) -> str:
    """Ratios within rounds."""
    pairs = [(found[own, clients], found[peer, clients]) for found in rounds]
    rates = spread([ours.rate / theirs.rate for ours, theirs in pairs])
    return f"req/s {rates}, p99 {spread([ours.p99_ms / theirs.p99_ms for ours, theirs in pairs])}"


def overhead(arguments: argparse.Namespace) -> None:
    """What a call costs beyond inference, and against eager PyTorch in this process."""
    found: defaultdict[str, list[Load]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        socket = f"unix:{folder}/server.sock"
        for _ in range(arguments.rounds):
            with serving(arguments) as address:
                for transport in ("grpc", "grpc-stream", "shared-memory"):
                    found[transport].append(load("calls", arguments, address=address, transport=transport))
            with serving(arguments, "--host", socket) as address:
                found["grpc, unix socket"].append(load("calls", arguments, address=address))
            for kind in ("in-process", "eager"):
                found[kind].append(load(kind, arguments))
    for name, loads in found.items():
        if name not in ("in-process", "eager"):
            print_line(
                f"{name:28s} a call takes {median(one.p50_ms for one in loads):.2f} ms (p50), of which not inference "
                f"{spread([one.overhead_p50_ms for one in loads])} ms; eager PyTorch in-process / this call: "
                f"{ratios(found['eager'], loads)}; this call / OpenVINO in-process: "
                f"{ratios(loads, found['in-process'])}"
            )


def saturation(arguments: argparse.Namespace) -> None:
    """Throughput with many clients, as a share of the runtime's own at the same batch size."""
    shares: defaultdict[tuple[str, int, int], list[float]] = defaultdict(list)
    for _ in range(arguments.rounds):
        for clients, images in SATURATING:
            for kind in ("perception", "stream", "shared-memory"):
                with serving(arguments) as address:
                    found = load(kind, arguments, address=address, clients=clients, batch=images)
                size = max(1, round(found.batch_images))
                alone = load("in-process", arguments, batch=size)
                shares[kind, clients, images].append(found.rate * images / (alone.rate * size))
    for (kind, clients, images), found_shares in shares.items():
        print_line(
            f"saturated by {clients} clients ({kind}) with {images} images a request: {spread(found_shares)} of the "
            "images/s in-process at the same batch size"
        )


def by_clients(arguments: argparse.Namespace) -> None:
    """Table over the number of clients."""
    with serving(arguments) as address:
        for clients in TABLE_CLIENTS:
            row("clients", clients, load("perception", arguments, address=address, clients=clients))


def by_features(arguments: argparse.Namespace) -> None:
    """Table over the number of features, one client."""
    tasks = load_bank(arguments.bank).tasks
    with serving(arguments, features=()) as address:
        for count in TABLE_FEATURES:
            row("features", count, load("perception", arguments, address=address, tasks=",".join(tasks[:count])))


def by_sizes(arguments: argparse.Namespace) -> None:
    """Table over the size of images, which our client shrinks before it sends them, one client."""
    with serving(arguments) as address:
        for side in TABLE_SIDES:
            row("px", side, load("perception", arguments, address=address, side=side))


def row(what: str, value: int, found: Load) -> None:
    """Print a row of a table."""
    print_line(
        f"{value:5d} {what:9s} {found.rate:8.1f} req/s   p50 {found.p50_ms:7.2f} ms   p99 {found.p99_ms:7.2f} ms   "
        f"{found.batch_images:5.1f} images a batch   not inference {found.overhead_p50_ms:6.2f} ms"
    )


def spread(values: Sequence[float]) -> str:
    """Median, smallest and largest."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def ratios(above: Sequence[Load], below: Sequence[Load]) -> str:
    """Of the times of calls, within rounds."""
    return spread([one.p50_ms / other.p50_ms for one, other in zip(above, below, strict=True)])


def load(kind: str, arguments: argparse.Namespace, *, tasks: str = TASKS, **options: object) -> Load:
    """Run the load in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.server_load", kind, "--tasks", tasks, "--bank", arguments.bank]
    command += ["--seconds", str(arguments.seconds)]
    command += [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Load(**json.loads(done.stdout.splitlines()[-1]))


@contextlib.contextmanager
def serving(arguments: argparse.Namespace, *more: str, features: Sequence[str] = (TASKS,)) -> Iterator[str]:
    """Our server; the address for our clients."""
    command = [
        str(Path(sys.executable).with_name("midlevel")),
        "serve",
        "--bank",
        arguments.bank,
        "--port",
        "0",
        "--shared-memory",
    ]
    command += [text for name in features for text in ("--features", name)]
    with started([*command, "--device", "cpu", "--log-level", "error", *more]) as ready:
        place = ready.split()[1]
        yield place if place.startswith("unix:") else f"grpc://{place}"


Place = tuple[str, str, str]
"""Address, model, and kind of client."""


@contextlib.contextmanager
def ours(arguments: argparse.Namespace) -> Iterator[Place]:
    """Our server, for our client."""
    with serving(arguments) as address:
        yield address, "", "perception"


@contextlib.contextmanager
def ours_through_shared_memory(arguments: argparse.Namespace) -> Iterator[Place]:
    """Our server, for our client on the same machine."""
    with serving(arguments) as address:
        yield address, "", "shared-memory"


@contextlib.contextmanager
def ours_on_a_stream(arguments: argparse.Namespace) -> Iterator[Place]:
    """Our server, for clients that keep a stream open."""
    with serving(arguments) as address:
        yield address, "", "stream"


@contextlib.contextmanager
def ours_through_tritonclient(arguments: argparse.Namespace) -> Iterator[Place]:
    """Our server, for NVIDIA's client."""
    with serving(arguments) as address:
        yield address.removeprefix("grpc://"), TASKS, "inference"


def pytriton(runtime: str) -> Callable[[argparse.Namespace], contextlib.AbstractContextManager[Place]]:
    """NVIDIA's server with a runtime inside."""

    @contextlib.contextmanager
    def start(arguments: argparse.Namespace) -> Iterator[Place]:
        python = str(arguments.pytriton_python)
        libraries = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        port = free_port()
        command = [python, "-m", "benchmarks.server_pytriton", "--runtime", runtime, "--tasks", TASKS]
        command += ["--bank", arguments.bank, "--port", str(port)]
        # Triton's Python backend must find the library of the interpreter whose standard library it will import.
        with started(command, {"LD_LIBRARY_PATH": libraries}):
            yield f"127.0.0.1:{port}", MODEL, "inference"

    return start


@contextlib.contextmanager
def started(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """A server until the end of the context; its line that starts with READY."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        ready = next((line for line in process.stdout if line.startswith("READY")), None)
        if ready is None:
            raise UserError(f"a server did not start; run it by hand to see why: {' '.join(command)}")
        yield ready
    finally:
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            process.send_signal(signal.SIGINT)
            process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what Triton started and did not end
        process.wait()
        process.stdout.close()


OURS: Mapping[str, Callable[[argparse.Namespace], contextlib.AbstractContextManager[Place]]] = {
    "ours, through shared memory": ours_through_shared_memory,
    "ours": ours,
    "ours, on a stream": ours_on_a_stream,
    "ours, by tritonclient": ours_through_tritonclient,
}
PYTRITON: Mapping[str, Callable[[argparse.Namespace], contextlib.AbstractContextManager[Place]]] = {
    "PyTriton, PyTorch": pytriton("torch"),
    "PyTriton, OpenVINO": pytriton("openvino"),
}
PARTS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "peers": peers,
    "overhead": overhead,
    "saturation": saturation,
    "clients": by_clients,
    "features": by_features,
    "sizes": by_sizes,
}


if __name__ == "__main__":
    main()
