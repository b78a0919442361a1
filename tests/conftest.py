"""What holds for all tests."""

from __future__ import annotations

import signal
import threading

# A shell's `command &` lets its children ignore Ctrl-C, and so would the programs that tests start.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
