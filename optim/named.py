"""The base of optimisers and schedules: it answers names of other libraries with those used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from autodiff import names


class Named:
    """An object that says what an attribute, or a keyword of its constructor, is called here.

    Attributes
    ----------
    called : str
        How an object of the class is made.
    answers : str
        The table of attributes, in ``optim.names``.
    """

    called: ClassVar[str] = "optim.{name}(model.parameters(), {keywords})"
    answers: ClassVar[str] = "OPTIMIZER"

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__module__.startswith("optim."):  # the constructors of other people's optimisers are their own
            names.answering(cls, cls.called, lambda: _tables().KEYWORDS)

    if not TYPE_CHECKING:  # a checker that saw them would accept every attribute

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and not hasattr(type(self), name):
                row = getattr(_tables(), self.answers).get(name)
                if row is not None:
                    raise AttributeError(names.told(type(self).__name__, f".{name}", row), name=name)
            return object.__getattribute__(self, name)  # the error as it would be, also that of a property

        def __setattr__(self, name: str, value: Any) -> None:
            if name in ("lr", "param_groups"):  # it would change nothing, in silence
                row = _tables().OPTIMIZER[name]
                raise AttributeError(names.told(type(self).__name__, f".{name}", row), name=name)
            object.__setattr__(self, name, value)

    def _refuse(self, method: str, given: Mapping[str, Any]) -> NoReturn:
        """Raise the error for keywords that a method does not take."""
        accepted = names.keywords_of(getattr(type(self), method))
        names.refuse(
            f"{type(self).__name__}.{method}", f"optimizer.{method}({{}})", given, accepted, _tables().KEYWORDS
        )


def _tables() -> Any:
    import optim.names  # only for a name that does not exist

    return optim.names
