"""The processes of a distributed training, as the launcher states them in the environment."""

import os

from metric_face.config import Config


def rank() -> int:
    """Number of this process among all; 0 where nothing is distributed."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Number of all processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def devices_per_node(config: Config) -> int:
    """Processes on this machine: ``trainer.devices``, or what the launcher started."""
    return config.trainer.devices or int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def num_nodes() -> int:
    """Number of machines."""
    return int(os.environ.get("GROUP_WORLD_SIZE", "1"))
