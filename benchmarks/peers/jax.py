"""JAX: every step is one function under `jax.jit`, and waits until its results are ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.ordinary import jax as ordinary
from benchmarks.workloads import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    ADAM_LEARNING_RATE,
    SCALAR_POINT,
    W2_LEARNING_RATE,
    W5_LEARNING_RATE,
    W5_MOMENTUM,
    Array,
    elementwise,
    elementwise_point,
    rosenbrock,
    rosenbrock_point,
    scalar_expression,
    task,
)

jax.config.update("jax_enable_x64", True)  # W1 is float64; all other inputs are float32 and stay so

Arrays = Sequence[Any]
Update = Callable[[Arrays, Arrays, Any], tuple[Arrays, Any]]


def _arrays(tree: Any) -> list[Array]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def scalar() -> Step:
    """W1."""
    function = jax.jit(jax.value_and_grad(lambda ab: scalar_expression(ab[0], ab[1], jax.nn.relu)))
    gradient: list[Any] = []

    def run() -> Any:
        value, gradient[:] = jax.block_until_ready(function(SCALAR_POINT))
        return value

    return Step(run, lambda: _arrays(gradient))


def elementwise_chain() -> Step:
    """W6."""
    x = jnp.asarray(elementwise_point())
    both = jax.jit(jax.value_and_grad(lambda x: elementwise(x, jnp)))
    gradient: Any = None

    def run() -> Any:
        nonlocal gradient
        value, gradient = jax.block_until_ready(both(x))
        return value

    return Step(run, lambda: [np.asarray(gradient)])


def _logits(parameters: Arrays, x: Any) -> Any:
    *hidden, (weight, bias) = zip(parameters[::2], parameters[1::2], strict=True)
    for w, b in hidden:
        x = jax.nn.relu(x @ w + b)
    return x @ weight + bias


def mean_square(parameters: Arrays, x: Any, y: Any) -> Any:
    """The loss of W2."""
    return jnp.mean((_logits(parameters, x) - y) ** 2)


def cross_entropy(parameters: Arrays, x: Any, y: Any) -> Any:
    """The loss of W3 and W4."""
    return _entropy(_logits(parameters, x), y)


def _entropy(logits: Any, y: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))


def convolutional_entropy(parameters: Arrays, x: Any, y: Any) -> Any:
    """The loss of W5."""
    for weight, bias in (parameters[:2], parameters[2:4]):
        x = jax.lax.conv_general_dilated(x, weight, (1, 1), "VALID") + bias[:, None, None]
        x = jax.lax.reduce_window(jax.nn.relu(x), -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return _entropy(_logits(parameters[4:], x.reshape(len(x), -1)), y)


def recurrent_loss(parameters: Arrays, x: Any, y: Any) -> Any:
    """The loss of W8, as a scan over the steps, which are the first axis of `x`."""
    by_input, by_state, bias = parameters
    start = jnp.zeros_like(y)
    last, _ = jax.lax.scan(lambda h, x: (jnp.tanh(x + h @ by_state), None), start, x @ by_input + bias)
    return jnp.mean((last - y) ** 2)


def recurrent() -> Step:
    """W8: loss and gradient."""
    given = task("W8")
    x, y = jnp.asarray(given.inputs.swapaxes(0, 1)), jnp.asarray(given.targets)
    parameters = [jnp.asarray(p) for p in given.parameters]
    both = jax.jit(jax.value_and_grad(recurrent_loss))
    gradient: Any = None

    def run() -> Any:
        nonlocal gradient
        value, gradient = jax.block_until_ready(both(parameters, x, y))
        return value

    return Step(run, lambda: _arrays(gradient))


def descent(parameters: Arrays, gradient: Arrays, state: None) -> tuple[Arrays, None]:
    """The update of W2."""
    return [p - W2_LEARNING_RATE * g for p, g in zip(parameters, gradient, strict=True)], state


def momentum(parameters: Arrays, gradient: Arrays, state: Any) -> tuple[Arrays, Any]:
    """The update of W5; its state is the velocity."""
    velocity = [W5_MOMENTUM * v + g for v, g in zip(state[0], gradient, strict=True)]
    return [p - W5_LEARNING_RATE * v for p, v in zip(parameters, velocity, strict=True)], (velocity,)


def adam(parameters: Arrays, gradient: Arrays, state: Any) -> tuple[Arrays, Any]:
    """The update of W3 and W4; its state is None, or both moments and the count of steps."""
    first, second, count = state
    count = count + 1
    first = [ADAM_BETA1 * m + (1 - ADAM_BETA1) * g for m, g in zip(first, gradient, strict=True)]
    second = [ADAM_BETA2 * v + (1 - ADAM_BETA2) * g * g for v, g in zip(second, gradient, strict=True)]
    rate = ADAM_LEARNING_RATE / (1 - ADAM_BETA1**count)
    scale = jnp.sqrt(1 - ADAM_BETA2**count)
    moved = [
        p - rate * m / (jnp.sqrt(v) / scale + ADAM_EPSILON) for p, m, v in zip(parameters, first, second, strict=True)
    ]
    return moved, (first, second, count)


def training(name: str, loss_function: Callable[[Arrays, Any, Any], Any], update: Update, *, fed: bool = False) -> Step:
    """Loss, gradient and update in one compiled function, which may overwrite the old parameters.

    The batch is on the device already; or, as in training, each step is fed from NumPy and its loss is read.
    """
    given = task(name)
    x, y = (given.inputs, given.targets) if fed else (jnp.asarray(given.inputs), jnp.asarray(given.targets))

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters: Arrays, state: Any, x: Any, y: Any) -> tuple[Any, Arrays, Any]:
        loss, gradient = jax.value_and_grad(loss_function)(parameters, x, y)
        return loss, *update(parameters, gradient, state)

    parameters: Any = [jnp.array(p) for p in given.parameters]
    zeros = partial(jax.tree.map, jnp.zeros_like, parameters)
    states: dict[Update, Any] = {descent: None, momentum: (zeros(),), adam: (zeros(), zeros(), jnp.float32(0))}
    state = states[update]

    def run() -> Any:
        nonlocal parameters, state
        loss, parameters, state = jax.block_until_ready(step(parameters, state, x, y))
        return float(loss) if fed else loss

    return Step(run, lambda: _arrays(parameters))


def tanh_loss(parameters: Arrays, x: Any, y: Any) -> Any:
    """The loss of W7."""
    w1, b1, w2, b2, w3, b3 = parameters
    h = jnp.tanh(jnp.tanh(x @ w1 + b1) @ w2 + b2)
    return jnp.mean((h @ w3 + b3 - y) ** 2)


def hessian_vector_product() -> Step:
    """W7: forward over reverse."""
    inputs, targets, parameters, direction = jax.tree.map(jnp.asarray, task("W7"))
    product: Any = None

    @jax.jit
    def multiply(parameters: Arrays, direction: Arrays, x: Any, y: Any) -> Any:
        return jax.jvp(lambda p: jax.grad(tanh_loss)(p, x, y), (parameters,), (direction,))[1]

    def run() -> None:
        nonlocal product
        product = jax.block_until_ready(multiply(parameters, direction, inputs, targets))

    return Step(run, lambda: _arrays(product))


def further_product() -> Step:
    """W7-further: the gradient is linearised once, and the linear map is compiled."""
    inputs, targets, parameters, direction = jax.tree.map(jnp.asarray, task("W7"))
    multiply = jax.jit(jax.linearize(lambda p: jax.grad(tanh_loss)(p, inputs, targets), parameters)[1])
    product: Any = None

    def run() -> None:
        nonlocal product
        product = jax.block_until_ready(multiply(direction))

    return Step(run, lambda: _arrays(product))


def rosenbrock_hessian() -> Step:
    """W7b."""
    point, hessian = jnp.asarray(rosenbrock_point()), jax.jit(jax.hessian(rosenbrock))
    result: Any = None

    def run() -> None:
        nonlocal result
        result = hessian(point).block_until_ready()

    return Step(run, lambda: _arrays(result))


STEPS = {
    "W1": scalar,
    "W2": partial(training, "W2", mean_square, descent),
    "W3": partial(training, "W3", cross_entropy, adam),
    "W4": partial(training, "W4", cross_entropy, adam),
    "W3-fed": partial(training, "W3", cross_entropy, adam, fed=True),
    "W4-fed": partial(training, "W4", cross_entropy, adam, fed=True),
    "W5": partial(training, "W5", convolutional_entropy, momentum),
    "W6": elementwise_chain,
    "W7": hessian_vector_product,
    "W7-further": further_product,
    "W7b": rosenbrock_hessian,
    "W8": recurrent,
    **ordinary.STEPS,
}
