"""One file a command: a frozen job dataclass and `run(job) -> Outcome`."""
