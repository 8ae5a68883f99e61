"""The administration of what is stored: to look at everything, and to act where the API would.

Rows hold together by rules that no form knows, so nothing here is edited but a space's quota. What
can be done is done by `files.actions`. Nobody gets contents, addresses or keys from these pages.
"""

from files.admin import audit, chunks, entries, people, sharing, spaces, system, uploads

__all__ = ["audit", "chunks", "entries", "people", "sharing", "spaces", "system", "uploads"]
