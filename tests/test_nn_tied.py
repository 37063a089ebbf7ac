"""A head that shares the table of an embedding: one parameter with two uses, also in copies and compiled steps."""

import copy
import pickle

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

NUMBERS = np.array([[1, 2, 3], [4, 0, 2]])
NEXT = np.array([[2, 3, 1], [0, 2, 4]])


class Words(nn.Module):
    def __init__(self, *, bias=False, padding_idx=None, dtype=np.float64, seed=0):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.table = nn.Embedding(6, 3, padding_idx, dtype=dtype, rng=rng)
        self.middle = nn.Linear(3, 3, dtype=dtype, rng=rng)
        self.head = self.table.as_head(bias)

    def forward(self, numbers):
        return self.head(np.tanh(self.middle(self.table(numbers))))


def loss_of(model, numbers=NUMBERS, answers=NEXT):
    return nn.cross_entropy(model(numbers).reshape(-1, 6), answers.reshape(-1))


@pytest.mark.parametrize("bias", [False, True])
def test_the_head_multiplies_by_the_table_turned_round(bias):
    model = Words(bias=bias)
    x = np.random.default_rng(1).normal(size=(4, 2, 3))
    expected = x @ model.table.weight.data.T
    if bias:
        model.head.bias.assign_(np.arange(6.0))
        expected = expected + np.arange(6.0)
    np.testing.assert_allclose(model.head(x).data, expected, rtol=1e-13)
    assert model.head(x[0, 0]).shape == (6,)


def test_it_is_one_parameter():
    model = Words(bias=True)
    names = ["table.weight", "middle.weight", "middle.bias", "head.bias"]
    assert [path for path, _ in model.named_parameters()] == list(model.state_dict()) == names
    assert model.head.weight is model.table.weight and model.table.weight.name == "table.weight"
    assert sum(p.size for p in model.parameters()) == 18 + 12 + 6
    assert repr(model.head) == "EmbeddingHead(3, 6, bias=True)"
    wrapped = nn.Sequential(model)
    assert model.table.weight.name == "0.table.weight" and len(wrapped.parameters()) == 4


def test_it_receives_the_gradients_of_both_uses():
    model = Words()
    loss_of(model).backward()
    both = model.table.weight.grad.copy()
    parts = []
    for part in ("read", "scored"):
        table, head = model.table.weight, ad.tensor(model.table.weight.data, requires_grad=True)
        model.zero_grad()
        h = np.tanh(model.middle(table[NUMBERS]))
        nn.cross_entropy((h @ head.T).reshape(-1, 6), NEXT.reshape(-1)).backward()
        parts.append(table.grad.copy() if part == "read" else head.grad)
    np.testing.assert_allclose(both, parts[0] + parts[1], rtol=1e-12)
    ad.testing.gradcheck(lambda: loss_of(model), parameters=model)


@pytest.mark.parametrize("make", [lambda p: optim.GradientDescent(p, 0.1), lambda p: optim.Adam(p, 0.1)])
def test_it_is_trained_once_per_step(make):
    model, twin = Words(), Words()
    make(model.parameters()).step(lambda: loss_of(model))
    make([*twin.table.parameters(), *twin.head.parameters(), *twin.middle.parameters()]).step(lambda: loss_of(twin))
    reference = Words()
    table = ad.tensor(reference.table.weight.data, requires_grad=True)
    middle = reference.middle.parameters()

    def loss():
        h = np.tanh(reference.middle(table[NUMBERS]))
        return nn.cross_entropy((h @ table.T).reshape(-1, 6), NEXT.reshape(-1))

    make([table, *middle]).step(loss)
    np.testing.assert_allclose(model.table.weight.data, table.data, rtol=1e-12)
    np.testing.assert_allclose(twin.table.weight.data, table.data, rtol=1e-12)


def test_the_padding_row_stays_zero():
    model = Words(padding_idx=0, bias=True)
    optimizer = optim.Adam(model.parameters(), 0.1)
    for _ in range(3):
        optimizer.step(lambda: loss_of(model))
    assert not model.table.weight.data[0].any() and model.table.weight.data[1:].all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("trained", [False, True])
def test_copies_keep_the_sharing(copied, trained):
    model = Words()
    if trained:  # its parameters have a flat home now
        optim.Adam(model.parameters()).step(lambda: loss_of(model))
    other = copied(model)
    assert other.head.weight is other.table.weight and other.table.weight is not model.table.weight
    before = model.state_dict()
    optim.Adam(other.parameters(), 0.1).step(lambda: loss_of(other))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
        assert not np.array_equal(value, other.state_dict()[name])


def test_a_state_is_loaded_into_both_uses(tmp_path):
    model, other = Words(seed=1), Words(seed=2)
    nn.save(tmp_path / "words.npz", model.state_dict())
    other.load_state_dict(nn.load(tmp_path / "words.npz"))
    np.testing.assert_array_equal(other(NUMBERS).data, model(NUMBERS).data)
    assert other.head.weight is other.table.weight


@pytest.mark.parametrize("padding_idx", [None, 0])
def test_compiled_training_gives_the_same_numbers(padding_idx):
    models = [Words(dtype=np.float32, bias=True, padding_idx=padding_idx) for _ in range(2)]
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 6, (40, 3))
    answers = rng.integers(0, 6, (40, 3))
    loss = lambda outputs, targets: nn.cross_entropy(outputs.reshape(-1, 6), targets.reshape(-1))
    for model, compiled in zip(models, (False, True)):
        optimizer = optim.Adam(model.parameters(), 0.05)
        nn.fit(model, optimizer, loss, (numbers, answers), epochs=3, batch_size=8, shuffle=False, compile=compiled,
               progress=False)  # fmt: skip
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    fast = ad.compile(models[0])
    for _ in range(3):
        np.testing.assert_array_equal(fast(NUMBERS).data, models[1](NUMBERS).data)


def test_other_parameters_stand_in_at_both_uses():
    model = Words()
    ps = {path: p.data.copy() for path, p in model.named_parameters()}
    found = ad.grad(lambda ps: nn.cross_entropy(nn.functional_call(model, ps, NUMBERS).reshape(-1, 6), NEXT.ravel()))(
        ps
    )
    loss_of(model).backward()
    np.testing.assert_allclose(found["table.weight"], model.table.weight.grad, rtol=1e-12)


def test_a_frozen_embedding_may_have_a_head():
    table = nn.Embedding(6, 3).requires_grad_(False)
    model = nn.Sequential(table, table.as_head())
    assert model([1]).shape == (1, 6) and not model([1]).requires_grad


def test_a_wrong_width_says_which_is_expected():
    with pytest.raises(ad.ShapeError, match=r"EmbeddingHead\(3, 6\) takes.*length 3.*given shape \(2, 4\)"):
        Words().head(np.ones((2, 4)))
