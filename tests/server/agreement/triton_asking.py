"""The unmodified tritonclient: asks every model for features of images, and saves what it gets.

    python -m tests.server.agreement.triton_asking ADDRESS FOLDER

In a process of its own: tritonclient and this project register the same protocol's messages, which one process cannot.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton  # type: ignore[import-untyped]
from numpy.typing import NDArray


def infer(client: Any, images: NDArray[np.uint8], model: str, datatype: str) -> NDArray[np.floating]:
    tensor = triton.InferInput("images", images.shape, "UINT8")
    tensor.set_data_from_numpy(images)
    answer = client.infer(model, [tensor], parameters={"output_datatype": datatype}, client_timeout=60)
    result: NDArray[np.floating] = answer.as_numpy("features")
    return result


def main(address: str, folder: Path) -> None:
    images = np.load(folder / "images.npy")
    found = {}
    with triton.InferenceServerClient(address) as client:
        for model in json.loads((folder / "models.json").read_text()):
            for count in range(1, len(images) + 1):
                found[f"{model} {count} FP32"] = infer(client, images[:count], model, "FP32")
            found[f"{model} {len(images)} FP16"] = infer(client, images, model, "FP16")
    np.savez(folder / "features.npz", **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
