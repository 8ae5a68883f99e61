import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
from rapidserve.crashpoints import crash_point
for step in range(1, 4):
    crash_point("other")
    crash_point("here")
    print(step, flush=True)
"""


def run(armed="", file=""):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "RS_CRASH_AT": armed, "RS_CRASH_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("armed", "lived"), [("here", ""), ("here:1", ""), ("here:3", "1\n2\n")])
def test_the_process_dies_at_the_pass_that_was_asked_for(armed, lived):
    result = run(armed)

    assert result.returncode == -signal.SIGKILL
    assert result.stdout == lived


@pytest.mark.parametrize("armed", ["", "elsewhere", "here:4"])
def test_it_lives_when_no_pass_was_asked_for(armed):
    result = run(armed)

    assert result.returncode == 0
    assert result.stdout == "1\n2\n3\n"


def test_a_file_names_the_point_for_one_process(tmp_path):
    file = tmp_path / "crash"
    file.write_text("here")

    results = [run(file=file) for _ in range(2)]

    assert [result.returncode for result in results] == [-signal.SIGKILL, 0]


def test_a_file_that_names_another_point_stays(tmp_path):
    file = tmp_path / "crash"
    file.write_text("elsewhere")

    assert run(file=file).returncode == 0
    assert file.exists()
