"""Seal the shipped corpus: counts and hashes of every file under the version given.

    python data/seal.py 1.1.0

A version once sealed cannot be sealed again with other content: raise the version and say in
data/README.md what changed. A test refuses data that differ from their seal.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

DATA = Path(__file__).parent
MANIFEST = DATA / "manifest.json"
FOLDERS = ("statements", "annotations", "contrast", "triplets", "articles")


def hashes() -> dict[str, str]:
    """SHA-256 of every data file, by its path below this folder."""
    paths = sorted(p for folder in FOLDERS for p in (DATA / folder).rglob("*") if p.is_file())
    return {p.relative_to(DATA).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def counts() -> dict[str, dict[str, int]]:
    """Statements by language and split, and by stance and split."""
    rows = [
        json.loads(line) for p in sorted((DATA / "statements").glob("*.jsonl")) for line in p.open(encoding="utf-8")
    ]
    out: dict[str, dict[str, int]] = {}
    for column in ("lang", "stance", "sentiment"):
        for (value, split), n in sorted(Counter((r[column], r["split"]) for r in rows).items()):
            out.setdefault(f"{column}={value}", {})[split] = n
    out["all"] = dict(sorted(Counter(r["split"] for r in rows).items()))
    return out


def fingerprint(files: dict[str, str]) -> str:
    """One hash over all."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def main() -> None:
    version, files = sys.argv[1], hashes()
    old = json.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.is_file() else {"versions": {}}
    sealed = old["versions"].get(version)
    if sealed not in (None, fingerprint(files)):
        sys.exit(f"version {version} is sealed with other content ({sealed[:12]}…): raise the version")
    versions = old["versions"] | {version: fingerprint(files)}
    manifest = {"version": version, "versions": versions, "counts": counts(), "files": files}
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
