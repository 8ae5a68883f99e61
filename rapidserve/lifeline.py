"""Ties a process to its parent: when the parent dies, even by kill -9, so does the child. Pure.

A web server that outlives its supervisor would keep the port and go on writing, with nobody left
to stop it. Only Linux can promise this; elsewhere (a developer's Mac) nothing happens.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # here, not after a fork, where loading could deadlock


def die_with(parent: int) -> None:
    """Have the kernel kill this process as soon as its parent is gone.

    `parent` is the process id that the parent read before it forked. SIGKILL, because nothing here
    needs a farewell: what was acknowledged is durable already. The signal belongs to the parent's
    thread that forked, so parents fork from their main thread.
    """
    if sys.platform != "linux":
        return
    if _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        # The parent died between the fork and the request above: no signal will ever come.
        os.kill(os.getpid(), signal.SIGKILL)
