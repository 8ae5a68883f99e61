"""What the source says of itself, read without running it."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from accounts import authentication
from rapidserve import errors
from rapidserve.api import translation
from rapidserve.errors import RapidServeError
from tests.docs.markdown import PROJECT

SHIPPED = ("accounts", "files", "previews", "rapidserve")
READERS = {"url", "text", "integer", "boolean", "choice", "words", "path", "secret", "secret_url"}
# Names of a family of errors. Every place that raises one gives a code of its own.
FAMILIES = {"error", "conflict", "gone", "invalid"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for folder in SHIPPED:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            if "migrations" not in file.parts:
                yield file, ast.parse(file.read_text(encoding="utf-8"))


def calls() -> Iterator[ast.Call]:
    for _, tree in modules():
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def variables() -> dict[str, str | None]:
    """Every environment variable that is read through rapidserve.env, with its default as a person
    would write it; None where the default is not a plain value.
    """
    found: dict[str, str | None] = {}
    for call in calls():
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env"), attr=reader),
                args=[ast.Constant(value=str(name)), *others],
            ) if reader in READERS:
                given = others + [word.value for word in call.keywords if word.arg == "default"]
                found[name] = _plain(given[0]) if given else None
                if reader in {"secret", "secret_url"}:
                    found[f"{name}_FILE"] = None
    return found


def error_codes() -> dict[str, set[int]]:
    """Every code a client may be told, with the statuses it comes with."""
    classes = _error_classes()
    found: dict[str, set[int]] = defaultdict(set)
    for error in classes.values():
        found[error.default_code].add(error.status)
    for call in calls():
        status = classes.get(_called(call), errors.Invalid).status  # fields refuse as Invalid
        for keyword in call.keywords:
            if keyword.arg == "code":
                for code in _texts(keyword.value):
                    found[code].add(status)
    for _, tree in modules():
        for code in _default_codes_of_fields(tree):
            found[code].add(errors.Invalid.status)
    return {code: statuses for code, statuses in found.items() if code not in FAMILIES}


def unnamed_families() -> list[str]:
    """Places that raise a family of errors without saying which one it is."""
    families = {
        name for name, error in _error_classes().items() if error.default_code in FAMILIES
    } - {"RapidServeError"}
    return [
        f"{file.relative_to(PROJECT)}:{call.lineno}"
        for file, tree in modules()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and _called(call) in families
        and not any(keyword.arg == "code" for keyword in call.keywords)
    ]


def crash_points() -> set[str]:
    found = set()
    for call in calls():
        match call:
            case ast.Call(func=ast.Name("crash_point"), args=[ast.Constant(value=str(name))]):
                found.add(name)
    return found


def commands() -> set[str]:
    """Our own manage.py commands."""
    return {
        file.stem
        for folder in SHIPPED
        for file in (PROJECT / folder).glob("management/commands/*.py")
        if file.stem != "__init__"
    }


def npm_packages() -> set[str]:
    """What package.json asks for."""
    package = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    return {*package.get("dependencies", {}), *package.get("devDependencies", {})}


def requirements(name: str) -> set[str]:
    """The packages a requirements*.in asks for, without extras, versions and machines."""
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    return {re.split(r"[\[>;]", line)[0].strip() for line in wanted}


def _plain(value: ast.expr) -> str | None:
    """`True` is `true`, `8 * 2**40` is its product."""
    match value:
        case ast.Constant(value=bool(truth)):
            return str(truth).lower()
        case ast.Constant(value=str() | int() as plain):
            return str(plain) or None
        case ast.BinOp(left=left, op=ast.Mult() | ast.Pow() as operator, right=right):
            one, other = int(_plain(left) or 0), int(_plain(right) or 0)
            return str(one * other if isinstance(operator, ast.Mult) else one**other)
    return None


def _error_classes() -> dict[str, type[RapidServeError]]:
    return {
        name: value
        for module in (errors, translation, authentication)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, RapidServeError)
    }


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _texts(value: ast.expr) -> list[str]:
    """The strings that an expression can be, as far as it says so."""
    match value:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return _texts(body) + _texts(orelse)
    return []


def _default_codes_of_fields(tree: ast.Module) -> Iterator[str]:
    """`def __init__(self, *, code: str = "time_invalid")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if argument.arg == "code" and default is not None:
                    yield from _texts(default)
