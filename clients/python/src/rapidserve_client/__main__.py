"""`python -m rapidserve_client`, the same as `rapidserve`."""

import sys

from rapidserve_client.cli import main

sys.exit(main())
