"""A training step of every kind of layer is the same compiled: losses, parameters, running averages, random numbers."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

RNG = np.random.default_rng(0)
IMAGES, SEQUENCES = RNG.normal(size=(2, 1, 8, 8)), RNG.normal(size=(2, 5, 8))
TOKENS, VECTORS = RNG.integers(0, 10, (2, 5)), RNG.normal(size=(4, 8))
F = np.float64

MODELS = {
    "convolution": (
        lambda: [nn.Conv2d(1, 3, 3, padding=1, stride=2, dtype=F), nn.ReLU(), nn.Conv2d(3, 2, 2, dtype=F)],
        IMAGES,
    ),
    "batch norm": (
        lambda: [nn.Conv2d(1, 3, 3, dtype=F), nn.BatchNorm2d(3, dtype=F), nn.MaxPool2d(2), nn.Flatten()],
        IMAGES,
    ),
    "group norm": (
        lambda: [nn.Conv2d(1, 4, 3, dtype=F), nn.GroupNorm(2, 4, dtype=F), nn.SiLU(), nn.AvgPool2d(2)],
        IMAGES,
    ),
    "layer norm, dropout": (
        lambda: [nn.LayerNorm(8, dtype=F), nn.GELU(), nn.Dropout(0.3), nn.RMSNorm(8, dtype=F)],
        VECTORS,
    ),
    "transformer": (lambda: [nn.TransformerBlock(8, 2, dtype=F)], SEQUENCES),
    "rnn": (lambda: [nn.RNN(8, 4, dtype=F)], SEQUENCES),
    "gru": (lambda: [nn.GRU(8, 4, bidirectional=True, dtype=F)], SEQUENCES),
    "embedding, lstm": (
        lambda: [nn.Embedding(10, 8, dtype=F), nn.LSTM(8, 4, num_layers=2, dropout=0.2, dtype=F)],
        TOKENS,
    ),
    "activations": (
        lambda: [nn.Linear(8, 8, dtype=F), nn.ELU(), nn.LeakyReLU(), nn.Softplus(), nn.Hardswish(), nn.LogSoftmax()],
        VECTORS,
    ),
    "residual": (lambda: [nn.Residual(nn.Sequential(nn.Linear(8, 8, dtype=F), nn.Tanh()))], VECTORS),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_training_step_is_the_same_compiled(name):
    layers, x = MODELS[name]
    found = []
    for wrap in (lambda f: f, ad.compile):
        nn.manual_seed(1)
        model = nn.Sequential(*layers())
        optimizer = optim.Momentum(model.parameters(), 0.05)

        def step(x, model=model, optimizer=optimizer):
            y = model(x)
            y = y[0] if isinstance(y, tuple) else y
            loss = (y * y).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        nn.manual_seed(3)
        losses = [run(x).item() for _ in range(4)]
        model.eval()  # another trace
        found.append((losses, model.state_dict(), run(x).item()))
    (losses, state, last), (compiled_losses, compiled_state, compiled_last) = found
    assert (compiled_losses, compiled_last) == (losses, last)
    for key in state:
        np.testing.assert_array_equal(compiled_state[key], state[key], err_msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_training_through_a_compiled_model_is_the_same(name):
    layers, x = MODELS[name]
    found = []
    for wrap in (lambda f: f, ad.compile):
        nn.manual_seed(1)
        model = nn.Sequential(*layers())
        optimizer = optim.Momentum(model.parameters(), 0.05)
        run = wrap(model)
        nn.manual_seed(3)
        losses = []
        for _ in range(4):
            y = run(x)
            loss = ((y[0] if isinstance(y, tuple) else y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        found.append((losses, model.state_dict()))
    (losses, state), (compiled_losses, compiled_state) = found
    assert compiled_losses == losses
    for key in state:
        np.testing.assert_array_equal(compiled_state[key], state[key], err_msg=key)


def test_a_result_written_where_nobody_saw_it_is_no_constant():
    """np.dot into a plain array, inside of the function of a primitive: recorded whole, not as what it gave once."""

    def sneaky(x, w):
        out = np.empty((x.shape[0], w.shape[1]))
        np.dot(x, w, out)
        return out

    product = ad.multilinear(sneaky, lambda ct, x, w: ct @ w.T, lambda ct, x, w: x.T @ ct, name="sneaky")
    f = ad.compile(lambda x, w: product(ad.tensor(x), w))
    x, w = RNG.normal(size=(3, 2)), RNG.normal(size=(2, 4))
    f(x, w)
    np.testing.assert_allclose(f(2 * x, w).data, 2 * x @ w)
    with pytest.raises(ad.CompileError, match="with an array to write into"):
        ad.compile(lambda x: np.dot(x, w, np.empty((3, 4))))(x)


def test_signs_of_zeros_in_layers_of_one_unit_with_one_sample():
    """`dot` and `matmul` of two single numbers differ in the sign of a zero; both are used for affine maps."""
    X = np.random.default_rng(2).normal(size=(12, 1, 2)).astype(np.float32)
    for seed in range(4):
        nn.manual_seed(seed)
        narrow = [layer for _ in range(3) for layer in (nn.Linear(1, 1), nn.ReLU())]
        model = nn.Sequential(nn.Linear(2, 1), nn.ReLU(), *narrow, nn.Linear(1, 2))
        optimizer = optim.Adam(model.parameters(), 8.0)

        def step(x, y):
            optimizer.zero_grad()  # noqa: B023  # of this seed
            loss = nn.cross_entropy(model(x), y)  # noqa: B023
            loss.backward()
            optimizer.step()  # noqa: B023
            return loss

        compiled = ad.compile(step)
        for x in X:
            compiled(x, (x[:, 0] > 0).astype(int))  # compared with the function itself, to the last bit
