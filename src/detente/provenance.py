"""Where a result comes from: versions, machine, git commit."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "detente",
    "numpy",
    "scikit-learn",
    "torch",
    "transformers",
    "datasets",
    "evaluate",
    "hydra-core",
)


def environment() -> dict[str, Any]:
    """Versions of what computes, Python and platform, and the commit of the clone the package runs from."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "platform": platform.platform(),
        "git_commit": git_commit(),
    }


def git_commit() -> str:
    """The commit of the clone that holds the package, `+` appended if it is changed; empty if it is no clone."""
    folder = Path(__file__).parent
    if not (folder.parents[1] / ".git").exists():
        return ""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
