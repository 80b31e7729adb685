"""What the system knows of running processes, from /proc, and waiting for something to become true."""

import os
import pathlib
import time

PROC = pathlib.Path("/proc")


def wait_until(condition, what, seconds=60):
    """Polls until `condition()` is true and returns its value; fails naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} seconds: still not {what}")
        time.sleep(0.02)


def _stat(process):
    """The fields of /proc/PID/stat after the name, which may hold anything; None where the process is gone."""
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(parent):
    """Process ids whose parent is `parent`, dead ones that nobody has reaped among them."""
    ids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [child for child in ids if (_stat(child) or [None, None])[1] == str(parent)]


def is_there(process):
    return _stat(process) is not None


def cpu_seconds(process):
    """User and system time of all threads."""
    user, system = _stat(process)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def is_at_rest(process):
    """Whether the process spends under a twentieth of one core, seen over a second."""
    before = cpu_seconds(process)
    time.sleep(1)
    return cpu_seconds(process) - before < 0.05


def peak_memory(process):
    """The most that was ever resident, in bytes."""
    for line in (PROC / str(process) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"process {process} has no VmHWM")


def open_files(process):
    """Paths of what the process has open or mapped."""
    folder = PROC / str(process)
    paths = {line.split(maxsplit=5)[5].strip() for line in (folder / "maps").read_text().splitlines()
             if line.count(" ") > 4 and "/" in line}
    for descriptor in (folder / "fd").iterdir():
        try:
            paths.add(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    return paths
