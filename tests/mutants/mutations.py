"""From a solution to its mutants: small changes of its syntax tree, always in the same order.

Here: what is changed. Not here: whether a check notices (asking.py).

Not changed is what no attacker and no peer can see: the words of an exception, a default of the
loop that nobody passes.
"""

import ast
import copy
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: A node's other forms: each function takes a copy of the node and returns what replaces it.
Change = Callable[[ast.AST], ast.AST]

NAMES = {
    "CERT_REQUIRED": ("CERT_OPTIONAL", "CERT_NONE"),
    "TLSv1_3": ("TLSv1_2", "MINIMUM_SUPPORTED"),
    "minimum_version": ("maximum_version",),
    "SERVER_AUTH": ("CLIENT_AUTH",),
    "CLIENT_AUTH": ("SERVER_AUTH",),
    "PROTOCOL_TLS_SERVER": ("PROTOCOL_TLS_CLIENT", "PROTOCOL_TLS"),
    "TO_DEVICE": ("TO_BACKEND",),
    "VERIFY_CRL_CHECK_LEAF": ("VERIFY_DEFAULT", "VERIFY_CRL_CHECK_CHAIN"),
    "rpartition": ("partition",),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
    "rstrip": ("lstrip",),
    "sendall": ("send",),
    "device": ("backend",),
    "backend": ("device",),
    "verify_code": ("verify_message",),
    "reason": ("text",),
    "issuer_name": ("subject_name",),
    "OSError": ("ConnectionError", "ssl.SSLError", "TimeoutError"),
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq, ast.In, ast.GtE),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.BitOr: (ast.BitAnd,),
}
#: What an answer on the web adds to a context, on the device's side and on the backend's.
ANY_CIPHER = 'context.set_ciphers("ALL:@SECLEVEL=0")'
WEAK = (
    'context.set_ciphers("ALL:eNULL:@SECLEVEL=0")',
    f"{ANY_CIPHER}; context.minimum_version = ssl.TLSVersion.TLSv1",
    "context.load_default_certs()",
)
WEAK_DEVICE = (
    *WEAK,
    ANY_CIPHER,
    'context.set_ciphers("DEFAULT:@SECLEVEL=0")',
    "context.check_hostname = False",
    "context.check_hostname = False; context.verify_mode = ssl.CERT_NONE",
    "context.verify_flags |= 0x200000",
)
WEAK_BACKEND = (
    *WEAK,
    "context.verify_mode = ssl.CERT_OPTIONAL",
    "context.verify_mode = ssl.CERT_NONE",
    "context.maximum_version = ssl.TLSVersion.TLSv1_2",
    "context.minimum_version = ssl.TLSVersion.TLSv1_2",
)


@dataclass(frozen=True)
class Mutant:
    """A changed solution, and the lines that differ, such as `- return x` and `+ return None`."""

    source: str
    diff: str


def mutants(solution: str) -> list[Mutant]:
    """Return every mutant of a solution, each once."""
    tree = ast.parse(solution)
    original = ast.unparse(tree)
    sources = dict.fromkeys(ast.unparse(each) for each in _trees(tree))
    return [Mutant(each, _diff(original, each)) for each in sources if each != original]


def _diff(old: str, new: str) -> str:
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return "\n".join(f"{each[0]} {each[2:].strip()}" for each in lines if each[0] in "+-")


def _trees(tree: ast.Module) -> Iterator[ast.Module]:
    told = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Raise) for part in
            ast.walk(node)}  # fmt: skip
    for number, node in enumerate(ast.walk(tree)):
        for change in () if id(node) in told else _changes(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[number]
            if _replace(changed, target, change(target)):
                yield ast.fix_missing_locations(changed)
        yield from _without_statements(tree, number, node)
    yield from _weakened(tree)


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> bool:
    if new is old:
        return True
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
                return True
            if isinstance(value, list) and any(each is old for each in value):
                at = next(n for n, each in enumerate(value) if each is old)
                value[at : at + 1] = new.body if isinstance(new, ast.Module) else [new]
                return True
    return False


def _without_statements(tree: ast.Module, number: int, node: ast.AST) -> Iterator[ast.Module]:
    """The tree without one statement of this node, for each of them."""
    for field in ("body", "orelse", "handlers"):
        block = getattr(node, field, None)
        if not isinstance(block, list):
            continue
        for at, statement in enumerate(block):
            if isinstance(statement, ast.Import | ast.FunctionDef | ast.Pass):
                continue
            changed = copy.deepcopy(tree)
            target = getattr(list(ast.walk(changed))[number], field)
            target[at : at + 1] = [] if field != "body" or len(block) > 1 else [ast.Pass()]
            yield ast.fix_missing_locations(changed)


def _changes(node: ast.AST) -> list[Change]:  # noqa: C901, PLR0911, PLR0912 - a table
    """All other forms of one node."""
    match node:
        case ast.Constant(value=bool() | int() | str() | bytes() as value):
            return [_put(ast.Constant(each)) for each in _other_values(value)]
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
            return [_renamed(other) for other in NAMES[name]]
        case ast.Compare(ops=[operator]):
            kinds = COMPARISONS.get(type(operator), ())
            return [_set(ops=[kind()]) for kind in kinds]
        case ast.BoolOp(op=operator):
            other = ast.And() if isinstance(operator, ast.Or) else ast.Or()
            return [_set(op=other), *(_put(each) for each in node.values)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return [_put(operand)]
        case ast.BinOp(op=operator):
            return [_set(op=kind()) for kind in OPERATORS.get(type(operator), ())]
        case ast.AugAssign(target=target, value=value, op=operator):
            plain = ast.Assign([target], value)
            return [_put(plain)] + [_set(op=k()) for k in OPERATORS.get(type(operator), ())]
        case ast.Call():
            return _calls(node)
        case ast.With():
            return [_forgets_to_close]
        case ast.While():
            return [lambda each: ast.If(each.test, each.body, [])]  # type: ignore[attr-defined]
        case ast.If():
            return [_set(test=ast.Constant(value=each)) for each in (True, False)]
        case ast.List(elts=elements) | ast.Tuple(elts=elements, ctx=ast.Load()):
            return [_without("elts", at) for at in range(len(elements))]
        case ast.Dict(keys=keys):
            return [_without_entry(at) for at in range(len(keys))]
        case ast.comprehension(ifs=[_]):
            return [_set(ifs=[])]
        case ast.Return(value=ast.expr()):
            return [_set(value=ast.Constant(each)) for each in (None, True, False, "")]
    return []


def _other_values(value: object) -> list[bool | int | str | bytes]:
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, 0] if value else [1]
        case str() if value:
            return ["", value[:-1], value + "x"]
        case bytes() if value:
            return [b"", value[:-1], value + b"x"]
    return []


def _calls(node: ast.Call) -> list[Change]:
    """A call with one argument less, two of them exchanged, or not made at all."""
    found = [_without("keywords", at) for at in range(len(node.keywords))]
    found += [_without("args", at) for at in range(len(node.args))]
    found += [_swapped(at) for at in range(len(node.args) - 1)]
    if isinstance(node.func, ast.Attribute):
        found.append(_put(node.func.value))
        if node.func.attr in {"hexdigest", "digest"}:
            found += [_cut(length) for length in (4, 8, 16)]
    return found


def _put(new: ast.AST) -> Change:
    return lambda _: copy.deepcopy(new)


def _set(**fields: object) -> Change:
    def change(node: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(node, name, copy.deepcopy(value))
        return node

    return change


def _renamed(name: str) -> Change:
    def change(node: ast.AST) -> ast.AST:
        if "." in name:
            return ast.parse(name, mode="eval").body
        setattr(node, "attr" if isinstance(node, ast.Attribute) else "id", name)
        return node

    return change


def _without(field: str, at: int) -> Change:
    def change(node: ast.AST) -> ast.AST:
        del getattr(node, field)[at]
        return node

    return change


def _without_entry(at: int) -> Change:
    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Dict)
        del node.keys[at], node.values[at]
        return node

    return change


def _swapped(at: int) -> Change:
    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Call)
        node.args[at : at + 2] = reversed(node.args[at : at + 2])
        return node

    return change


def _cut(length: int) -> Change:
    return lambda node: ast.parse(f"{ast.unparse(node)}[:{length}]", mode="eval").body


def _forgets_to_close(node: ast.AST) -> ast.AST:
    """A `with` block as plain statements: nothing is closed."""
    assert isinstance(node, ast.With)
    opened = [
        ast.Assign([each.optional_vars], each.context_expr)
        if each.optional_vars
        else ast.Expr(each.context_expr)
        for each in node.items
    ]
    return ast.Module([*opened, *node.body], [])


def _weakened(tree: ast.Module) -> Iterator[ast.Module]:
    """The tree with one line more that weakens its context."""
    on_the_backend = "PROTOCOL_TLS_SERVER" in ast.unparse(tree)
    for line in WEAK_BACKEND if on_the_backend else WEAK_DEVICE:
        changed = copy.deepcopy(tree)
        for function in ast.walk(changed):
            if isinstance(function, ast.FunctionDef) and _names_its_context(function):
                at = next(n for n, each in enumerate(function.body) if _uses_it(each))
                function.body[at:at] = ast.parse(line).body
                yield ast.fix_missing_locations(changed)
                break


def _names_its_context(function: ast.FunctionDef) -> bool:
    """Whether it has a variable `context`; one that it only returns gets that name."""
    last = function.body[-1]
    if isinstance(last, ast.Return) and "create_default_context" in ast.unparse(last):
        assign = ast.parse(f"context = {ast.unparse(last.value or last)}").body
        function.body[-1:] = [*assign, ast.Return(ast.Name("context", ast.Load()))]
    names = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
    return "context" in names


def _uses_it(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.With | ast.Return | ast.Try)
