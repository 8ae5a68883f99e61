#!/usr/bin/env python
"""Django's command line for RapidServe: serve, migrate, create_user, collect_garbage, …"""

import os
import sys

from rapidserve.env import SettingError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapidserve.settings")  # noqa: TID251 - Django's
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - reads settings

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        sys.exit(f"rapidserve: {error}")


if __name__ == "__main__":
    main()
