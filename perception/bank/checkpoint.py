"""One task's checkpoint: `<task>.safetensors` with the weights and `<task>.json` with the card."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from perception.bank.card import Card, HeadKind
from perception.bank.frozen import Frozen, tensors_sha256, weight_tensors
from perception.errors import UserError
from perception.files import read_bytes, write_atomically
from perception.networks import DenseDecoder, VectorDecoder, architecture_named, build_encoder, build_head
from perception.networks.published_heads import PublishedHead
from perception.objectives import objective_from_json

LARGEST_CHECKPOINT_MIB = 512
LARGEST_CARD_MIB = 4

_LARGEST_HALF = 65504.0


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A task's frozen networks and their card.

    Args:
        card: What they are.
        encoder: Float [N, 3, side, side] to [N, 8, 16, 16].
        head: Representations to outputs; None where there is none.
    """

    card: Card
    encoder: Frozen
    head: Frozen | None


def write_checkpoint(
    folder: Path, card: Card, encoder: nn.Module, head: nn.Module | None = None, *, half_precision: bool = True
) -> Card:
    """Write `<task>.safetensors` and `<task>.json`, each whole or not at all.

    Kernels and matrices are stored in float16. Biases and the numbers of batch normalisations stay float32: variances
    span more than float16 does (below 6e-5 it loses digits, below 6e-8 all of them), and they are few.

    Args:
        folder: Made if missing.
        card: Its hashes are filled in.
        encoder: Of the card's architecture.
        head: As the card says; None for `HeadKind.NONE`.
        half_precision: Whether to use float16 at all.

    Returns:
        The card with the hashes of what reading gives back.

    Raises:
        UserError: If networks and card do not go together, a weight is not finite, or the folder cannot be written to.
    """
    from safetensors.torch import save

    if (head is None) != (card.head is HeadKind.NONE):
        given = "none" if head is None else "one"
        raise UserError(f"the card of {card.task!r} says head {card.head.value!r}, but {given} was given.")
    stored = {f"encoder.{name}": tensor for name, tensor in weight_tensors(encoder)}
    stored |= {f"head.{name}": tensor for name, tensor in weight_tensors(head)} if head is not None else {}
    stored = {
        name: _stored(tensor, half_precision, f"{card.task}: the weight {name}") for name, tensor in stored.items()
    }
    card = card.with_hashes(*_hashes(stored))
    _networks(card, stored, f"the checkpoint of {card.task!r}")  # nothing is written that could not be read
    text = card.to_text()
    write_atomically(folder / f"{card.task}.safetensors", save(stored, {"format": "pt"}))
    write_atomically(folder / f"{card.task}.json", text)
    return card


def _stored(tensor: Tensor, half_precision: bool, name: str) -> Tensor:
    tensor = tensor.detach().float().cpu().contiguous()
    largest = float(tensor.abs().max())
    if not math.isfinite(largest):
        raise UserError(f"{name} holds a value that is not finite; train it again.")
    return tensor.half() if half_precision and tensor.ndim > 1 and largest <= _LARGEST_HALF else tensor.clone()


def read_card(path: Path, *, file_sha256: str | None = None) -> Card:
    """Read a card's file.

    Args:
        path: `<task>.json`.
        file_sha256: What the file must hash to; None to take it as it is.

    Raises:
        UserError: If it is missing, altered, no card, or of another version.
    """
    data = read_bytes(path, limit_mib=LARGEST_CARD_MIB)
    _check_file(data, path, file_sha256)
    card = Card.from_text(data, str(path))
    if card.task != path.stem:
        raise UserError(f"{path} is the card of {card.task!r}; expected that of {path.stem!r}.")
    return card


def read_checkpoint(
    folder: Path, task: str, *, card_sha256: str | None = None, weights_file_sha256: str | None = None
) -> Checkpoint:
    """Read a checkpoint into frozen float32 networks on the CPU.

    Args:
        folder: That holds both files.
        task: Canonical name.
        card_sha256: What the card's file must hash to; None to take it as it is.
        weights_file_sha256: Likewise for the weights' file; the tensors must match the card in any case.

    Raises:
        UserError: If a file is missing, truncated, altered, of another version, or does not fit the architecture.
    """
    card = read_card(folder / f"{task}.json", file_sha256=card_sha256)
    path = folder / f"{task}.safetensors"
    data = read_bytes(path, limit_mib=LARGEST_CHECKPOINT_MIB)
    _check_file(data, path, weights_file_sha256)
    stored = _tensors(data, path)
    if _hashes(stored) != (card.encoder_sha256, card.head_sha256):
        raise UserError(f"the weights in {path} are not those that the card {task}.json describes; get both again.")
    encoder, head = _networks(card, stored, str(path))
    frozen_head = None if head is None else Frozen(head, f"the head of {task!r}")
    return Checkpoint(card, Frozen(encoder, f"the encoder of {task!r}"), frozen_head)


def _check_file(data: bytes, path: Path, sha256: str | None) -> None:
    if sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise UserError(
            f"{path} has the sha256 {found[:12]}..., but the bank lists {sha256[:12]}...; get the bank again."
        )


def _tensors(data: bytes, path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no sound safetensors file ({error}); get it again.") from error


def _hashes(stored: dict[str, Tensor]) -> tuple[str, str]:
    encoder, head = _part(stored, "encoder."), _part(stored, "head.")
    return tensors_sha256(encoder), tensors_sha256(head) if head else ""


def _part(stored: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in stored.items() if name.startswith(prefix)}


def _networks(card: Card, stored: dict[str, Tensor], where: str) -> tuple[nn.Module, nn.Module | None]:
    architecture = architecture_named(card.architecture)
    if architecture.side_px != card.preprocessing.side_px:
        raise UserError(
            f"{where}: {card.architecture} takes images of {architecture.side_px} px, the card says "
            f"{card.preprocessing.side_px}."
        )
    with torch.device("meta"):  # weights follow; and a card that asks for a head of gigabytes gets none
        encoder, head = build_encoder(card.architecture, 0), _head(card, where)
    _fill(encoder, _part(stored, "encoder."), where)
    if head is not None:
        _fill(head, _part(stored, "head."), where)
    return encoder, head


def _head(card: Card, where: str) -> nn.Module | None:
    try:
        return _BUILD_HEAD[card.head](card)
    except (RuntimeError, TypeError, ZeroDivisionError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{where}: the card's objective or output describes no head ({reason}).") from error


def _objective_head(card: Card) -> nn.Module:
    return build_head(objective_from_json(card.objective or {}).output_shape, card.views, 0)


def _published_head(card: Card) -> nn.Module:
    output = card.output or PublishedHead(1)
    return DenseDecoder(output.channels, output.bounded) if output.dense else VectorDecoder(output.channels)


_BUILD_HEAD: Mapping[HeadKind, Callable[[Card], nn.Module | None]] = {
    HeadKind.OBJECTIVE: _objective_head,
    HeadKind.PUBLISHED: _published_head,
    HeadKind.NONE: lambda _: None,
}


def _fill(network: nn.Module, stored: dict[str, Tensor], where: str) -> None:
    """Give a network without weights the stored ones, as float32."""
    own = dict(weight_tensors(network))
    if set(own) != set(stored):
        wrong = sorted(set(own) ^ set(stored))
        raise UserError(
            f"{where} does not fit {type(network).__name__}: it differs in {len(wrong)} tensors, {wrong[0]} the first."
        )
    for name, tensor in own.items():
        if tensor.shape != stored[name].shape:
            found, expected = list(stored[name].shape), list(tensor.shape)
            raise UserError(f"{where}: {name} has shape {found}, {type(network).__name__} has {expected}.")
    counters = {name: torch.zeros_like(t, device="cpu") for name, t in network.state_dict().items() if name not in own}
    weights = {name: tensor.float() for name, tensor in stored.items()}
    network.load_state_dict({**weights, **counters}, assign=True)
