"""Settings of the tests: the real ones, with keys that cost nothing and state in a fresh folder."""

import base64
import os
import tempfile
from pathlib import Path

os.environ["RAPIDSERVE_HOME"] = tempfile.mkdtemp(prefix="rapidserve-tests-")
os.environ["RAPIDSERVE_SECRET_KEY"] = "only-for-tests-" + "x" * 40
os.environ["RAPIDSERVE_MASTER_KEYS"] = "test:" + base64.b64encode(b"0" * 32).decode()

from rapidserve.settings import *  # noqa: F403 - the environment comes first
from rapidserve.settings import DATABASES, HOME, ON_MONGODB

if not ON_MONGODB:
    # A file, not memory: threads with connections of their own must see the same data.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(HOME) / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Each test client would list all static files again.
WHITENOISE_AUTOREFRESH = True
