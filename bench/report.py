"""The figures as Markdown, and their place in docs/performance.md."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.machine import Machine
from bench.measure import Case, Results, Series

BEGIN: Final = "<!-- `make bench` writes what follows -->"
END: Final = "<!-- `make bench` wrote what precedes -->"
BASE: Final = "nginx"
UNSEALED: Final = "RapidServe, unsealed"
SEALED: Final = "RapidServe, sealed"


@dataclass(frozen=True, slots=True)
class Goal:
    """What was promised: at least `least`, as a ratio to nginx or in units a second."""

    case: str
    server: str
    least: float
    is_ratio: bool


GOALS: Final = (
    Goal("chunks-down-8", UNSEALED, 0.35, is_ratio=True),
    Goal("chunks-down-8", SEALED, 0.17, is_ratio=True),
    Goal("chunks-up-8", UNSEALED, 0.6, is_ratio=True),
    Goal("chunks-up-8", SEALED, 0.4, is_ratio=True),
    Goal("unchanged-8", UNSEALED, 5000, is_ratio=False),
    Goal("unchanged-8", SEALED, 5000, is_ratio=False),
)


def render(machine: Machine, cases: Sequence[Case], results: Results, rounds: int) -> str:
    return "\n".join(
        [
            *_facts(machine, rounds),
            "",
            "## Goals",
            "",
            *_goals(cases, results),
            "",
            "## Figures",
            *(line for case in cases for line in _case(case, results[case.key])),
        ]
    )


def write(page: Path, figures: str) -> None:
    """Replace what the last run wrote. ValueError when the page has no place for it."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the figures.")
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}", encoding="utf-8")


def _facts(machine: Machine, rounds: int) -> Iterator[str]:
    yield f"Measured on {machine.date}, median of {rounds} rounds."
    yield ""
    yield f"- Machine: {machine.processor}, {machine.memory} of memory, {machine.file_system}"
    yield f"- {machine.system}; {', '.join(machine.versions)}"


def _goals(cases: Sequence[Case], results: Results) -> Iterator[str]:
    titles = {case.key: _title(case) for case in cases}
    yield "| | At least | Measured |"
    yield "| --- | --- | --- |"
    for goal in GOALS:
        series = results[goal.case][goal.server]
        if goal.is_ratio:
            least, found = f"{goal.least} of nginx", series.ratio_to(results[goal.case][BASE])
            measured = f"{found:.2f}"
        else:
            least, found = f"{goal.least:,.0f} a second", series.speed
            measured = f"{found:,.0f}"
        missed = "" if found >= goal.least else ", **missed**"
        yield f"| {titles[goal.case]}: {goal.server} | {least} | {measured}{missed} |"


def _case(case: Case, by_server: Mapping[str, Series]) -> Iterator[str]:
    speed, cpu = _units(case.unit)
    yield ""
    yield f"### {_title(case)}"
    yield ""
    yield f"| | Speed, {speed} | Slowest to fastest | nginx = 1 | {cpu} | of the client | PSS, MB |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for server, series in by_server.items():
        cells = [
            server,
            _figure(series.speed),
            f"{_figure(series.slowest)} to {_figure(series.fastest)}",
            f"{series.ratio_to(by_server[BASE]):.2f}",
            _cpu(case.unit, series.server_cpu),
            _cpu(case.unit, series.client_cpu),
            f"{series.pss / 1e6:.0f}",
        ]
        yield f"| {' | '.join(cells)} |"


def _title(case: Case) -> str:
    connections = "1 connection" if case.connections == 1 else f"{case.connections} connections"
    return f"{case.title}, {connections}"


def _units(unit: str) -> tuple[str, str]:
    """Of speed, and of CPU time."""
    if unit == "GB":
        return "GB/s", "CPU s for each GB"
    return f"{unit}/s", "CPU ms for each"


def _cpu(unit: str, seconds: float) -> str:
    return f"{seconds:.2f}" if unit == "GB" else f"{seconds * 1000:.2f}"


def _figure(value: float) -> str:
    """Three digits that count; no more is true of any of these."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
