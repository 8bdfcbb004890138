"""Becomes another program that dies when the supervisor does: `python -I -S launch.py SUPERVISOR PROGRAM ARGUMENT...`.

The kernel keeps the wish over the exec. Asking in a fresh process, and not between fork and exec, is safe in a
supervisor that runs threads. Standard library alone; imports nothing of the product.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    supervisor, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            sys.exit("the supervisor is gone")
    os.execvp(program[0], program)  # noqa: S606  # the supervisor's own words, no shell


if __name__ == "__main__":
    main()
