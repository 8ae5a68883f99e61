"""Named places where a test may kill the process, to prove that nothing acknowledged is lost.

`RS_CRASH_AT=name` kills at the first pass through that point, `RS_CRASH_AT=name:3` at the third.
`RS_CRASH_FILE=path` kills at the point that this file names, once: the file goes first. Pure.
Without the variables a crash point is two looks at empty strings.
"""

import itertools
import os
import signal
from contextlib import suppress
from pathlib import Path

from rapidserve import env

_armed, _, _count = env.text("RS_CRASH_AT", "").partition(":")
_passes = itertools.count(1)
_file = env.text("RS_CRASH_FILE", "")


def crash_point(name: str) -> None:
    """Die here, as a power cut would, when the environment asks for it.

    SIGKILL to ourselves: no handler, no `finally`, no buffered write gets a chance to tidy up.
    """
    if name == _armed and next(_passes) == int(_count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if _file and _names(Path(_file), name):
        os.kill(os.getpid(), signal.SIGKILL)


def _names(file: Path, point: str) -> bool:
    with suppress(FileNotFoundError):  # nothing is asked for, or another process died of it
        if file.read_text(encoding="utf-8") == point:
            file.unlink()
            return True
    return False
