"""Tasks and feature sets as models."""

from collections.abc import Sequence

from perception import Bank, UnknownNameError, UserError
from perception.encoding import FEATURE_CHANNELS, FEATURE_SIDE
from protos.open_inference import inference_pb2 as pb
from server.backend import Backend
from server.service.requests import wanted_tasks

INPUT = "images"
"""Name of a model's input: UINT8 [N, H, W, 3], RGB, of any size."""

OUTPUT = "features"
"""Name of a model's output: FP32 or FP16 [N, 8 * tasks, 16, 16]."""

VERSION = "1"
"""Of every model; the bank's hash says which weights they are."""


_LONGEST_VERSION = 20
"""That is compared with what there is, which for megabytes takes seconds."""


def listed_models(bank: Bank, feature_sets: Sequence[str]) -> tuple[str, ...]:
    """Names of models to show: tasks, the bank's max-coverage sets, further sets; each name of a set is one, though.

    Args:
        bank: That is served.
        feature_sets: Further sets; those that this bank lacks are left out.
    """
    coverage = (f"max-coverage:{size}" for size in sorted(bank.coverage))
    names = dict.fromkeys((*bank.tasks, *coverage, *feature_sets))
    return tuple(name for name in names if _is_model(name, bank))


def _is_model(name: str, bank: Bank) -> bool:
    try:
        bank.feature_set(name)
    except UserError:
        return False
    return True


def model_tasks(name: str, version: str, bank: Bank) -> tuple[str, ...]:
    """The tasks whose features a model gives.

    Args:
        name: Whatever `Bank.feature_set` takes.
        version: "" or "1".
        bank: That is served.

    Raises:
        UnknownNameError: If there is no such task or version.
        UserError: If there is no such set, or no name.
    """
    if not name:
        raise UserError("the model has no name; expected a task or a feature set, such as normal or max-coverage:4.")
    tasks = wanted_tasks((), name, bank)
    if version not in ("", VERSION):
        raise UnknownNameError(f"version of the model {name}", version[:_LONGEST_VERSION], [VERSION])
    return tasks


def metadata(name: str, version: str, bank: Bank) -> pb.ModelMetadataResponse:
    """A model's shapes, with the batch in front; errors as `model_tasks`."""
    tasks = model_tasks(name, version, bank)
    tensor = pb.ModelMetadataResponse.TensorMetadata
    return pb.ModelMetadataResponse(
        name=name,
        versions=[VERSION],
        platform=_platform(bank),
        inputs=[tensor(name=INPUT, datatype="UINT8", shape=[-1, -1, -1, 3])],
        outputs=[tensor(name=OUTPUT, datatype="FP32", shape=[-1, *_output_shape(tasks)])],
    )


def configuration(name: str, version: str, backend: Backend) -> pb.ModelConfigResponse:
    """A model's shapes, without the batch as the protocol has it, and batching; errors as `model_tasks`."""
    bank = backend.bank
    tasks = model_tasks(name, version, bank)
    parameters = {
        "bank": bank.name,
        "bank_sha256": bank.sha256,
        "precision": backend.precision,
        "tasks": ",".join(tasks),
    }
    config = pb.ModelConfig(
        name=name,
        platform=_platform(bank),
        backend="midlevel",
        max_batch_size=backend.largest_batch,
        input=[pb.ModelInput(name=INPUT, data_type=pb.TYPE_UINT8, dims=[-1, -1, 3])],
        output=[pb.ModelOutput(name=OUTPUT, data_type=pb.TYPE_FP32, dims=_output_shape(tasks))],
        dynamic_batching=pb.ModelDynamicBatching(),
        parameters={key: pb.ModelParameter(string_value=value) for key, value in parameters.items()},
    )
    return pb.ModelConfigResponse(config=config)


def _output_shape(tasks: Sequence[str]) -> list[int]:
    return [FEATURE_CHANNELS * len(tasks), FEATURE_SIDE, FEATURE_SIDE]


def _platform(bank: Bank) -> str:
    return f"midlevel_{bank.architecture}"
