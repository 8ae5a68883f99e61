"""The supervisor's decisions, with children that are a few lines each."""

import os
import subprocess
import sys
import textwrap

import pytest

from rapidserve import supervisor

# Replaces the two children by what a test wants, and the pauses by none.
SCRIPT = """
import sys
from rapidserve import supervisor
supervisor.LONGEST_PAUSE_SECONDS = 0.01
supervised = supervisor.Supervisor("127.0.0.1", 1, reload=False)
supervised.children = [supervisor.Child("The child", "child_under_test")]
sys.exit(supervised.run())
"""


@pytest.fixture
def supervise(tmp_path, monkeypatch):
    """Runs a supervisor over one child whose source is given, until it ends by itself."""
    monkeypatch.setattr(supervisor, "PROJECT", tmp_path)

    def run(source):
        (tmp_path / "child_under_test.py").write_text(textwrap.dedent(source))
        script = SCRIPT.replace(
            "supervised =",
            f"supervisor.PROJECT = {str(tmp_path)!r}\nsupervised =",
        )
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "COUNTER": str(tmp_path / "counter")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


COUNT = """
    import os, pathlib, signal
    counter = pathlib.Path(os.environ["COUNTER"])
    starts = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(starts))
"""


def test_a_child_that_never_starts_ends_everything_with_a_clear_line(supervise, tmp_path):
    result = supervise(COUNT + "    raise SystemExit(3)\n")

    assert result.returncode == 1
    assert (tmp_path / "counter").read_text() == "6"
    assert "rapidserve: The child can't be kept running." in result.stderr
    assert "(exit code 3)" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_child_that_was_killed_is_started_again(supervise, tmp_path):
    # The third run stops the supervisor, which is how the test ends.
    result = supervise(
        COUNT
        + """
    if starts < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
"""
    )

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "counter").read_text() == "3"
    assert "killed by signal 9" in result.stderr


def test_a_child_that_does_not_stop_is_killed_at_the_second_signal(supervise):
    result = supervise(
        """
        import os, signal
        signal.signal(signal.SIGINT, lambda *_: os.kill(os.getppid(), signal.SIGTERM))
        os.kill(os.getppid(), signal.SIGTERM)
        while True:
            signal.pause()
        """
    )

    assert result.returncode == 0
    assert "Killing: The child (told to stop twice)" in result.stderr


def test_children_get_one_malloc_setting_and_the_projects_modules(supervise):
    result = supervise(
        """
        import os, signal, sys
        print(os.environ["MALLOC_ARENA_MAX"], os.environ["PYTHONPATH"] in sys.path, flush=True)
        os.kill(os.getppid(), signal.SIGTERM)
        signal.pause()
        """
    )

    assert result.stdout == "2 True\n"


def test_the_supervisor_imports_no_django():
    listing = "import sys, rapidserve.supervisor; print([n for n in sys.modules if 'django' in n])"

    result = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )

    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("listening", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.7", "192.0.2.7"), ("::1", "::1")],  # noqa: S104 - text
)
def test_everywhere_is_asked_for_at_home(listening, asked):
    assert supervisor.reachable(listening) == asked


def test_an_address_of_version_6_is_bracketed_in_urls():
    assert supervisor.in_url("::1") == "[::1]"
    assert supervisor.in_url("127.0.0.1") == "127.0.0.1"


def test_only_changes_to_code_and_templates_count(tmp_path):
    for name in ("a.py", "b.html", "c.txt", ".venv/d.py", "var/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for number, name in enumerate(("a.py", "b.html", "c.txt", ".venv/d.py", "var/e.py")):
        os.utime(tmp_path / name, (1000 + number, 1000 + number))

    assert supervisor.newest_change(tmp_path) == 1001
