"""What `make bench` writes."""

import pytest

from bench import report
from bench.machine import Machine
from bench.measure import Case, Measured, Series

MACHINE = Machine(
    date="2026-11-25",
    processor="2 × Some CPU",
    memory="24 GiB",
    file_system="ext4",
    system="Linux 6.18",
    versions=["nginx 1.22.1"],
)
KEYS = ("chunks-down-8", "chunks-up-8", "unchanged-8")
CASES = [Case(key, key, "GB" if "chunks" in key else "requests", 8, None) for key in KEYS]


def series(speed):
    return Series([Measured(speed, 0.5, 0.1)], pss=5_000_000)


@pytest.fixture
def results():
    return {
        key: {
            "nginx": series(20_000 if key == "unchanged-8" else 2),
            report.UNSEALED: series(10_000 if key == "unchanged-8" else 1.5),
            report.SEALED: series(10_000 if key == "unchanged-8" else 1),
        }
        for key in KEYS
    }


def test_the_report_says_when_and_where_it_was_measured(results):
    text = report.render(MACHINE, CASES, results, 7)

    assert "Measured on 2026-11-25, median of 7 rounds." in text
    assert "2 × Some CPU, 24 GiB of memory, ext4" in text
    assert "nginx 1.22.1" in text


def test_each_server_has_a_line_with_its_ratio_to_nginx(results):
    text = report.render(MACHINE, CASES, results, 7)

    assert f"| {report.UNSEALED} | 1.5 | 1.5 to 1.5 | 0.75 | 0.50 | 0.10 | 5 |" in text
    assert f"| {report.SEALED} | 10,000 | 10,000 to 10,000 | 0.50 | 500.00 | 100.00 | 5 |" in text


def test_a_goal_that_is_missed_is_said_to_be_missed(results):
    results["chunks-up-8"][report.SEALED] = series(0.7)

    text = report.render(MACHINE, CASES, results, 7)

    assert f"{report.SEALED} | 0.4 of nginx | 0.35, **missed** |" in text
    assert text.count("missed") == 1


def test_new_figures_take_the_place_of_the_old_and_of_nothing_else(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"Words.\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nMore words.\n")

    report.write(page, "new")

    assert page.read_text() == f"Words.\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\nMore words.\n"


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("Words.\n")

    with pytest.raises(ValueError, match="no place"):
        report.write(page, "new")

    assert page.read_text() == "Words.\n"
