"""Typed expressions: a small grammar over Python's syntax tree, turned into functions of numbers, arrays and Tensors.

The text never reaches Python's evaluator. It is split into tokens here, checked token by token (so that an error is
marked at its column, with what was expected there), parsed by `ast`, and every node of the tree must be one of those
listed: numbers, variables, operators, comparisons, ``a if condition else b``, and calls of the functions in
`FUNCTIONS`. The function is then built from closures over NumPy's functions; no code is generated.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from autodiff import special

LENGTH, DEPTH = 400, 100
"""The most characters, and the most levels of the syntax tree (so many terms may a sum have)."""

Body = Callable[[dict[str, Any]], Any]


class Function(NamedTuple):
    """A function that may be called: its name in a Python program, the function, its number of arguments."""

    python: str
    call: Callable[..., Any]
    arity: int = 1


def _numpy(*names: str, arity: int = 1) -> dict[str, Function]:
    return {name: Function(f"np.{name}", getattr(np, name), arity) for name in names}


def _special(*names: str) -> dict[str, Function]:
    return {name: Function(f"ad.special.{name}", getattr(special, name)) for name in names}


FUNCTIONS: dict[str, Function] = {
    **_numpy(
        "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"
    ),
    **_numpy("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "abs", "sign", "floor", "ceil", "sinc"),
    **_numpy("minimum", "maximum", "arctan2", "hypot", arity=2),
    **_special("relu", "sigmoid", "softplus", "gelu", "silu", "elu", "erf", "erfc", "gammaln", "digamma", "i0"),
    "where": Function("np.where", np.where, 3),
}
ALIASES = {
    "ln": "log",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "atan2": "arctan2",
    "min": "minimum",
    "max": "maximum",
    "lgamma": "gammaln",
}
CONSTANTS = {"pi": np.float64(np.pi), "e": np.float64(np.e), "tau": np.float64(2 * np.pi)}
KEYWORDS = ("if", "else", "and", "or", "not")

# What keyboards and copied formulas bring, and how the grammar writes it.
SPELLINGS = {
    "^": "**",
    "²": "**2",
    "³": "**3",
    "≤": "<=",
    "≥": ">=",
    "π": "pi",
    "τ": "tau",
    "×": "*",
    "·": "*",
    "÷": "/",
    "−": "-",
}
TOKEN = re.compile(
    r"(?P<space>[ \t]+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/(),<>])|(?P<other>.)",
    re.DOTALL,
)
OPERAND = "a number, a name or ("


class ExpressionError(ValueError):
    """A text that is no expression: what is wrong, and the column (from 0) where it is seen."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message, self.column = message, column


class _Token(NamedTuple):
    kind: str  # "number", "name" or "operator"
    text: str  # as Python writes it
    column: int  # where it stands in what was typed


class Expression:
    """A function of the given variables, which was typed.

    Parameters
    ----------
    text : str
        What was typed, such as ``sin(x)^2 + 2x``.
    variables : tuple of str
        The names of the arguments, in order.

    Raises
    ------
    ExpressionError
        If the text is no expression of these variables.

    Examples
    --------
    >>> f = Expression("2x^2 if x > 0 else 0", ("x",))
    >>> float(f(3.0))
    18.0
    >>> f.python
    'np.where(x > 0, 2 * x ** 2, 0)'
    """

    def __init__(self, text: str, variables: tuple[str, ...]) -> None:
        self.__name__ = "f"
        self.text, self.variables = text, variables
        tokens = _tokens(text)
        source, columns = _joined(_checked(tokens, variables, len(text)))
        tree = _parsed(source, columns)
        if _depth(tree) > DEPTH:
            raise ExpressionError(f"the expression is nested too deeply; at most {DEPTH} levels are allowed", 0)
        names = _Names(variables, columns)
        self.tree = names.visit(tree)
        if _condition(self.tree):
            raise names.refuse(tree, "a condition is no number; write 1 if condition else 0")
        self._body = _body(self.tree)
        self.python = _python(self.tree)

    def __call__(self, *values: Any) -> Any:
        """The value; it has the shape of the arguments broadcast together, even where the expression is constant."""
        numbers = [np.float64(x) if isinstance(x, int | float) else x for x in values]  # NumPy's: 1/0 is no error
        y = self._body(dict(zip(self.variables, numbers, strict=True)))
        y = np.float64(y) if isinstance(y, int | float) else y
        shape = np.broadcast_shapes(*map(np.shape, values))
        return y if np.shape(y) == shape else np.broadcast_to(y, shape)

    def uses(self, variable: str) -> bool:
        """Whether the variable occurs."""
        return any(isinstance(node, ast.Name) and node.id == variable for node in ast.walk(self.tree))


# --- from text to tokens


def _tokens(text: str) -> list[_Token]:
    if len(text) > LENGTH:
        raise ExpressionError(f"the expression has {len(text):,} characters; at most {LENGTH} are allowed", LENGTH)
    tokens = []
    for match in TOKEN.finditer(text):
        kind, what, column = str(match.lastgroup), match.group(), match.start()
        if kind == "space":
            continue
        if kind == "other":
            if what not in SPELLINGS:
                raise ExpressionError(_strange(what), column)
            for part in TOKEN.finditer(SPELLINGS[what]):
                tokens.append(_Token(str(part.lastgroup), part.group(), column))
            continue
        if kind == "number" and (len(what) > 40 or not np.isfinite(float(what))):
            raise ExpressionError("the number is too long or too large for a 64-bit float", column)
        tokens.append(_Token(kind, what, column))
    return tokens


def _strange(character: str) -> str:
    """What to say of a character that has no place in an expression; look-alikes are named."""
    name = unicodedata.name(character, "unnamed character").lower()
    shown = repr(character)[1:-1]
    if character in "[]{}":
        return f"{shown} has no place here; group with ( and )"
    if character in "=;:.&|%!~@#$\\'\"`?":
        hints = {
            "=": "; compare with ==, or type the right side alone",
            ".": "; functions are written without np.",
            "%": "",
            "|": "; write abs(...)",
        }
        return f"{shown} has no place in an expression{hints.get(character, '')}"
    if unicodedata.category(character).startswith("L"):
        return f"{shown} is the {name}; names are written in plain Latin letters"
    return f"{shown} ({name}) has no place in an expression"


def _checked(tokens: list[_Token], variables: tuple[str, ...], end: int) -> list[_Token]:
    """The tokens with the multiplication signs that were left out (2x, 3(x + 1)); errors say what was expected."""
    found: list[_Token] = []
    opened: list[_Token | None] = []  # for each open parenthesis the name of its function, or None
    columns: list[int] = []
    operand = True  # whether an operand is expected now
    for token in tokens:
        kind, text, column = token
        word = text in KEYWORDS
        starts = kind == "number" or (kind == "name" and not word) or text == "(" or text == "not"
        if not operand and starts and text != "not":
            last = found[-1]
            calls = last.kind == "name" and text == "("
            if calls:
                if last.text in variables or last.text in CONSTANTS:
                    raise ExpressionError(f"{last.text} is not a function; write {last.text}*( to multiply", column)
            elif (last.kind == "number" and kind != "number") or last.text == ")":
                found.append(_Token("operator", "*", column))
            elif last.text in FUNCTIONS or last.text in ALIASES:
                raise ExpressionError(f"( is expected: the argument of {last.text} stands in parentheses", column)
            else:
                raise ExpressionError(f"an operator such as + or * is expected before {text}", column)
        elif operand and not starts and text not in ("+", "-"):
            if text == ")" and found and found[-1].text == "(" and opened and (function := opened[-1]):
                raise ExpressionError(f"{function.text}() lacks its argument", column)
            raise ExpressionError(f"{OPERAND} is expected before {text}", column)
        if text == "(":
            opened.append(found[-1] if found and found[-1].kind == "name" and found[-1].text not in KEYWORDS else None)
            columns.append(column)
        elif text == ")":
            if not opened:
                raise ExpressionError(") closes nothing; there is no ( before it", column)
            opened.pop()
            columns.pop()
        elif text == "," and not (opened and opened[-1]):
            raise ExpressionError(
                "a comma separates the arguments of a function only; decimals are written 1.5", column
            )
        operand = (kind == "operator" and text != ")") or word
        found.append(token)
    if operand:
        after = f" after {found[-1].text}" if found else ""
        raise ExpressionError(f"{OPERAND} is expected{after}", end)
    if columns:
        raise ExpressionError("this ( is never closed; ) is expected", columns[-1])
    return found


def _joined(tokens: list[_Token]) -> tuple[str, list[int]]:
    """The tokens as one text for `ast`, and the typed column of each of its characters."""
    source, columns = "", []
    for token in tokens:
        source += token.text + " "
        columns += [token.column] * (len(token.text) + 1)
    return source, columns


# --- from tokens to a tree


def _parsed(source: str, columns: list[int]) -> ast.expr:
    try:
        return ast.parse(source.strip(), mode="eval").body
    except SyntaxError as error:
        column = columns[min((error.offset or 1) - 1, len(columns) - 1)]
        said = "else is expected: write a if condition else b" if " if " in f" {source}" else "this is no expression"
        raise ExpressionError(said, column) from None
    except (RecursionError, MemoryError, ValueError):
        raise ExpressionError("the expression is nested too deeply", 0) from None


def _depth(tree: ast.AST) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return depth


def _condition(node: ast.AST) -> bool:
    """Whether the value of a node is true or false."""
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


class _Names(ast.NodeTransformer):
    """Refuses every node that is not listed, and replaces the aliases of functions."""

    ALLOWED = (
        *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Load),
        *(ast.operator, ast.unaryop, ast.cmpop, ast.boolop),
    )

    def __init__(self, variables: tuple[str, ...], columns: list[int]) -> None:
        self.variables, self.columns = variables, columns

    def refuse(self, node: ast.AST, message: str) -> ExpressionError:
        return ExpressionError(message, self.columns[min(getattr(node, "col_offset", 0), len(self.columns) - 1)])

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, self.ALLOWED):
            raise self.refuse(node, f"{type(node).__name__} has no place in an expression")
        conditions: list[ast.AST] = [node.test] if isinstance(node, ast.IfExp) else []
        if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            conditions = list(ast.iter_child_nodes(node))
        self.sorted(ast.iter_child_nodes(node), conditions)
        return super().generic_visit(node)

    def sorted(self, parts: Iterable[ast.AST], conditions: list[Any]) -> None:
        """Check that conditions stand where they belong, and nowhere else."""
        for part in parts:
            if isinstance(part, ast.expr) and _condition(part) != (part in conditions):
                wanted = "a condition such as x > 0 is expected" if part in conditions else "a condition is no number"
                raise self.refuse(part, f"{wanted} here")

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) not in (int, float):
            raise self.refuse(node, f"{node.value!r} is no number")
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.variables or node.id in CONSTANTS:
            return node
        if node.id in FUNCTIONS or node.id in ALIASES:
            raise self.refuse(node, f"{node.id} is a function; write {node.id}({self.variables[0]})")
        raise self.refuse(node, self.unknown(node.id, (*self.variables, *CONSTANTS)))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise self.refuse(node, "only the listed functions can be called")
        name = ALIASES.get(node.func.id, node.func.id)
        if name not in FUNCTIONS:
            raise self.refuse(node.func, self.unknown(node.func.id, (*FUNCTIONS, *ALIASES)))
        arity = FUNCTIONS[name].arity
        if len(node.args) != arity:
            takes = f"{arity} argument{'s' * (arity != 1)}"
            raise self.refuse(
                node, f"{node.func.id} takes {takes}; {len(node.args)} {'was' if len(node.args) == 1 else 'were'} given"
            )
        self.sorted(node.args, node.args[:1] if name == "where" else [])
        args: list[ast.expr] = [self.visit(arg) for arg in node.args]
        return ast.copy_location(ast.Call(ast.copy_location(ast.Name(name), node.func), args, []), node)

    def unknown(self, name: str, known: tuple[str, ...]) -> str:
        close = difflib.get_close_matches(name, known, 1)
        shown = name if len(name) <= 30 else name[:30] + "..."
        hint = f"did you mean {close[0]}?" if close else f"the variables are {' and '.join(self.variables)}"
        return f"{shown} is not known; {hint}"


# --- from the tree to a function

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _has_names(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Name) for part in ast.walk(node))


def _body(node: ast.expr) -> Body:
    """The function of a node: from the values of the variables to its own."""
    match node:
        case ast.Constant(value):
            return lambda _: value
        case ast.Name(id=name):
            if name in CONSTANTS:
                constant = CONSTANTS[name]
                return lambda _: constant
            return lambda values: values[name]
        case ast.UnaryOp(op, operand):
            inner = _body(operand)
            if isinstance(op, ast.USub):
                return lambda values: -inner(values)
            if isinstance(op, ast.Not):
                return lambda values: np.logical_not(inner(values))
            return inner
        case ast.BinOp(left, op, right):
            combine, a, b = BINARY[type(op)], _body(left), _body(right)
            if not _has_names(node):  # at once, and in floats: Python's integers have no end, and 1/0 is an error
                with np.errstate(all="ignore"):
                    folded = float(combine(np.float64(a({})), np.float64(b({}))))
                return lambda _: folded
            return lambda values: combine(a(values), b(values))
        case ast.Compare(left, ops, comparators):
            operands = [_body(left), *map(_body, comparators)]
            pairs = zip(ops, operands, operands[1:], strict=False)
            return _all([_compared(COMPARISONS[type(op)], a, b) for op, a, b in pairs], np.logical_and)
        case ast.BoolOp(op, parts):
            return _all([_body(part) for part in parts], np.logical_and if isinstance(op, ast.And) else np.logical_or)
        case ast.IfExp(test, then, other):
            condition, a, b = _body(test), *_branches(then, other)
            return lambda values: np.where(condition(values), a(values), b(values))
        case ast.Call(ast.Name(id=name), args):
            call, inners = FUNCTIONS[name].call, [_body(arg) for arg in args]
            if name == "where":
                inners[1:] = _branches(*args[1:])
            return lambda values: call(*[inner(values) for inner in inners])
    raise TypeError(f"not an expression: {ast.dump(node)}")


def _branches(*parts: ast.expr) -> list[Body]:
    """The two results of a condition; of whole numbers alone they are floats, since integers have no derivative."""
    return [_body(_real(part, parts)) for part in parts]


def _real(part: ast.expr, parts: Iterable[ast.expr]) -> ast.expr:
    return part if any(map(_has_names, parts)) else ast.Constant(float(_body(part)({})))


def _compared(compare: Callable[[Any, Any], Any], a: Body, b: Body) -> Body:
    return lambda values: compare(a(values), b(values))


def _all(parts: list[Body], join: Callable[[Any, Any], Any]) -> Body:
    first, *rest = parts

    def joined(values: dict[str, Any]) -> Any:
        result = first(values)
        for part in rest:
            result = join(result, part(values))
        return result

    return joined if rest else first


class _Python(ast.NodeTransformer):
    """The tree as a program would be written: NumPy's names, `np.where` for conditions."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if not _has_names(node):  # 9**9**9 in a program would not return, and 1/0 would raise
            value = _body(node)({})
            if not np.isfinite(value):
                return ast.Name(f"np.{value}")
            if isinstance(node.op, ast.Pow):
                return ast.Constant(value)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(f"np.{node.id}" if node.id in ("pi", "e") else "2 * np.pi" if node.id == "tau" else node.id)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)
        args = node.args
        if node.func.id == "where":
            args = [args[0], *(_real(arg, args[1:]) for arg in args[1:])]
        return ast.Call(ast.Name(FUNCTIONS[node.func.id].python), [self.visit(arg) for arg in args], [])

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self.visit_Call(ast.Call(ast.Name("where"), [node.test, node.body, node.orelse], []))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        operands = [self.visit(part) for part in (node.left, *node.comparators)]
        pairs = [ast.Compare(a, [op], [b]) for op, a, b in zip(node.ops, operands, operands[1:], strict=False)]
        return _called("np.logical_and", pairs)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        name = "np.logical_and" if isinstance(node.op, ast.And) else "np.logical_or"
        return _called(name, [self.visit(part) for part in node.values])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not):
            return ast.Call(ast.Name("np.logical_not"), [self.visit(node.operand)], [])
        return self.generic_visit(node)


def _called(name: str, parts: list[Any]) -> ast.expr:
    joined: ast.expr = parts[0]
    for part in parts[1:]:
        joined = ast.Call(ast.Name(name), [joined, part], [])
    return joined


def _python(tree: ast.expr) -> str:
    copy = ast.parse(ast.unparse(tree), mode="eval").body
    return ast.unparse(_Python().visit(copy))
