"""Dying with the parent, so that a killed server leaves no fleet behind."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Ask Linux for a SIGTERM when the thread of `parent` that started this process ends.

    Exits when that process is gone already. Elsewhere nothing happens: there is no such thing to
    ask for.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    # It may have died while this program was being loaded; then nobody is left to tell us.
    if os.getppid() != parent:
        sys.exit(0)
