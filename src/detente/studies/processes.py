"""How a study starts its worker processes."""

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class _Aloof(SpawnProcess):
    """A fresh process that does not run the caller's script again.

    Spawned processes import the caller's ``__main__``, so that functions written there can be called. Ours are not
    written there, and a script without ``if __name__ == "__main__"`` would start a second study inside the first.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 (multiprocessing's own name)
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process_obj)  # type: ignore[attr-defined]
        finally:
            sys.modules["__main__"] = main


class _Context(SpawnContext):
    Process = _Aloof  # type: ignore[assignment]


@contextmanager
def processes(count: int, *initially: Any) -> Iterator[ProcessPoolExecutor]:
    """So many fresh processes to hand work to, which know nothing of the caller's script.

    ``initially`` is what each does first, with its arguments. A failure or a stop by hand waits for none: it ends them.
    """
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(count, _Context(), *initially) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


def cores() -> int:
    """How many processes a study starts unless told otherwise."""
    return multiprocessing.cpu_count()
