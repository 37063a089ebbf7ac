"""A small engine, as a class that the learner writes."""

from __future__ import annotations

from typing import Any

from demos.course.drawing import number
from demos.course.records import exercise


class Value:
    """A small engine for derivatives.

    Write a class: `Value(data)` holds a number in `.data` and its derivative in `.grad`, 0.0 at first. `a + b` and
    `a * b` of two Values give a Value. `y.backward()` sets y.grad to 1.0 and adds to the `.grad` of every Value
    that y was made of the derivative of y by it, also where a Value was used more than once.
    """

    def __init__(self, data: float, parents: tuple[Any, ...] = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other: Any) -> Any:
        """The sum."""
        return type(self)(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Any) -> Any:
        """The product."""
        return type(self)(self.data * other.data, ((self, other.data), (other, self.data)))

    def order(self) -> list[Any]:
        """All values this one was made of, itself last."""
        found: list[Any] = []

        def visit(v: Any) -> None:
            if all(v is not f for f in found):
                for parent, _ in v.parents:
                    visit(parent)
                found.append(v)

        visit(self)
        return found

    def backward(self) -> None:
        """The reverse sweep."""
        self.grad = 1.0
        for v in reversed(self.order()):
            for parent, local in v.parents:
                parent.grad += local * v.grad


def _expression(kind: Any, a: float, b: float) -> tuple[float, ...]:
    """``(a b + a) (a b)``: every value is used more than once."""
    x, y = kind(a), kind(b)
    product = x * y
    z = (product + x) * product
    z.backward()
    return z.data, x.grad, y.grad


class _Overwrites(Value):
    def backward(self) -> None:
        self.grad = 1.0
        for v in reversed(self.order()):
            for parent, local in v.parents:
                parent.grad = local * v.grad


class _Depth(Value):
    def backward(self) -> None:
        self.grad = 1.0
        self._down()

    def _down(self) -> None:
        for parent, local in self.parents:
            parent.grad += local * self.grad
            parent._down()


class _Own(Value):
    def __mul__(self, other: Any) -> Any:
        return type(self)(self.data * other.data, ((self, self.data), (other, other.data)))


class _NoSeed(Value):
    def backward(self) -> None:
        for v in reversed(self.order()):
            for parent, local in v.parents:
                parent.grad += local * v.grad


exercise(
    serves="Neural networks: chain rule in backpropagation",
    parts=("y.data", "a.grad", "b.grad"),
    use=_expression,
    draws={"(a*b + a) * (a*b)": lambda rng: (number(rng), number(rng)), "b = 0": lambda rng: (number(rng), 0.0)},
    example="(Value(2.0) * Value(3.0) + Value(1.0)).data",
    mistakes={
        "A Value that is used twice gets both derivatives, added: here the second overwrites the first.": _Overwrites,
        "A Value must have its whole derivative before it passes it on: the last made comes first.": _Depth,
        "In a product each factor gets the other one as its derivative.": _Own,
        "All derivatives are 0: `backward` must begin with y.grad = 1.0.": _NoSeed,
    },
    hints=(
        "Every Value keeps its parents, each with the local derivative.",
        "backward: sort the Values so that each comes after its parents, and go through them from the end.",
        "parent.grad += local derivative * v.grad",
    ),
    solution="""
class Value:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def backward(self):
        order = []

        def visit(value):
            if value not in order:
                for parent, _ in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for parent, local in value.parents:
                parent.grad += local * value.grad
""",
)(Value)
