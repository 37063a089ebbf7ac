"""Data frames and other libraries' arrays: in operators, models, losses and transforms, and Tensors handed to them."""

import re

import numpy as np
import pytest
import scipy.special

import autodiff as ad
import nn
import optim
from tests.neighbours import loaded, shows

VALUES = np.array([1.0, 2.0, 3.0])


def tracked():
    return ad.tensor([0.5, -1.0, 2.0], requires_grad=True)


def weighted(operation, x, other):
    """The gradient of a sum over an operator, as it is and by NumPy."""
    weights = np.array([1.0, -2.0, 0.5])
    t = ad.tensor(x.data, requires_grad=True)
    y = operation(t, other)
    assert type(y) is ad.Tensor, type(y)
    (y * weights).sum().backward()
    return y.data, t.grad


OPERATORS = {
    "+": (lambda t, x: t + x, lambda t, x: x + t),
    "-": (lambda t, x: t - x, lambda t, x: x - t),
    "*": (lambda t, x: t * x, lambda t, x: x * t),
    "/": (lambda t, x: t / x, lambda t, x: x / t),
    "**": (lambda t, x: np.abs(t) ** x, lambda t, x: x ** np.abs(t)),
    "%": (lambda t, x: t % x, lambda t, x: x % t),
}


def check_operators(other, right=True, left=True):
    """All operators with an array of another library do what they do with NumPy's."""
    for both in OPERATORS.values():
        for operation in both[0 if right else 1 : 2 if left else 1]:
            ours, numpys = weighted(operation, tracked(), other), weighted(operation, tracked(), np.asarray(other))
            np.testing.assert_array_equal(ours, numpys)
    t = tracked()
    for compared in (t < other, t >= other, t == other, *((other > t,) if left else ())):
        assert type(compared) is ad.Tensor and compared.dtype == bool
    np.testing.assert_array_equal(weighted(np.multiply, t, other), weighted(np.multiply, t, VALUES))
    np.testing.assert_allclose((t @ other).data, t.data @ VALUES)
    for f in FUNCTIONS:
        ours, numpys = (ad.grad(lambda t, x=x, f=f: np.sum(f(t, x)))(t.data) for x in (other, np.asarray(other)))
        np.testing.assert_array_equal(ours, numpys)


FUNCTIONS = [  # that take their operands apart, so that a method of the other library's would be met
    np.outer,
    np.kron,
    np.convolve,
    np.append,
    np.cov,
    np.polyval,
    lambda t, x: np.cross(t, x) ** 2,
    lambda t, x: np.trapezoid(t, x),
    lambda t, x: np.gradient(t, x) ** 2,
    lambda t, x: np.interp(t, x, x) ** 2,
    lambda t, x: np.average(t, weights=x),
    lambda t, x: np.insert(t, 1, x) ** 2,
    lambda t, x: np.where(x, t, x) ** 2,
    lambda t, x: np.meshgrid(t, x)[0] ** 2,
    lambda t, x: t.at[:].add(x) ** 2,
    scipy.special.jv,
    ad.special.xlogy,
]


def check_transforms(other):
    """A transform takes it for a point, and gives an array."""
    expected = np.cos(VALUES) * VALUES + np.sin(VALUES)
    f = lambda x: np.sum(np.sin(x) * x)
    for gradient in (ad.grad(f)(other), ad.value_and_grad(f)(other)[1], ad.jacobian(f)(other)):
        assert type(gradient) is np.ndarray
        np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    assert ad.hessian(f)(other).shape == (3, 3)
    np.testing.assert_allclose(ad.jvp(f, (other,), (other,))[1], expected @ VALUES, rtol=1e-6)


def check_network(inputs, targets, labels):
    """Inputs, targets and labels of layers, losses and `fit`."""
    x, y, classes = np.arange(6.0).reshape(3, 2), VALUES, np.array([0, 2, 1])
    nn.manual_seed(0)
    model = nn.Linear(2, 3)
    np.testing.assert_array_equal(model(inputs).data, model(x).data)
    loss = nn.cross_entropy(model(inputs), labels)
    loss.backward()
    gradient = model.weight.grad.copy()
    model.zero_grad()
    nn.cross_entropy(model(x), classes).backward()
    np.testing.assert_array_equal(gradient, model.weight.grad)
    assert nn.accuracy(model(inputs), labels) == nn.accuracy(model(x), classes)
    t = tracked()
    nn.mse_loss(t, targets).backward()
    np.testing.assert_allclose(t.grad, 2 * (t.data - y) / 3)
    optimizer = optim.GradientDescent(model.parameters(), 0.01)
    history = nn.fit(model, optimizer, nn.cross_entropy, (inputs, labels), epochs=1, batch_size=2)
    assert np.isfinite(history["loss"][0])


# --- pandas


@shows(
    "pandas",
    "`series * tensor`, `tensor - frame`, `np.outer(tensor, series)`: operators on both sides, NumPy's functions",
    "a Tensor; gradients right",
)
def test_columns_in_operators(library):
    check_operators(library.Series(VALUES, index=[7, 8, 9], name="s"))
    check_operators(library.Index(VALUES))
    frame = library.DataFrame({"a": VALUES, "b": VALUES + 1})
    t = ad.tensor(np.ones((3, 2)), requires_grad=True)
    for y in (t * frame, frame * t, np.multiply(frame, t)):
        np.testing.assert_array_equal(ad.gradients(y.sum(), [t])[0], frame.to_numpy())


@shows("pandas", "`ad.grad(f)(series)`, `ad.hessian`, `ad.jvp`", "an array, in the order of the entries")
def test_columns_as_points(library):
    check_transforms(library.Series(VALUES, index=list("abc")))


@shows("pandas", "frames and series as inputs, targets and labels of layers, losses, `nn.fit`", "as arrays")
def test_frames_in_networks(library):
    frame = library.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"])
    check_network(frame, library.Series(VALUES, index=[3, 4, 5]), library.Series([0, 2, 1], index=[3, 4, 5]))


@shows("pandas", "`frame @ tensor`, `pd.Series(tensor)` of a tracked Tensor", "UntrackedError; untracked ones work")
def test_frames_made_of_tensors(library):
    frame = library.DataFrame({"a": VALUES, "b": VALUES})
    for lost in (
        lambda: frame.T @ tracked(),
        lambda: library.Series(tracked()),
        lambda: library.DataFrame({"a": tracked()}),
    ):
        with pytest.raises(ad.UntrackedError, match="drop its gradient silently"):
            lost()
    with pytest.raises(ad.UntrackedError, match=r"Write np.dot\(frame, x\)"):
        frame.T @ tracked()
    np.testing.assert_array_equal(ad.grad(lambda t: np.sum(np.dot(frame.T, t)))(VALUES), 2 * VALUES)
    assert library.Series(tracked().detach()).sum() == 1.5
    assert (tracked() @ frame).requires_grad


@shows("pandas", "a frame with columns of text, of dates, of mixed dtypes", "DtypeError that names the columns")
def test_columns_of_text_are_named(library):
    frame = library.DataFrame(
        {"height": [1.0, 2.0], "city": ["x", "y"], "born": library.to_datetime(["2020-01-01"] * 2)}
    )
    for call in (ad.tensor, nn.Linear(3, 1), lambda x: np.add(ad.tensor(1.0), x), lambda x: ad.tensor(1.0) * x):
        with pytest.raises(ad.DtypeError, match=r"pandas.DataFrame.*'city' \(.*'born' \(.*from_table"):
            call(frame)
    model = nn.Linear(3, 1)
    with pytest.raises(ad.DtypeError, match=r"fit: data\[0\] holds text or objects.*'city'"):
        nn.fit(model, optim.GradientDescent(model.parameters(), 0.1), nn.mse_loss, (frame, [1.0, 2.0]))
    with pytest.raises(ad.DtypeError, match=r"dtypes bool, float64.*\.astype\(float\)"):
        ad.tensor(library.DataFrame({"a": [1.0], "b": [True]}))
    with pytest.raises(ad.DtypeError, match=r"pandas.Series of dtype category.*np.unique"):
        ad.tensor(library.Series(["a", "b"], dtype="category"))


# --- polars


@shows("polars", "`tensor * series`, `np.multiply(tensor, series)`, `tensor < series`", "a Tensor; gradients right")
def test_polars_columns_in_operators(library):
    check_operators(library.Series(VALUES), left=False)


@shows("polars", "`series * tensor`, `pl.Series(tensor)`", "polars' own TypeError, which names our class")
def test_polars_first(library):
    for refused in (lambda: library.Series(VALUES) * tracked(), lambda: library.Series(tracked())):
        with pytest.raises(TypeError, match="Tensor"):
            refused()


@shows("polars", "`ad.grad(f)(series)`, layers, losses, `nn.fit`; text is named", "as arrays")
def test_polars_elsewhere(library):
    check_transforms(library.Series(VALUES))
    frame = library.DataFrame({"a": [0.0, 2.0, 4.0], "b": [1.0, 3.0, 5.0]})
    check_network(frame, library.Series(VALUES), library.Series([0, 2, 1]))
    with pytest.raises(ad.DtypeError, match=r"polars.DataFrame.*'city'"):
        ad.tensor(library.DataFrame({"a": [1.0], "city": ["x"]}))


# --- torch, JAX


@pytest.mark.ci
@shows(
    "torch",
    "tensors in operators on both sides, NumPy's functions, `ad.grad`, layers, losses, `nn.fit`",
    "as arrays; no gradient crosses",
)
def test_torch_tensors(library):
    check_operators(library.tensor(VALUES))
    check_transforms(library.tensor(VALUES))
    x = library.arange(6.0).reshape(3, 2)
    check_network(x, library.tensor(VALUES), library.tensor([0, 2, 1]))


@pytest.mark.ci
@shows("torch", "a torch tensor that requires a gradient", "UnsupportedError that names `torch.Tensor`")
def test_torch_tensors_with_a_gradient(library):
    theirs = library.tensor(VALUES, requires_grad=True)
    calls = [lambda: tracked() * theirs, lambda: theirs + tracked(), lambda: np.add(tracked(), theirs)]
    calls += [lambda: ad.tensor(theirs), lambda: ad.grad(np.sum)(theirs), lambda: nn.ReLU()(theirs)]
    for call in [*calls, lambda: nn.Linear(3, 1)(theirs), lambda: nn.mse_loss(tracked(), theirs)]:
        with pytest.raises(ad.UnsupportedError, match=r"a torch\.Tensor cannot be taken as an array.*detach"):
            call()


@pytest.mark.ci
@shows(
    "torch",
    "`torch.from_dlpack`, `torch.tensor`, `torch.as_tensor` of a Tensor, also 0-d",
    "shared or copied; UntrackedError if tracked",
)
def test_tensors_for_torch(library):
    for make in (library.from_dlpack, library.tensor, library.as_tensor):
        for t in (ad.tensor(VALUES), ad.tensor(2.0), ad.tensor([1, 2])):
            np.testing.assert_array_equal(make(t).numpy(), t.data)
        with pytest.raises(ad.UntrackedError):
            make(tracked())
        with pytest.raises(ad.UntrackedError):
            make(tracked().sum())


@pytest.mark.ci
@shows(
    "jax",
    "arrays in operators on both sides, NumPy's functions, `ad.grad`, layers, losses, `nn.fit`",
    "as arrays; no gradient crosses",
)
def test_jax_arrays(library):
    values = library.numpy.asarray(VALUES, dtype="float32")
    check_operators(values)
    check_transforms(values)
    x = library.numpy.arange(6.0).reshape(3, 2)
    check_network(x, values, library.numpy.asarray([0, 2, 1]))


@pytest.mark.ci
@shows("jax", "a Tensor inside of `jax.jit` or `jax.grad`", "UnsupportedError that names JAX's tracer")
def test_tensors_in_jax_transforms(library):
    u = ad.tensor(VALUES)
    for transformed in (library.jit(lambda v: u * v), library.grad(lambda v: (u * v).sum().item())):
        with pytest.raises(ad.UnsupportedError, match=r"a jax\.\w+Tracer cannot be taken as an array"):
            transformed(library.numpy.ones(3))


@pytest.mark.ci
@shows("jax", "`jnp.from_dlpack`, `jnp.asarray` of a Tensor, also 0-d", "an array; UntrackedError if tracked")
def test_tensors_for_jax(library):
    for make in (library.numpy.from_dlpack, library.numpy.asarray):
        for t in (ad.tensor(np.float32(2.0)), ad.tensor(VALUES.astype(np.float32))):
            np.testing.assert_array_equal(np.asarray(make(t)), t.data)
        with pytest.raises(ad.UntrackedError):
            make(tracked())


# --- pictures


@shows("PIL", "`Image.fromarray(tensor)`", "AttributeError that says `np.asarray(x)`, with which it works")
def test_images(library):
    from_array = loaded("PIL.Image").fromarray
    pixels = ad.tensor(np.eye(4, dtype=np.float32))
    with pytest.raises(AttributeError, match=re.escape("give its array, np.asarray(x)")):
        from_array(pixels)
    assert from_array(np.asarray(pixels)).size == (4, 4)
    with pytest.raises(ad.UntrackedError):
        from_array(np.asarray(ad.tensor(np.eye(4), requires_grad=True)))


@shows(
    "matplotlib", "`plot`, `bar`, `imshow`, `scatter`, `hist`, ... of untracked Tensors, and drawing", "as with arrays"
)
def test_pictures_of_tensors(library):
    library.use("Agg")
    plt = loaded("matplotlib.pyplot")
    u = ad.tensor(VALUES)
    figure, axes = plt.subplots()
    axes.plot(u, u**2)
    axes.bar(u, u, color="green", label="bars")
    axes.barh(u, u)
    axes.scatter(u, u, c=u, s=u)
    axes.hist(u)
    axes.errorbar(u, u, yerr=u)
    axes.fill_between(u, u, 2 * u)
    axes.imshow(np.outer(u, u))
    axes.contourf(np.outer(u, u))
    axes.quiver(u, u, u, u)
    axes.text(u[0], u[1], "here")
    axes.set_xlim(u[0], u[2])
    figure.canvas.draw()
    plt.close(figure)


@shows("matplotlib", "the same of tracked Tensors", "UntrackedError, which says `x.data`")
def test_pictures_of_tracked_tensors(library):
    library.use("Agg")
    plt = loaded("matplotlib.pyplot")
    figure, axes = plt.subplots()
    for draw in (axes.hist, lambda t: axes.plot(t, t), lambda t: axes.bar(t, t), lambda t: axes.imshow(t[None])):
        with pytest.raises(ad.UntrackedError, match=r"x\.data"):
            draw(tracked())
    plt.close(figure)
