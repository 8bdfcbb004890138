"""Notes what a Python process writes outside its data folder and whom it calls: see watch.py.

Python imports a module of this name by itself at start-up when its folder is on PYTHONPATH, in the process that
a test starts and in all of that one's children. Writing is not refused, so that the process behaves as always; a
call fails as it does on a machine without a network.
"""

import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
# Which argument of an event names the path that is made or changed.
PATH_ARGUMENT = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "sqlite3.connect": 0}
CALLS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}


def written(event: str, args: tuple[object, ...]) -> object:
    """The path that the event writes to, None where it writes nothing."""
    if event == "open":
        path, mode, flags = args
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(int(str(flags)) & WRITING)
        return path if writes else None
    return args[PATH_ARGUMENT[event]] if event in PATH_ARGUMENT else None


def is_allowed(path: str, allowed: list[str]) -> bool:
    return path.startswith((":memory:", "file:")) or any(
        path == root or path.startswith(root + "/") for root in allowed
    )


def called(event: str, args: tuple[object, ...]) -> str | None:
    """The other machine that the event asks for, None where it stays on this one."""
    if event not in CALLS:
        return None
    address = args[0] if event.startswith("socket.get") else args[1]
    host = address[0] if isinstance(address, tuple) else address
    if event != "socket.getaddrinfo" and not isinstance(address, tuple):
        return None  # a Unix socket
    text = host.decode() if isinstance(host, bytes) else str(host)
    return None if text in {"", "None", "localhost", "::1"} or text.startswith("127.") else text


def watch(log: str, allowed: list[str]) -> None:
    note = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def hook(event: str, args: tuple[object, ...]) -> None:
        path = written(event, args)
        if isinstance(path, str | bytes | os.PathLike):
            place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib may be half imported here
            if not is_allowed(place, allowed):
                os.write(note, f"{event} {place}\n".encode())
        if other := called(event, args):
            os.write(note, f"{event} {other}\n".encode())
            raise OSError(101, f"no network in this test: {other}")

    sys.addaudithook(hook)


if "MARROWLOOP_WATCH_LOG" in os.environ:
    watch(os.environ["MARROWLOOP_WATCH_LOG"], os.environ["MARROWLOOP_WATCH_ALLOWED"].split(os.pathsep))
