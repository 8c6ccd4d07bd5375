"""Authorities and certificates for tests, made by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"
_OLD = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
_CA_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
default_md = sha256
rand_serial = yes
policy = any
[any]
commonName = supplied
"""


@dataclass(frozen=True)
class Pair:
    """Two PEM files that belong together."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str) -> Pair:
    """One that signs itself, and serves as a server's own certificate for 127.0.0.1 as well."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    _openssl(
        "req", "-x509", *_new_key(pair.key), "-out", pair.certificate, "-days", "2", "-subj", f"/CN={name}",
        "-addext", _NAMES,
    )  # fmt: skip
    return pair


def signed(folder: Path, name: str, issuer: Pair) -> Pair:
    """One of 127.0.0.1 that an authority signed."""
    pair, request, names = (
        Pair(folder / f"{name}.pem", folder / f"{name}.key"),
        folder / f"{name}.csr",
        folder / "names",
    )
    names.write_text(_NAMES)
    _openssl("req", *_new_key(pair.key), "-out", request, "-subj", f"/CN={name}")
    _openssl(
        "x509", "-req", "-in", request, "-out", pair.certificate, "-days", "2", "-CA", issuer.certificate,
        "-CAkey", issuer.key, "-CAcreateserial", "-extfile", names,
    )  # fmt: skip
    return pair


def expired(folder: Path, name: str) -> Pair:
    """One that was valid in January 2020."""
    pair, request, config = (
        Pair(folder / f"{name}.pem", folder / f"{name}.key"),
        folder / f"{name}.csr",
        folder / "ca.cnf",
    )
    config.write_text(_CA_CONFIG.format(folder=folder))
    (folder / "index.txt").touch()
    _openssl("req", *_new_key(pair.key), "-out", request, "-subj", f"/CN={name}")
    _openssl(
        "ca", "-batch", "-notext", "-selfsign", "-config", config, "-in", request, "-out", pair.certificate,
        "-keyfile", pair.key, *_OLD,
    )  # fmt: skip
    return pair


def encrypted_key(folder: Path, key: Path) -> Path:
    """The same key behind a password."""
    path = folder / "encrypted.key"
    _openssl("pkey", "-in", key, "-aes128", "-passout", "pass:not used", "-out", path)
    return path


def _new_key(path: Path) -> tuple[str | Path, ...]:
    return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
