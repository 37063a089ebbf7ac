"""Following a frame of the interpreter instruction by instruction, with a copy of its stack.

The interpreter reports every instruction before it runs it, but does not show its stack. So `Follower` keeps its own
copy. Values loaded from variables, constants, attributes and items are known; results of C functions are `UNKNOWN`.
Nothing is computed twice, and no user code is run.

Three things keep the copy in step. An instruction that is not known here has the effect that `dis` states. The depth of
the stack is known for every instruction, and the copy is adjusted to that depth. A value that was stored in a variable
is known again as soon as it is loaded.
"""

from __future__ import annotations

import dis
import functools
import itertools
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from autodiff.compiler.reading.holders import MISSING

UNKNOWN: Any = type("UNKNOWN", (), {"__repr__": lambda _: "<unknown>", "__slots__": ()})()
NULL: Any = type("NULL", (), {"__repr__": lambda _: "<null>", "__slots__": ()})()

_NULL_LAST = sys.version_info >= (3, 13)
_INPLACE = 13  # the first in-place operator in the numbering of `BINARY_OP`


class Reader(Protocol):
    """Receives what the instructions do; its return values are what the instructions push."""

    def read_global(self, frame: types.FrameType, name: str) -> object: ...
    def read_attribute(self, frame: types.FrameType, owner: Any, name: str) -> object: ...
    def read_item(self, frame: types.FrameType, owner: Any, key: Any) -> object: ...
    def used(self, frame: types.FrameType, value: Any) -> None: ...
    def compared(self, frame: types.FrameType, a: Any, b: Any) -> None: ...
    def computed(self, frame: types.FrameType, name: str, *operands: Any) -> object: ...
    def called(self, frame: types.FrameType, function: Any, args: list[Any], names: tuple[str, ...]) -> object: ...
    def writes(self, frame: types.FrameType, what: str, owner: Any, key: Any) -> None: ...
    def imported(self, frame: types.FrameType, name: str) -> object: ...


class Layout:
    """What is known about the instructions of a code object before it runs.

    Attributes
    ----------
    at : dict of int to Instruction
        The instruction at each offset.
    depth : dict of int to int
        The number of values on the stack before each instruction.
    """

    __slots__ = ("at", "depth")

    def __init__(self, code: types.CodeType) -> None:
        self.at = {i.offset: i for i in dis.get_instructions(code)}
        self.depth: dict[int, int] = {}
        offsets = sorted(self.at)
        after = dict(itertools.pairwise(offsets))
        waiting = [(0, 0)]
        handlers = _handlers(code)
        seen_handlers: set[int] = set()
        while waiting:
            offset, depth = waiting.pop()
            while offset in self.at and offset not in self.depth:
                self.depth[offset] = depth
                for start, stop, target, level, lasti in handlers:
                    if start <= offset < stop and target not in seen_handlers:
                        seen_handlers.add(target)
                        waiting.append((target, level + lasti + 1))
                i = self.at[offset]
                if i.opcode in dis.hasjrel or i.opcode in dis.hasjabs:
                    waiting.append((i.argval, depth + _effect(i, jump=True)))
                if i.opname in _ENDS:
                    break
                depth += _effect(i, jump=False)
                offset = after.get(offset, -1)


_ENDS = {
    "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD", "INTERPRETER_EXIT",
    "JUMP_BACKWARD_NO_INTERRUPT",
}  # fmt: skip


def _effect(i: dis.Instruction, *, jump: bool) -> int:
    if i.opname == "PRECALL":  # `dis` says that it pops the arguments, but CALL still needs them
        return 0
    if i.opname == "CALL" and sys.version_info < (3, 12):
        return -1 - (i.arg or 0)
    if i.opcode < dis.HAVE_ARGUMENT or i.arg is None:
        try:
            return dis.stack_effect(i.opcode, jump=jump)
        except ValueError:
            return dis.stack_effect(i.opcode, i.arg or 0, jump=jump)
    return dis.stack_effect(i.opcode, i.arg, jump=jump)


def _handlers(code: types.CodeType) -> list[tuple[int, int, int, int, bool]]:
    """The exception table: start, stop, handler, depth of the stack there, and whether the instruction is pushed."""
    data, found = iter(code.co_exceptiontable), []

    def number() -> int | None:
        byte = next(data, None)
        if byte is None:
            return None
        value = byte & 63
        while byte & 64:
            byte = next(data)
            value = value << 6 | byte & 63
        return value

    while (start := number()) is not None:
        length, target, level = number() or 0, number() or 0, number() or 0
        found.append((start * 2, (start + length) * 2, target * 2, level >> 1, bool(level & 1)))
    return found


@functools.lru_cache(maxsize=1024)
def layout_of(code: types.CodeType) -> Layout:
    """The layout of a code object."""
    return Layout(code)


class Follower:
    """Follows one frame.

    Parameters
    ----------
    frame : frame
    reader : Reader
    """

    __slots__ = ("_awaits", "_names", "_reader", "code", "layout", "returned", "stack")

    def __init__(self, frame: types.FrameType, reader: Reader) -> None:
        self.code, self.layout, self._reader = frame.f_code, layout_of(frame.f_code), reader
        self.stack: list[Any] = []
        self._names: tuple[str, ...] = ()
        self._awaits: types.CodeType | bool = False
        self.returned: Any = UNKNOWN

    def child_returned(self, code: types.CodeType, value: Any) -> None:
        """Note the result of Python code that the latest instruction has called."""
        if (self._awaits is True or self._awaits is code) and not code.co_flags & _SUSPENDS:
            self.returned = value

    def before(self, frame: types.FrameType) -> None:
        """Follow the instruction that the frame is about to run."""
        stack, offset = self.stack, frame.f_lasti
        if self.returned is not UNKNOWN and stack and stack[-1] is UNKNOWN:
            stack[-1] = self.returned
        self.returned, self._awaits = UNKNOWN, False
        depth = self.layout.depth.get(offset)
        if depth is not None:
            del stack[depth:]
            if len(stack) < depth:
                stack.extend([UNKNOWN] * (depth - len(stack)))
        instruction = self.layout.at.get(offset)
        if instruction is None:
            return
        handler = _HANDLERS.get(instruction.opname)
        if handler is not None:
            handler(self, frame, instruction)
            return
        if instruction.opname.startswith(_READS_TOP) and stack:
            self._reader.used(frame, stack[-1])
        try:
            change = _effect(instruction, jump=False)
        except ValueError:
            stack.clear()
            return
        if change < 0:
            del stack[change:]
        else:
            stack.extend([UNKNOWN] * change)
        if stack and instruction.opname not in _KEEPS_TOP:
            stack[-1] = UNKNOWN

    # --- the stack ---

    def pop(self) -> Any:
        """Remove the value on top, and return it."""
        return self.stack.pop() if self.stack else UNKNOWN

    def pops(self, n: int) -> list[Any]:
        """Remove the n values on top, and return them, the lowest first."""
        return [self.pop() for _ in range(n)][::-1]

    def _push(self, *values: Any) -> None:
        self.stack.extend(values)

    def _push_found(self, value: Any, is_called: bool) -> None:
        """Push what was found; if it is about to be called, with the empty place for `self`."""
        self._push(*((value,) if not is_called else (value, NULL) if _NULL_LAST else (NULL, value)))

    # --- variables and constants ---

    def _local(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._push(frame.f_locals.get(i.argval, UNKNOWN))

    def _two_locals(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._push(*(frame.f_locals.get(name, UNKNOWN) for name in i.argval))

    def _store_and_load(self, frame: types.FrameType, i: dis.Instruction) -> None:
        stored, loaded = i.argval
        value = self.pop()
        self._push(value if stored == loaded else frame.f_locals.get(loaded, UNKNOWN))

    def _constant(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._push(i.argval)

    def _global(self, frame: types.FrameType, i: dis.Instruction) -> None:
        value = self._reader.read_global(frame, i.argval)
        self._push_found(value, bool((i.arg or 0) & 1))

    def _name(self, frame: types.FrameType, i: dis.Instruction) -> None:
        found = frame.f_locals.get(i.argval, MISSING) if frame.f_locals is not frame.f_globals else MISSING
        self._push(self._reader.read_global(frame, i.argval) if found is MISSING else found)

    def _store_free(self, frame: types.FrameType, i: dis.Instruction) -> None:
        if i.opname.startswith("STORE"):
            self.pop()
        self._reader.writes(frame, "variable", frame, i.argval)

    def _store_global(self, frame: types.FrameType, i: dis.Instruction) -> None:
        if i.opname.startswith("STORE"):
            self.pop()
        self._reader.writes(frame, "global", frame.f_globals, i.argval)

    def _drop(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self.pop()

    def _drop_two(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self.pops(2)

    def _nothing(self, frame: types.FrameType, i: dis.Instruction) -> None:
        pass

    def _unknown(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._push(UNKNOWN)

    def _null(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._push(NULL)

    def _copy(self, frame: types.FrameType, i: dis.Instruction) -> None:
        n = i.arg or 1
        self._push(self.stack[-n] if len(self.stack) >= n else UNKNOWN)

    def _swap(self, frame: types.FrameType, i: dis.Instruction) -> None:
        n = i.arg or 1
        if len(self.stack) >= n:
            self.stack[-1], self.stack[-n] = self.stack[-n], self.stack[-1]

    # --- attributes, items ---

    def _attribute(self, frame: types.FrameType, i: dis.Instruction) -> None:
        owner, name = self.pop(), i.argval
        value = UNKNOWN if owner is UNKNOWN else self._reader.read_attribute(frame, owner, name)
        self._awaits = value is UNKNOWN  # perhaps a property, whose frame returns the value
        self._push_found(value, i.opname == "LOAD_METHOD" or (_HAS_METHODS and bool((i.arg or 0) & 1)))

    def _super(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self.pops(3)
        self._awaits = True  # what is read is seen in the frame of the base class's method
        self._push_found(UNKNOWN, bool((i.arg or 0) & 1))

    def _item(self, frame: types.FrameType, i: dis.Instruction) -> None:
        owner, key = self.pops(2)
        value = UNKNOWN if owner is UNKNOWN else self._reader.read_item(frame, owner, key)
        self._awaits = value is UNKNOWN
        self._push(value)

    def _slice(self, frame: types.FrameType, i: dis.Instruction) -> None:
        owner, start, stop = self.pops(3)
        known = owner is not UNKNOWN and start is not UNKNOWN and stop is not UNKNOWN
        if owner is not UNKNOWN:
            self._reader.read_item(frame, owner, slice(start, stop) if known else UNKNOWN)
        self._push(UNKNOWN)

    def _store_attribute(self, frame: types.FrameType, i: dis.Instruction) -> None:
        owner = self.pop()
        if i.opname.startswith("STORE"):
            self.pop()
        self._reader.writes(frame, "attribute", owner, i.argval)

    def _store_item(self, frame: types.FrameType, i: dis.Instruction) -> None:
        key, owner = self.pop(), self.pop()
        if i.opname.startswith("STORE"):
            self.pop()
        self._reader.writes(frame, "item", owner, key)

    def _store_slice(self, frame: types.FrameType, i: dis.Instruction) -> None:
        _, owner, start, stop = self.pops(4)
        self._reader.writes(frame, "item", owner, slice(start, stop))

    # --- operators ---

    def _binary(self, frame: types.FrameType, i: dis.Instruction) -> None:
        if i.opname == "BINARY_OP" and i.argrepr == "[]":
            self._item(frame, i)
            return
        a, b = self.pops(2)
        if i.opname == "BINARY_OP" and _INPLACE <= (i.arg or 0) < 2 * _INPLACE and a is not UNKNOWN:
            self._reader.writes(frame, "in place", a, i.argrepr)
        self._reader.used(frame, a)
        self._reader.used(frame, b)
        self._awaits = True
        self._push(self._reader.computed(frame, i.argval if i.opname == "COMPARE_OP" else i.argrepr.rstrip("="), a, b))

    def _is(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._reader.compared(frame, *self.pops(2))
        self._push(UNKNOWN)

    def _unary(self, frame: types.FrameType, i: dis.Instruction) -> None:
        value = self.pop()
        self._reader.used(frame, value)
        meaning = _OF_ONE.get(i.opname)
        self._push(UNKNOWN if meaning is None else self._reader.computed(frame, *meaning(value)))

    def _jump_if(self, frame: types.FrameType, i: dis.Instruction) -> None:
        value = self.pop()
        self._reader.used(frame, value)
        self._reader.computed(frame, "!=", value, 0)

    def _unpack(self, frame: types.FrameType, i: dis.Instruction) -> None:
        value, n = self.pop(), i.arg or 0
        self._reader.used(frame, value)
        known = type(value) in (tuple, list) and len(value) == n
        self._push(*(reversed(value) if known else [UNKNOWN] * n))

    def _build_tuple(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._push(tuple(self.pops(i.arg or 0)))

    def _build(self, frame: types.FrameType, i: dis.Instruction) -> None:
        if i.opname == "BUILD_CONST_KEY_MAP":
            self.pop()
        parts = self.pops((i.arg or 0) * (2 if i.opname == "BUILD_MAP" else 1))
        self._push(UNKNOWN if i.opname == "BUILD_STRING" else tuple(parts))  # the entries are enough, not the type

    def _text(self, frame: types.FrameType, i: dis.Instruction) -> None:
        for value in self.pops(2 if i.opname == "FORMAT_VALUE" and (i.arg or 0) & 4 else 1):
            self._reader.used(frame, value)
        self._push(UNKNOWN)

    def _import(self, frame: types.FrameType, i: dis.Instruction) -> None:
        _, names = self.pops(2)
        self._push(self._reader.imported(frame, i.argval) if names else UNKNOWN)

    def _import_from(self, frame: types.FrameType, i: dis.Instruction) -> None:
        owner = self.stack[-1] if self.stack else UNKNOWN
        self._push(UNKNOWN if owner is UNKNOWN else self._reader.read_attribute(frame, owner, i.argval))

    # --- calls ---

    def _keyword_names(self, frame: types.FrameType, i: dis.Instruction) -> None:
        self._names = self.code.co_consts[i.arg or 0]

    def _call(self, frame: types.FrameType, i: dis.Instruction) -> None:
        names, self._names = self._names, ()
        if i.opname == "CALL_KW":
            names = self.pop()
            names = () if names is UNKNOWN else names
        self._called(frame, self.pops((i.arg or 0) + 2), names)

    def _call_spread(self, frame: types.FrameType, i: dis.Instruction) -> None:
        keywords = self.pop() if _ALWAYS_KEYWORDS or (i.arg or 0) & 1 else {}
        args = self.pop()
        if not isinstance(args, tuple):
            self._reader.used(frame, args)
        given = list(args) if isinstance(args, (tuple, list)) else [UNKNOWN]
        names: tuple[str, ...] = ()
        if isinstance(keywords, dict) and all(isinstance(k, str) for k in keywords):
            names = tuple(keywords)
            given += keywords.values()
        self._called(frame, [*self.pops(2), *given], names)

    def _called(self, frame: types.FrameType, parts: list[Any], names: tuple[str, ...]) -> None:
        first, second, args = parts[0], parts[1], parts[2:]
        function = second if first is NULL else first
        if first is not NULL and second is not NULL and second is not UNKNOWN and first is not UNKNOWN:
            args = [second, *args]
        result = self._reader.called(frame, function, args, names)
        plain = function.__func__ if isinstance(function, types.MethodType) else function
        self._awaits = plain.__code__ if isinstance(plain, types.FunctionType) else False
        self._push(result)


_OF_ONE: dict[str, Callable[[Any], tuple[str, Any, Any]]] = {
    "UNARY_NEGATIVE": lambda x: ("-", 0, x),
    "UNARY_NOT": lambda x: ("==", x, 0),
    "TO_BOOL": lambda x: ("!=", x, 0),
}
"""What an operator of one number is in an operator of two."""
_SUSPENDS = 0x20 | 0x80 | 0x200  # generators, coroutines, asynchronous generators
_HAS_METHODS = sys.version_info >= (3, 12)
_ALWAYS_KEYWORDS = sys.version_info >= (3, 14)
_READS_TOP = (
    "LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE", "GET_LEN", "MATCH_", "UNPACK_EX", "CALL_INTRINSIC",
)  # fmt: skip
_KEEPS_TOP = {
    "LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE", "LIST_APPEND", "SET_ADD", "MAP_ADD", "CACHE",
    "EXTENDED_ARG", "NOT_TAKEN", "RESUME_CHECK",
}  # fmt: skip

Handler = Callable[[Follower, types.FrameType, dis.Instruction], None]


def _handlers_by_name() -> Iterator[tuple[str, Handler]]:
    table: dict[Handler, str] = {
        Follower._local: "LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_BORROW LOAD_DEREF LOAD_CLASSDEREF",
        Follower._two_locals: "LOAD_FAST_LOAD_FAST LOAD_FAST_BORROW_LOAD_FAST_BORROW",
        Follower._store_and_load: "STORE_FAST_LOAD_FAST",
        Follower._constant: "LOAD_CONST LOAD_SMALL_INT",
        Follower._global: "LOAD_GLOBAL",
        Follower._name: "LOAD_NAME",
        Follower._store_free: "STORE_DEREF DELETE_DEREF",
        Follower._store_global: "STORE_GLOBAL DELETE_GLOBAL",
        Follower._drop: "STORE_FAST STORE_NAME POP_TOP POP_ITER POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE "
        "POP_JUMP_FORWARD_IF_NONE POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_NONE "
        "POP_JUMP_BACKWARD_IF_NOT_NONE RETURN_VALUE",
        Follower._drop_two: "STORE_FAST_STORE_FAST",
        Follower._nothing: "RESUME PRECALL CACHE NOP EXTENDED_ARG MAKE_CELL COPY_FREE_VARS NOT_TAKEN "
        "DELETE_FAST DELETE_NAME JUMP_FORWARD JUMP_BACKWARD RETURN_CONST",
        Follower._unknown: "LOAD_CLOSURE LOAD_FAST_AND_CLEAR LOAD_BUILD_CLASS LOAD_LOCALS LOAD_COMMON_CONSTANT "
        "FOR_ITER",
        Follower._null: "PUSH_NULL",
        Follower._copy: "COPY",
        Follower._swap: "SWAP",
        Follower._attribute: "LOAD_ATTR LOAD_METHOD",
        Follower._super: "LOAD_SUPER_ATTR",
        Follower._item: "BINARY_SUBSCR",
        Follower._slice: "BINARY_SLICE",
        Follower._store_attribute: "STORE_ATTR DELETE_ATTR",
        Follower._store_item: "STORE_SUBSCR DELETE_SUBSCR",
        Follower._store_slice: "STORE_SLICE",
        Follower._binary: "BINARY_OP COMPARE_OP CONTAINS_OP",
        Follower._is: "IS_OP",
        Follower._unary: "UNARY_NOT UNARY_NEGATIVE UNARY_POSITIVE UNARY_INVERT TO_BOOL LIST_TO_TUPLE GET_ITER "
        "GET_YIELD_FROM_ITER",
        Follower._jump_if: "POP_JUMP_IF_TRUE POP_JUMP_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE "
        "POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_BACKWARD_IF_FALSE",
        Follower._unpack: "UNPACK_SEQUENCE",
        Follower._build_tuple: "BUILD_TUPLE",
        Follower._build: "BUILD_LIST BUILD_SET BUILD_MAP BUILD_STRING BUILD_CONST_KEY_MAP",
        Follower._text: "FORMAT_VALUE FORMAT_SIMPLE CONVERT_VALUE",
        Follower._import: "IMPORT_NAME",
        Follower._import_from: "IMPORT_FROM",
        Follower._keyword_names: "KW_NAMES",
        Follower._call: "CALL CALL_KW",
        Follower._call_spread: "CALL_FUNCTION_EX",
    }
    for handler, names in table.items():
        for name in names.split():
            yield name, handler


_HANDLERS: dict[str, Handler] = dict(_handlers_by_name())
