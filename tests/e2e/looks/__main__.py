"""`python -m tests.e2e.looks [STATE …]`: pictures of the named states, of all by default."""

import sys

import django

django.setup()  # before the modules below, which know the models

from tests.e2e.looks.pictures import take_pictures  # noqa: E402 - see above

take_pictures(sys.argv[1:])
