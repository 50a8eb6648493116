"""OurProcesses: tells Lightning which process this is, so that it asks no environment of its own."""

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment

from metric_face.processes import Process


class OurProcesses(ClusterEnvironment):
    """Processes that were started and joined before the trainer is made.

    Each stands for a machine with one device: so it does not matter to Lightning whether a process sees all devices of
    its machine, as under torchrun, or its own alone, as Slurm may bind them.

    Args:
        process: this one.
    """

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"  # not used: the group is there

    @property
    def main_port(self) -> int:
        return 0

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self.process.world_size

    def set_world_size(self, size: int) -> None:
        """Nothing: the number is known."""

    def global_rank(self) -> int:
        return self.process.rank

    def set_global_rank(self, rank: int) -> None:
        """Nothing: the number is known."""

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return self.process.rank
