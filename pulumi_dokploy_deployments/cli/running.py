"""How a command's work is run: to its end, to Ctrl-C or to its deadline, whatever the look-up of a name does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """As `asyncio.run`, whose end does not wait for threads.

    The look-up of a host's name is a call that can't be broken off, and takes half a minute where no name server
    answers. `asyncio.run` and the interpreter would wait for its thread, long after Ctrl-C or the deadline.
    """

    async def main() -> T:
        asyncio.get_running_loop().set_default_executor(_Abandonable())
        return await work()

    return asyncio.run(main())


class _Abandonable(ThreadPoolExecutor):
    """A thread for each call, which ends with the process; there are few calls."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=call, daemon=True).start()
        return future
