"""What the decoders that came with visual-priors put out; nothing here needs PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedHead:
    """What a published decoder puts out.

    Args:
        channels: Of the image, or length of the vector.
        dense: Whether it is an image.
        bounded: Whether a tanh bounds it to [-1, 1].
    """

    channels: int
    dense: bool = True
    bounded: bool = True


PUBLISHED_HEADS: Mapping[str, PublishedHead] = {
    **{task: PublishedHead(1) for task in (
        "edge_texture", "edge_occlusion", "keypoints2d", "keypoints3d", "reshading", "depth_zbuffer", "depth_euclidean",
    )},
    **{task: PublishedHead(3) for task in ("autoencoding", "denoising", "inpainting", "normal")},
    **{task: PublishedHead(64) for task in ("segment_unsup2d", "segment_unsup25d")},
    "curvature": PublishedHead(2),
    "segment_semantic": PublishedHead(17, bounded=False),
    "class_scene": PublishedHead(63, dense=False),
    "class_object": PublishedHead(1000, dense=False),
}  # fmt: skip
"""The 17 tasks whose decoders were published; the other encoders came without."""
