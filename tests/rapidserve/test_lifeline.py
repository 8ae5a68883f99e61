import os
import subprocess
import sys

import psutil
import pytest

from tests.e2e.conftest import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the signal")

PARENT = """
import os, time
from rapidserve import lifeline
parent = os.getpid()
child = os.fork()
if child == 0:
    lifeline.die_with(parent)
    print(os.getpid(), flush=True)
time.sleep(600)
"""
LATE = """
import os, sys
from rapidserve import lifeline
lifeline.die_with(int(sys.argv[1]))
print("lives on")
"""


def test_a_child_dies_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()

    parent.kill()
    parent.wait()
    parent.stdout.close()

    eventually(lambda: not child.is_running() or child.status() == "zombie", "the child is gone")


def test_a_child_whose_parent_died_before_it_could_ask_dies_at_once():
    gone = os.getpid() + 1  # anybody but its parent

    result = subprocess.run(
        [sys.executable, "-c", LATE, str(gone)], capture_output=True, text=True, check=False
    )

    assert result.returncode == -9
    assert result.stdout == ""


def test_a_child_whose_parent_lives_lives_too():
    result = subprocess.run(
        [sys.executable, "-c", LATE, str(os.getpid())], capture_output=True, text=True, check=False
    )

    assert result.stdout == "lives on\n"
