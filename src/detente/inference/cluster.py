"""Shards done by Ray: on this machine's cores, or on a cluster whose machines see the same folders."""

import logging
import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from detente.errors import DetenteError, InputError, UsageError
from detente.inference.shards import Labeller, Shard


def by_ray(
    make: Callable[[], Labeller], shards: Sequence[Shard], *, address: str, workers: int | None
) -> Generator[Shard, None, None]:
    """The engine of a cluster: actors of Ray Data, each with its labeller; a lost one is replaced.

    An empty `address` starts Ray on this machine, for this job, reachable from nowhere else.
    """
    ray = _started(address, workers)
    try:
        from ray.data import ActorPoolStrategy, DataContext, from_items

        DataContext.get_current().enable_progress_bars = False
        size = min(workers or max(int(ray.cluster_resources().get("CPU", 1)), 1), len(shards))
        rows = [{"input": str(shard.input.absolute()), "output": str(shard.output.absolute())} for shard in shards]
        given = from_items(rows, override_num_blocks=len(rows))
        done = given.map(_actor(make), compute=ActorPoolStrategy(size=size), num_cpus=1)
        by_output = {str(shard.output.absolute()): shard for shard in shards}
        for row in done.iter_rows():
            if row["error"]:
                raise InputError(row["error"])
            yield by_output[row["output"]]
    finally:
        if not address:
            ray.shutdown()


def _started(address: str, workers: int | None) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent anywhere
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters comes back as an exception
    try:
        import ray
        import ray.data
    except ImportError:
        raise UsageError("engine=ray needs Ray Data; pip install 'detente[ray]'") from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address:
            ray.init(address=address, **options)
        else:
            ray.init(
                address="local", num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", **options
            )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        where = f"at engine.address={address}" if address else "on this machine"
        raise InputError(f"Ray cannot be reached or started {where} ({reason})") from None
    return ray


def _actor(make: Callable[[], Labeller]) -> type:
    """A labeller in a process of Ray's; what is wrong with the input comes back as a row, not as a trace."""

    class Actor:
        def __init__(self) -> None:
            self._label = make()

        def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
            try:
                self._label(Shard(Path(row["input"]), Path(row["output"])))
            except DetenteError as error:
                return {"output": row["output"], "error": str(error)}
            return {"output": row["output"], "error": ""}

    return Actor
