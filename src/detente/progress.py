"""Progress of long jobs: a bar on a terminal, a line every ten seconds in the log file."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)
_EVERY_SECONDS = 10.0


@contextmanager
def progress(*, total: int | None, what: str, unit: str, before: int = 0) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of units just done; says rate and time left as it goes.

    `before` units were done by an earlier run: they count as done, not for the rate.
    """
    from tqdm import tqdm

    started = last = time.monotonic()
    done = before
    bar = tqdm(total=total, initial=before, desc=what, unit=f" {unit}", leave=False, disable=not sys.stderr.isatty())

    def advance(count: int) -> None:
        nonlocal done, last
        done += count
        bar.update(count)
        now = time.monotonic()
        if now - last >= _EVERY_SECONDS:
            last = now
            log.info(_line(what, unit, done, total, now - started, before))

    try:
        yield advance
    finally:
        bar.close()
    seconds = time.monotonic() - started
    if seconds >= _EVERY_SECONDS:
        log.info(_line(what, unit, done, None, seconds, before))


def _line(what: str, unit: str, done: int, total: int | None, seconds: float, before: int) -> str:
    rate = (done - before) / max(seconds, 1e-9)
    of = f" of {total:,}" if total else ""
    left = f", {(total - done) / rate:.0f} s left" if total and rate else ""
    return f"{what}: {done:,}{of} {unit} in {seconds:.0f} s, {rate:,.0f}/s{left}"
