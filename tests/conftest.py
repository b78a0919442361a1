"""What holds for all tests."""

from __future__ import annotations

import os
import signal
import sys
import threading

# A shell's `command &` lets its children ignore Ctrl-C, and so would the programs that tests start.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Images of containers often forbid bytecode. Then every process of a test compiles all modules, and
# pytest rewrites all assertions at every start: a third of the time of the suite, and more.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
