"""What `pip install ./clients/python` installs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(PROJECT)],
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_has_the_command_the_types_and_nothing_of_the_server(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        scripts = archive.read(entry_points).decode()

    assert "rapidserve = rapidserve_client.cli:main" in scripts
    assert "rapidserve_client/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"rapidserve_client"}


def test_it_runs_without_the_server_beside_it(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        "import sys; from rapidserve_client import cli; sys.argv[1:] = ['--version'];"
        "print([name for name in ('rapidserve', 'files', 'django') if name in sys.modules]);"
        "cli.main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\nrapidserve-client 1.0.0\n"
