"""The package as a whole: imports point one way, names are documented, a wheel is complete."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import mtls_lab
from tests.repository.files import ROOT, built

PACKAGE = ROOT / "mtls_lab"

#: Each folder or file of the top level may import those before it, and no other.
LAYERS = [
    *("face", "common", "drawing"),
    *("pki", "wire", "net", "tpm"),
    *("explaining", "diagnosing", "stacks", "attacks", "enrolment", "experiments", "learner"),
    *("exercises", "kata", "classroom", "panels"),
    *("__init__", "cli", "__main__"),
]

#: What `import mtls_lab` must not cost: a device has no notebook.
HEAVY = {"IPython", "ipykernel", "ipywidgets", "jupyter_client", "jupyterlab", "traitlets", "zmq"}
HEAVY |= {"cryptography"}  # Part 1 needs none


def module_of(path: Path) -> str:
    """`face` for mtls_lab/face.py, `panels` for all that is in mtls_lab/panels/."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def importing(path: Path) -> list[ast.AST]:
    """What a file imports, at its top or further in, and what it asks for behind a dot."""
    kinds = (ast.Import, ast.ImportFrom, ast.Attribute)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports."""
    found = set()
    for node in importing(path):
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


def test_imports_point_one_way(subtests: pytest.Subtests) -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        with subtests.test(str(path)):
            name = module_of(path)
            assert name in LAYERS, "a new folder or file at the top: give it its place"
            below = set(LAYERS[: LAYERS.index(name)])
            assert imported(path) - below - ({name} if path.parent != PACKAGE else set()) == set()


def test_whatever_the_head_of_a_module_names_is_there() -> None:
    """Beside it, in the folder above, or by its whole path; but for a learner's own contexts.py."""
    missing = []
    for path in PACKAGE.rglob("*.py"):
        head = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        places = [path.parent, path.parent.parent, PACKAGE, ROOT]
        named = set(re.findall(r"(?<![\w/.])[\w/]+\.(?:py|toml|css|js)\b", head)) - {"contexts.py"}
        missing += [
            f"{path.relative_to(ROOT)}: {name}"
            for name in named
            if not any((place / name).is_file() for place in places)
        ]
    assert missing == []


def test_the_package_loads_neither_widgets_nor_cryptography() -> None:
    code = "import sys, mtls_lab; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & {name.partition(".")[0] for name in run.stdout.split()} == set()


def test_part_1_loads_no_cryptography() -> None:
    """An exchange is recorded and its messages could be read; what needs keys is not loaded yet."""
    code = (
        "import sys; from mtls_lab import ask, serve\n"
        "with serve() as backend: assert ask('PING', backend).recording\n"
        "print('cryptography' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_no_name_of_the_face_is_a_module() -> None:
    """Python would hand out the module, once it is loaded, in place of the name."""
    top = {path.stem for path in PACKAGE.iterdir()}
    assert top & set(dir(mtls_lab)) == set()


@pytest.mark.parametrize("folder", sorted(p.name for p in PACKAGE.iterdir() if p.is_dir()))
def test_no_name_of_a_folder_is_one_of_its_modules(folder: str) -> None:
    exported = getattr(sys.modules.get(f"mtls_lab.{folder}"), "__all__", ())
    inside = {path.stem for path in (PACKAGE / folder).iterdir()}
    assert inside & set(exported) == set()


#: The folders whose names are loaded when they are asked for, and what else each offers.
LAZY = {"mtls_lab": {"checks": "mtls_lab.exercises"}} | {
    f"mtls_lab.{folder}": {} for folder in ("classroom", "exercises", "panels", "wire")
}


@pytest.mark.parametrize("package", LAZY)
def test_a_face_hands_out_what_the_type_checker_sees(package: str) -> None:
    """Python reads the stub line by line, and a type checker as a whole: both see the same."""
    stub = PACKAGE.parent.joinpath(*package.split("."), "__init__.pyi")
    names = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    } | LAZY[package]
    star: dict[str, object] = {}
    exec(f"from {package} import *", star)  # noqa: S102 - as somebody may, who does not know better
    face = importlib.import_module(package)
    assert set(names) == set(dir(face)) == star.keys() - {"__builtins__"}
    for name, home in names.items():
        module, _, attribute = home.rpartition(".")
        expected = getattr(importlib.import_module(module), attribute)
        assert getattr(face, name) is expected
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        face.nothing  # noqa: B018


def taken(path: Path) -> set[tuple[str, str]]:
    """The names that a file takes from modules of this package, each with its module."""
    found, held = set[tuple[str, str]](), dict[str, str]()
    for node in importing(path):
        if isinstance(node, ast.ImportFrom):
            found |= {(f"{node.module}", each.name) for each in node.names}
            held |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add((held.get(node.value.id, ""), node.attr))
    return found


@pytest.mark.once  # it reads sources alone
def test_what_a_module_exports_is_what_others_take(subtests: pytest.Subtests) -> None:
    """A class and a function may be there for a reader: they are documented."""
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")]
    inside = {each for path in sources for each in taken(path)}
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    for module in modules():
        of, exported = module.__name__, set(module.__all__)
        names = {name for where, name in inside if where == of} & vars(module).keys()
        with subtests.test(of):
            others = {name for name in names if not inspect.ismodule(getattr(module, name))}
            assert {name for name in others if not name.startswith("__")} <= exported
            for name in exported - names if of not in LAZY else ():
                value, last = getattr(module, name), of.rpartition(".")[2]
                asked = re.compile(rf"from {of} import[^#]*?\b{name}\b|\b{last}\.{name}\b")
                told = inspect.isclass(value) or inspect.isfunction(value)
                assert told or any(map(asked.search, tests)), f"nobody takes {name}"


def test_public_names_exist_and_are_documented(subtests: pytest.Subtests) -> None:
    for module in modules():
        with subtests.test(module.__name__):
            assert module.__doc__
            for name in module.__all__:
                value = getattr(module, name)
                of = getattr(value, "__module__", "")  # not of a constant or an alias
                if of.startswith("mtls_lab"):
                    own = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
                    assert own, f"{name} has no docstring"
                    assert not own.startswith(f"{name}("), f"{name} has only what dataclass wrote"


def test_a_wheel_carries_data_and_notebooks(tmp_path: Path) -> None:
    with zipfile.ZipFile(built("wheel", tmp_path)) as archive:
        inside = set(archive.namelist())
    for folder, pattern in (("data", "*.toml"), ("notebooks", "*.ipynb")):
        files = {f"mtls_lab/{folder}/{path.name}" for path in (ROOT / folder).glob(pattern)}
        assert files, f"nothing in {folder}/"
        assert files <= inside
