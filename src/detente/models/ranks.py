"""Training in several processes (torchrun): which one this is, and waiting for the others.

The environment that torchrun sets says who we are; one process alone is rank 0 of 1.
"""

import os


def rank() -> int:
    """Which process this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def wait() -> None:
    """Return when every process has come here."""
    import torch

    if world() > 1 and torch.distributed.is_initialized():
        torch.distributed.barrier()


def any_of_all(flag: bool) -> bool:
    """Whether `flag` holds in any process; every process must ask."""
    import torch

    if world() == 1 or not torch.distributed.is_initialized():
        return flag
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    found = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(found, op=torch.distributed.ReduceOp.MAX)
    return bool(found.item())


def leave() -> None:
    """End the talk between the processes, so that they may end one by one."""
    import torch

    if world() > 1 and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
