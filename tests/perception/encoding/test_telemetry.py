import subprocess
import sys

PROGRAM = """
import os
import numpy as np
from perception import LocalEncoder, load_bank

forks = []
os.register_at_fork(before=lambda: forks.append(1))
LocalEncoder(load_bank("buildings-v1"), runtime="openvino").encode(np.zeros((1, 128, 128, 3), np.uint8), ["normal"])
print(len(forks))
"""


def test_compiling_an_encoder_forks_no_process_and_so_phones_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
