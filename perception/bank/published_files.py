"""Which checkpoints visual-priors 0.3.5 released: names and hashes, as its own list has them."""

from collections.abc import Mapping
from dataclasses import dataclass

PUBLISHED_URL = "https://github.com/alexsax/visual-prior/raw/networks/assets/pytorch"
"""Where they were released."""


@dataclass(frozen=True)
class PublishedFiles:
    """The files of one task.

    Args:
        task: As the file names have it: a name or alias.
        encoder: Name of its file.
        decoder: Likewise; None where none was released.
    """

    task: str
    encoder: str
    decoder: str | None = None


_SHA256: Mapping[str, tuple[str, ...]] = {
    "autoencoding": (
        "e35146c09253720e97c0a7f8ee4e896ac931f5faa1449df003d81e6089ac6307",
        "a4a006b5a8b314b9b0ae815c12cf80e4c5f2e6c703abdf65a64a020d3fef7941",
    ),
    "class_object": (
        "4a4e42dad58066039a0d2f9d128bb32e93a7e4aa52edb2d2a07bcdd1a6536c18",
        "3cdb6d9ec5a221ca39352e62412c2ab5ae7a00258a962b9b67fe398566ce6c5d",
    ),
    "class_scene": (
        "ad85764467cddafd98211313ceddebb98adf2a6bee2cedfe0b922a37ae65eaf8",
        "517010623d64eb108ca3225fde2a87e72e3e97137b744aa12deeff2fa4f097dc",
    ),
    "colorization": ("5ed817acdd28d13e443d98ad15ebe1c3059a3252396a2dff6a2090f6f86616a5",),
    "curvature": (
        "3767cf5d06d9c6bca859631eb5a3c368d66abeb15542171b94188ffbe47d7571",
        "b93aed18d7510ad9502755f05c1ef569c00d1fc9c4620333a764ad0d6d131fd3",
    ),
    "denoising": (
        "b64cab95af4a2c565066a7e8effaf37d6586c3b9389b47fff9376478d849db38",
        "5c4e343e885ac13ed0093b4f357680437b8a81f4d36c0b27b6ac831ba5c9fce6",
    ),
    "depth_euclidean": (
        "88f18d41313de7dbc88314a7f0feec3023047303d94d73eb8622dc40334ef149",
        "f8d7d0d2bdaf55fac3bdfc8c2812c599bac84985d55503ec92960a4c8b5db7e8",
    ),
    "depth_zbuffer": (
        "cc343a8ed622fd7ee3ce54398be8682bbbbfb5d11fa80e8d03a56a5ae4e11b09",
        "4833f06833899a8d81b29c6d7eda8adf69b394a91a8c0389b0d58db523097de9",
    ),
    "edge_occlusion": (
        "5ac3f3e918131f61e01fe95e49f462ae2fc56aa463f8d353ca84cd4e248b9c08",
        "1b74d29a2b5afd9eb1a2cf2179289a31e2757909135615d5ba0a9164eb22505f",
    ),
    "edge_texture": (
        "be2d686a6a4dfebe968d16146a17176eba37e29f736d5cd9a714317c93718810",
        "e241e823d6417a0c9b36b7616aad759380dfd3eb83362124e90f9ed5daa92c73",
    ),
    "egomotion": ("9aa647c34bf98f9e491e0b37890d77566f6ae35ccf41d9375c674511318d571c",),
    "fixated_pose": ("78cf321518abc16f9f4782b9e5d4e8f5d6966c373d951928a26f872e55297567",),
    "inpainting": (
        "bf96fbaaea9268a820a19a1d13dbf6af31798f8983c6d9203c00fab2d236a142",
        "5982904d2a3ce470ce993d89572134dd835dd809f5cfd6290334dc0fe8b1277f",
    ),
    "jigsaw": ("0c2b342c9080f8713c178b04aa6c581ed3a0112fecaf78edc4c04e0a90516e39",),
    "keypoints2d": (
        "6b77695acff4c84091c484a7b128a1e28a7e9c36243eda278598f582cf667fe0",
        "0157a2a18c4e1f861c725d8d4cf3701b02e9444f47e22bdd1262c879dd2d0839",
    ),
    "keypoints3d": (
        "7e3f1ec97b82ae30030b7ea4fec2dc606b71497d8c0335d05f0be3dc909d000d",
        "724ea6f255cbe4c487a984230242ec7c3557fa8234bde2487d69eacc7b9b75af",
    ),
    "nonfixated_pose": ("3433a600ca9ff384b9898e55d86a186d572c2ebbe4701489a373933e3cfd5b8b",),
    "normal": (
        "f5e2c7737e4948e3b2a822f584892c342eaabbe66661576ba50db7cdd40561c5",
        "8f18bfb30ee733039f05ed4a65b4db6f7cc1f8a4b9adb4806838e2bf88e020ec",
    ),
    "point_matching": ("4bd2a6b2909d9998fabaf0278ab568f42f2b692a648e28555ede6c6cda5361f4",),
    "reshading": (
        "de456246e171dc8407fb2951539aa60d75925ae0f1dbb43f110b7768398b36a6",
        "5bda58f921a3065992ab0034aa0ed787af97f26ac9e5668746dae49c299606cb",
    ),
    "room_layout": ("1e1662f43b834261464b1825227a04efba59b50cc8883bee9adc3ddafd4796c1",),
    "segment_semantic": (
        "bb3007244520fc89cd111e099744a22b1e5c98cd83ed3f116fbff6376d220127",
        "d74c6fcf4e0f2bbdce9afe21f9064453a2ac5c7131226527b1d0748f701d04a0",
    ),
    "segment_unsup25d": (
        "7d12d2500c18c003ffc23943214f5dfd74932f0e3d03dde2c3a81ebc406e31a0",
        "64c1553cadf76e7efd59138321dc94d186a27eb2bb21e5e6c2624ae825bd4da1",
    ),
    "segment_unsup2d": (
        "b679053a920e8bcabf0cd454606098ae85341e054080f2be29473971d4265964",
        "a0f3975a22032f116d36e3f3a49f33ddcd6e798cced3ac0962eef5bdccfc397f",
    ),
    "vanishing_point": ("afd2ae9b71d46a54efc5231b3e38ebc3e35bfab78cb0a78d9b75863a240b19a8",),
}
"""By task, of the encoder and, where there is one, of the decoder."""

PUBLISHED_FILES: Mapping[str, PublishedFiles] = {
    task: PublishedFiles(
        task,
        f"{task}_encoder-{sha256[0]}.pth",
        f"{task}_decoder-{sha256[1]}.pth" if len(sha256) > 1 else None,
    )
    for task, sha256 in _SHA256.items()
}
"""All 42 files of 25 tasks."""
