"""RapidServe: a chunked, deduplicated, verified file store with a web page, an API and an admin."""

__version__ = "0.1.0"
