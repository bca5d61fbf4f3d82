"""Loaded at the start of every process whose clock faketime shifts: its stand-in for what ``time.sleep`` asks of the
system refuses that, so such a process sleeps by another call. Nothing else about it differs."""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
