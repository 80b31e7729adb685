"""A network of its own for a test: a namespace whose loopback device has a public address."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import unittest

CLONE_NEWNET = 0x40000000
# Of nobody in particular; inside the namespace it leads nowhere else.
PUBLIC = "93.184.215.14"


@contextlib.contextmanager
def public_address():
    """Inside, this thread and what it starts are in a namespace where `PUBLIC` and 127.0.0.1 are this machine.

    Skips the test where that is not allowed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if shutil.which("ip") is None:
        raise unittest.SkipTest("ip is missing: install iproute2")
    home = os.open(f"/proc/self/task/{libc.gettid()}/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET):
            raise unittest.SkipTest(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            for words in ("link set lo up", f"address add {PUBLIC}/32 dev lo"):
                subprocess.run(["ip", *words.split()], check=True)
            yield
        finally:
            if libc.setns(home, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "the thread cannot leave its network namespace")
    finally:
        os.close(home)
