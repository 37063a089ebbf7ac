"""How Hypothesis learns to draw Tensors for `from_type`, without loading it where nobody uses it."""

from __future__ import annotations

import sys
from typing import Any

from autodiff.arrays.tensors import Tensor


def register_tensors() -> None:
    """If Hypothesis is loaded, let ``from_type(ad.Tensor)`` draw from `strategies.tensors`.

    A strategy that the user has registered stays. The strategies are loaded when the first Tensor is drawn.
    """
    if "hypothesis" not in sys.modules:
        return
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException

    try:
        st.from_type(Tensor).validate()
    except HypothesisException:  # nothing is registered, and it cannot be guessed from the arguments
        st.register_type_strategy(Tensor, _tensors)


def _tensors(_: Any) -> Any:
    from autodiff.testing.strategies.arrays import tensors

    return tensors()
