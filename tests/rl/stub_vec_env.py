"""What stable-baselines3 wants of every vector environment, for those that exist in tests only."""

from typing import Any

from stable_baselines3.common.vec_env import VecEnv


class StubVecEnv(VecEnv):
    """Attributes are the same for all environments, and nothing else can be reached in them."""

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs
