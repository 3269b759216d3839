"""A run's folder is one process's at a time: two would overwrite each other's checkpoint."""

import fcntl
import os
import socket

from files import Fault

# As in hold.ts. The lock is the system's and goes with its process, so the file may stay.
LOCK = "lock"


def hold(folder):
    """Holds a folder until the file that it gives is closed, or the process ends, however it ends."""
    try:
        lock = open(folder / LOCK, "a+")
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
        return lock
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read() or "another process"
        raise Fault(f"{folder} is held by {holder}, which has to end first") from error
    except OSError as error:
        raise Fault(f"cannot hold {folder}: {error.strerror}") from error
