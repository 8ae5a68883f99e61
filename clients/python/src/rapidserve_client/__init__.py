"""The command `rapidserve`: files into a RapidServe server and out again.

It speaks the protocol of docs/api.md and knows nothing else of the server.
"""

from typing import Final

__version__: Final = "1.0.0"
