"""The package as a whole: imports point one way, names are documented, a wheel is complete."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import mtls_lab
from tests.repository.files import ROOT

PACKAGE = ROOT / "mtls_lab"

#: Each module may import those before it, and no other. A new module takes its place here.
LAYERS = [
    *(
        "errors",
        "resources",
        "progress",
        "predictions",
        "openssl",
        "wire",
        "handshake",
        "outcome",
        "watching",
        "pem",
        "describe",
        "leaf",
        "pki",
    ),
    *("service", "sockets", "peer", "server", "contexts", "credentials", "relay", "client"),
    *("symptoms", "explain", "attacks", "table", "unpacking", "workspace", "doctor"),
    *("fields", "trial", "placement", "fleet"),
    *("checks", "kata", "course"),
    "__init__",
    *("cli", "panels"),
]

#: What `import mtls_lab` must not cost: a device has no notebook.
HEAVY = {"IPython", "ipykernel", "ipywidgets", "jupyter_client", "jupyterlab", "traitlets", "zmq"}


def module_of(path: Path) -> str:
    """`wire` for mtls_lab/wire.py, `panels` for all that is in mtls_lab/panels/."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports, at its top or further in."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "mtls_lab":
            names = [f"mtls_lab.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for package, *rest in (name.split(".") for name in names):
            if package == "mtls_lab":
                found.add(rest[0] if rest and rest[0] in LAYERS else "__init__")
    return found


def modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.walk_packages([str(PACKAGE)], "mtls_lab.")]
    return [mtls_lab, *(importlib.import_module(name) for name in names if "__main__" not in name)]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_imports_point_one_way(path: Path) -> None:
    name = module_of(path)
    assert name in LAYERS, "a new module: give it its place"
    allowed = set(LAYERS[: LAYERS.index(name)]) | ({name} if path.parent != PACKAGE else set())
    assert imported(path) - allowed == set()


def test_the_package_loads_no_widget_library() -> None:
    code = "import sys, mtls_lab; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & {name.partition(".")[0] for name in run.stdout.split()} == set()


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_public_names_exist_and_are_documented(module: ModuleType) -> None:
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if getattr(value, "__module__", "").startswith("mtls_lab"):  # not a constant or an alias
            own = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
            assert own, f"{name} has no docstring"
            assert not own.startswith(f"{name}("), f"{name} has only what dataclass wrote"


def test_a_wheel_carries_data_and_notebooks(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for folder, pattern in (("data", "*.toml"), ("notebooks", "*.ipynb")):
        files = {f"mtls_lab/{folder}/{path.name}" for path in (ROOT / folder).glob(pattern)}
        assert files, f"nothing in {folder}/"
        assert files <= inside
