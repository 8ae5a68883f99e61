"""Named places where a test may kill the process, to prove that nothing acknowledged is lost.

`RS_CRASH_AT=name` kills at the first pass through that point, `RS_CRASH_AT=name:3` at the third.
Pure. Without the variable a crash point is one comparison with an empty string.
"""

import itertools
import os
import signal

from rapidserve import env

_armed, _, _count = env.text("RS_CRASH_AT", "").partition(":")
_passes = itertools.count(1)


def crash_point(name: str) -> None:
    """Die here, as a power cut would, when the environment asks for it.

    SIGKILL to ourselves: no handler, no `finally`, no buffered write gets a chance to tidy up.
    """
    if name == _armed and next(_passes) == int(_count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
