"""Ctrl-C ends a program with one line and nothing else: a run may be killed at any moment, so there is nothing to tidy."""

import os
import signal

# As shells give it for what Ctrl-C has ended.
CODE = 130


def stop(*_):
    # It may come twice: from the terminal, and from the command that has started this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Of the processes that share a run one speaks. Past Python's own buffer, in which it may just be writing.
    if os.environ.get("RANK", "0") == "0":
        # Below the line that progress rewrites on a terminal.
        os.write(2, b"\n" * os.isatty(2) + b"stopped: --resume goes on\n")
    os._exit(CODE)


def catch():
    signal.signal(signal.SIGINT, stop)
