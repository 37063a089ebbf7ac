"""Options of optimisers as part of their state: saved, restored, checked; states without them still load."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


def tracked(x):
    return ad.tensor(x, requires_grad=True)


OPTIONS = {  # of every optimiser: some options, and others
    optim.GradientDescent: ({"learning_rate": 0.1}, {"learning_rate": 0.3, "weight_decay": 0.02}),
    optim.Momentum: (
        {"learning_rate": 0.1}, {"learning_rate": 0.2, "momentum": 0.5, "dampening": 0.25, "nesterov": False},
    ),
    optim.AdaGrad: ({"learning_rate": 0.1}, {"learning_rate": 0.2, "rate_decay": 0.1, "eps": 1e-3}),
    optim.RMSProp: (
        {"learning_rate": 0.1, "momentum": 0.1}, {"learning_rate": 0.2, "alpha": 0.5, "eps": 1e-3, "momentum": 0.5},
    ),
    optim.Adam: ({"learning_rate": 0.1}, {"learning_rate": 0.2, "betas": (0.5, 0.75), "eps": 1e-3}),
    optim.AdamW: ({"learning_rate": 0.1}, {"learning_rate": 0.2, "betas": (0.5, 0.75), "weight_decay": 0.5}),
    optim.LBFGS: ({}, {"learning_rate": 0.5, "max_iter": 3, "tolerance_grad": 1e-3, "tolerance_change": 1e-4}),
    optim.Newton: ({}, {"learning_rate": 0.5, "radius": 120.0, "max_radius": 150.0, "max_products": 7}),
    optim.GaussNewton: ({}, {"learning_rate": 0.5, "max_radius": 2.0, "max_products": 7}),
}  # fmt: skip


@pytest.mark.parametrize("kind", OPTIONS, ids=lambda kind: kind.__name__)
def test_options_are_part_of_the_state(kind, tmp_path):
    plain, special = OPTIONS[kind]

    def made(options):
        p = tracked([1.0, -2.0])
        return p, kind([p], **options)

    p, optimizer = made(special)
    state = optimizer.state_dict()
    assert set(special) <= set(state)
    nn.save(tmp_path / "state.npz", state)
    q, other = made(plain)
    before = other.state_dict()
    other.load_state_dict(nn.load(tmp_path / "state.npz"))
    for name, value in special.items():
        assert getattr(other, name) == value and type(getattr(other, name)) is type(value)
    loss = (lambda t: t * t) if kind is optim.GaussNewton else (lambda t: (t**4).sum())
    for _ in range(3):
        optimizer.step(lambda: loss(p))
        other.step(lambda: loss(q))
    np.testing.assert_array_equal(p.data, q.data)

    # a state of an earlier version holds the learning rate and the state only
    old = {k: v for k, v in state.items() if k not in special or k in ("learning_rate", "radius")}
    _, third = made(plain)
    third.load_state_dict(old | {"radius": np.array(1.0)} if "radius" in old else old)
    assert third.learning_rate == special["learning_rate"]
    for name in set(special) - {"learning_rate", "radius"}:
        np.testing.assert_array_equal(third.state_dict()[name], before[name])


@pytest.mark.parametrize(
    ("name", "value", "error", "text"),
    [
        ("betas", np.array([0.5, 1.5]), ValueError, r"betas\[1\].*1\.5"),
        ("betas", np.array([0.5]), ad.ShapeError, r"betas.*\(1,\), expected \(2,\)"),
        ("eps", np.array(-1.0), ValueError, "eps"),
        ("eps", np.array("small"), ad.DtypeError, "eps"),
        ("momentum", np.array(0.5), ad.StructureError, r"unknown \['momentum'\]"),
    ],
)
def test_a_wrong_option_changes_nothing(name, value, error, text):
    optimizer = optim.Adam([tracked([1.0])], 0.1)
    before = optimizer.state_dict()
    for load in (optimizer.check_state_dict, optimizer.load_state_dict):
        with pytest.raises(error, match=text):
            load({**before, "learning_rate": np.array(0.5), name: value})
    assert optimizer.learning_rate == 0.1 and optimizer.betas == (0.9, 0.999)


def test_options_that_say_which_state_there_is_are_told_by_the_state():
    optimizer = optim.Adam([tracked([1.0])], 0.1, amsgrad=True)
    assert "amsgrad" not in optimizer.state_dict()
    with pytest.raises(ad.StructureError, match=r"unknown \['0\."):
        optim.Adam([tracked([1.0])], 0.1).load_state_dict(optimizer.state_dict())
