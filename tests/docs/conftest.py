"""The real server of the end-to-end tests, for the lines that people are told to paste."""

from tests.e2e.conftest import server

__all__ = ["server"]
