"""What a random program is: arguments, state, steps, outputs, and how it is called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """An argument: how its values are made at each call, in which layout at first and later."""

    name: str
    seed: int
    shape: tuple[int, ...]
    dtype: str
    layouts: tuple[str, str]


@dataclass(frozen=True)
class State:
    """What the function closes over: an array, a Tensor, a leaf or a number; `change` is done between two calls."""

    name: str
    made: str
    change: str
    seen: str


@dataclass(frozen=True)
class Step:
    """A line of the function, the values that it makes, and the names that it reads."""

    text: str
    makes: tuple[str, ...]
    reads: frozenset[str]


@dataclass(frozen=True)
class Program:
    """A random function, its state, and how it is called. `writing` makes source of it."""

    seed: int
    kind: str
    holder: str
    arguments: tuple[Argument, ...]
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    structure: str
    n: tuple[int, int] | None
    zero_grad: bool
    changes: tuple[tuple[int, str], ...]  # (before which call, name of the state)
    relaid: tuple[int, ...]  # the calls whose arguments lie otherwise in memory
    calls: int
    argnums: tuple[int, ...] = ()  # by which it is differentiated
    loss: str = ""
    packed: bool = False  # the arguments come in one dict
    hard: int = 0  # the call whose arguments hold NaN and infinity
    directions: tuple[str, ...] = ()
    turn: str = ""  # another way to call the same: see `composing.TURNS`
    aliased: bool = False  # the second argument is the first
