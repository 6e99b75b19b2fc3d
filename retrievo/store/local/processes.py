"""Whether a process of this machine is still there."""

import os


def is_alive(pid: int) -> bool:
    """True where that cannot be told."""
    if os.name != "posix":
        return True  # os.kill ends processes there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
