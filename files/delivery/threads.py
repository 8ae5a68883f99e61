"""The threads on which the plane hashes, writes, decrypts and, if it must, asks the database."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# Each holds at most one block of a chunk, so this also bounds memory. More than the cores: some
# wait for the disk.
_pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="delivery")


async def in_thread(function: Callable[[], T]) -> T:
    """Run a blocking function. When the caller is cancelled the function still ends by itself."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_pool, context.run, function)
