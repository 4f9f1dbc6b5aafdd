"""Worker processes of a study: a stop by hand ends them, whatever they are at."""

import multiprocessing
import signal
import time
from multiprocessing.process import BaseProcess

import pytest

from detente.studies.processes import processes

LONG_S = 120.0


def test_a_stop_by_hand_waits_for_no_work() -> None:
    """Nor does a failure."""
    begun: list[BaseProcess] = []

    def stopped() -> None:
        with processes(2) as pool:
            work = pool.submit(time.sleep, LONG_S)
            while not work.running():
                time.sleep(0.01)
            begun.extend(multiprocessing.active_children())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert begun
    for one in begun:
        one.join(LONG_S / 4)
    assert {one.exitcode for one in begun} == {-signal.SIGTERM}
