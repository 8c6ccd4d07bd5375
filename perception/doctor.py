"""What this machine has of what the system can use."""

import ctypes.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing looked for.

    Args:
        name: What it is.
        purpose: What it is needed for.
        found: Its version or what was seen of it; None if it is missing.
        remedy: The command that installs it, or what to do.
        required: Whether nothing works without it.
    """

    name: str
    purpose: str
    found: str | None
    remedy: str
    required: bool = False

    def to_json(self) -> dict[str, object]:
        """For `midlevel doctor --json`."""
        return {
            "name": self.name, "purpose": self.purpose, "found": self.found,
            "remedy": None if self.found else self.remedy, "required": self.required,
        }  # fmt: skip


@dataclass(frozen=True)
class _Package:
    name: str
    module: str
    purpose: str
    remedy: str
    required: bool = False


_REINSTALL = "pip install -r requirements.lock (or: make .venv/installed)"
_PACKAGES = (
    _Package("numpy", "numpy", "everything", _REINSTALL, required=True),
    _Package("scipy", "scipy", "similarity tree", _REINSTALL, required=True),
    _Package("PuLP", "pulp", "taxonomy solver, coverage", _REINSTALL, required=True),
    _Package("highspy", "highspy", "taxonomy solver, coverage", _REINSTALL, required=True),
    _Package("matplotlib", "matplotlib", "reports", _REINSTALL, required=True),
    _Package("scikit-image", "skimage", "labels", _REINSTALL, required=True),
    _Package("Pillow", "PIL", "pictures", _REINSTALL, required=True),
    _Package("trimesh", "trimesh", "GLB files", _REINSTALL, required=True),
    _Package("mitsuba", "mitsuba", "the embedded simulator", _REINSTALL, required=True),
    _Package("torch", "torch", "networks", "pip install torch==2.13.0", required=True),
    _Package("safetensors", "safetensors", "the feature bank", _REINSTALL, required=True),
    _Package("openvino", "openvino", "inference on the CPU", "pip install openvino"),
    _Package("ray", "ray", "scale-out", "pip install ray"),
    _Package(
        "habitat-sim", "habitat_sim", "the habitat backend",
        "conda install habitat-sim headless -c conda-forge -c aihabitat-nightly (not on PyPI)",
    ),
)  # fmt: skip


def examine() -> list[Finding]:
    """Look for everything; nothing heavy is imported and no GPU memory is taken."""
    findings = [
        Finding("Python", "everything", platform.python_version(), "Python 3.11 to 3.13", required=True),
        Finding("CPU cores", "everything", str(os.cpu_count()), "", required=True),
    ]
    for package in _PACKAGES:
        findings.append(Finding(package.name, package.purpose, _version(package), package.remedy, package.required))
    for name, purpose, look, remedy in _MACHINE:
        findings.append(Finding(name, purpose, look(), remedy))
    return findings


def _version(package: _Package) -> str | None:
    if util.find_spec(package.module) is None:
        return None
    try:
        return metadata.version(package.name)
    except metadata.PackageNotFoundError:
        return "version unknown"


def _nvidia_gpus() -> str | None:
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    try:
        listed = subprocess.run(
            [command, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return "; ".join(line.strip() for line in listed.splitlines()) or None


def _torch_cuda() -> str | None:
    """The CUDA that PyTorch was built for, from its version file: importing it would take a second."""
    spec = util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text()
    except OSError:
        return None
    match = re.search(r"^cuda\b[^=\n]*= '([\d.]+)'", text, re.MULTILINE)
    return match and f"CUDA {match[1]}"


def _cpu_bfloat16() -> str | None:
    try:
        flags = re.search(r"^(?:flags|Features)\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    found = sorted({"avx512_bf16", "amx_bf16", "bf16"} & set(flags[1].split())) if flags else []
    return ", ".join(found) or None


def _llvm() -> str | None:
    """Named by the user, or in the karellen-llvm-core wheel; the renderer looks in the same places."""
    if named := os.environ.get("DRJIT_LIBLLVM_PATH"):
        return named
    try:
        return f"karellen-llvm-core {metadata.version('karellen-llvm-core')}"
    except metadata.PackageNotFoundError:
        return ctypes.util.find_library("LLVM")


def _library(name: str) -> Callable[[], str | None]:
    return lambda: ctypes.util.find_library(name)


_MACHINE: tuple[tuple[str, str, Callable[[], str | None], str], ...] = (
    ("libLLVM", "the simulator on the CPU", _llvm, "pip install karellen-llvm-core (or set DRJIT_LIBLLVM_PATH)"),
    ("bfloat16", "encoders on the CPU at twice the speed", _cpu_bfloat16, "optional: they run in float32 without"),
    (
        "torch for CUDA", "training and encoding on an NVIDIA GPU", _torch_cuda,
        "optional: a build of torch for your CUDA from https://pytorch.org/get-started",
    ),
    ("NVIDIA GPU", "training and serving at scale", _nvidia_gpus, "optional: everything also runs on the CPU"),
    ("EGL", "headless rendering in habitat-sim", _library("EGL"), "apt-get install libegl1"),
)  # fmt: skip
