"""How the command ends when it is told to: Ctrl-C and SIGTERM stop every thread, soon."""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final

from rapidserve_client.patience import Halt

GRACE: Final = 3.0
"""Seconds for threads to end. One that waits for a network that is gone is not waited for."""
CONTINUE: Final = "Run the same command again to continue."
_SHOW_CURSOR: Final = "\x1b[?25h"


class Stopped(KeyboardInterrupt):
    """Raised in the main thread by a signal. `exit_code`: as a shell reports the signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def stop_on_signals(halt: Halt) -> None:
    """From now on a first signal ends in order, a second at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        halt.set()
        stopped = Stopped(number)
        timer = threading.Timer(GRACE, _leave, [stopped.exit_code])
        timer.daemon = True
        timer.start()
        raise stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _leave(exit_code: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_SHOW_CURSOR)  # the bars have hidden it
    print(f"Interrupted. {CONTINUE}", file=sys.stderr, flush=True)
    os._exit(exit_code)
