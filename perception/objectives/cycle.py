"""The cycle check of egomotion: three relative poses lead back to the start."""

import torch
from torch import Tensor


def cycle_errors(poses: Tensor) -> Tensor:
    """How far the composition of three poses is from standing still.

    Args:
        poses: Float [..., 18]: poses of camera 1 in 0, 2 in 1, and 0 in 2, each translation (m) and rotation vector
            (rad).

    Returns:
        Float [...]: mean squared entry of (composed transform - identity).
    """
    steps = [_transform(poses[..., 6 * k : 6 * k + 6]) for k in range(3)]
    around = steps[0] @ steps[1] @ steps[2]
    identity = torch.eye(4, dtype=poses.dtype, device=poses.device)
    return (around - identity)[..., :3, :].square().flatten(-2).mean(dim=-1)


def _transform(pose: Tensor) -> Tensor:
    """[..., 6] to [..., 4, 4]."""
    zero = torch.zeros_like(pose[..., 0])
    x, y, z = pose[..., 3:].unbind(dim=-1)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*zero.shape, 3, 3)
    # Rodrigues' formula; the series of sin(a)/a and (1 - cos(a))/a^2 are smooth where a square root is not.
    angle = (pose[..., 3:].square().sum(dim=-1) + 1e-8).sqrt()[..., None, None]
    rotation = torch.eye(3, dtype=pose.dtype, device=pose.device) + skew * (angle.sin() / angle)
    rotation = rotation + skew @ skew * ((1 - angle.cos()) / angle.square())
    upper = torch.cat([rotation, pose[..., :3, None]], dim=-1)
    last = torch.zeros_like(upper[..., :1, :])
    last[..., 3] = 1
    return torch.cat([upper, last], dim=-2)
