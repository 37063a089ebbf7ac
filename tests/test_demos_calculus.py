"""The demos of the calculus: the numbers they show."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import autodiff as ad
from demos import entropy, fields, green, output, pendulum, quadrature, taylor

matplotlib.use("Agg")


@pytest.fixture
def pictures(monkeypatch):
    """The figures a demo draws, kept open until the test has looked at them."""
    kept = []
    monkeypatch.setattr(plt, "close", kept.append)
    yield kept
    monkeypatch.undo()
    for fig in kept:
        plt.close(fig)


def test_what_is_said_of_the_fields():
    found = {name: fields.look(field, 20) for name, field in fields.FIELDS.items()}
    assert {name: (look.conservative.holds, look.solenoidal.holds) for name, look in found.items()} == {
        "gradient of a hill": (True, False),
        "whirl": (False, True),
        "source": (True, False),
        "vortex": (False, True),
    }
    assert found["vortex"].conservative.size == pytest.approx(2 * np.pi)
    assert found["gradient of a hill"].largest["curl"] < 1e-14 < 1 < found["gradient of a hill"].largest["divergence"]
    said = fields.sentence("whirl", "conservative", found["whirl"].conservative)
    assert said.startswith("whirl is not conservative: the curl is ")


def test_the_potential_of_the_gradient_is_the_hill():
    at, found = fields.potential_on(fields.FIELDS["gradient of a hill"], 5)
    np.testing.assert_allclose(found, fields.hill(at) - fields.hill(np.zeros(2)), atol=1e-12)


def test_green_on_every_region():
    found = green.both_sides()
    assert all(sides.holds for sides in found.values())
    assert float(found["twist on a disc"].left) == pytest.approx(1.5 * np.pi, rel=1e-12)  # of 3 r**2 over the disc
    assert float(found["area of a leaf"].right) == pytest.approx(np.pi * (1 + 0.3**2 / 2), rel=1e-12)
    assert abs(float(found["vortex on a ring"].left)) < 1e-12
    assert "`vortex` has a pole in the region" in green.refusal()
    np.testing.assert_allclose(green.circulations(np.array([0.1, 3.0])), 2 * np.pi, rtol=1e-12)


def test_sums_follow_their_laws():
    pieces = np.array([64, 128])
    found, said = quadrature.errors(pieces), quadrature.laws(pieces)
    for rule in quadrature.RULES:
        # the next term is h times smaller for one-sided sums, h**2 for the others
        np.testing.assert_allclose(found[rule], said[rule], rtol=0.03 if rule == "left" else 2e-3)
    assert found["gauss-legendre"].max() < 1e-13


def test_errors_that_are_admitted_are_above_the_true_ones():
    for name, (_, admitted, off, calls) in quadrature.hard_integrals().items():
        assert off <= admitted, name
        low, high = quadrature.HARD[name][1]
        assert all(low <= nodes.min() and nodes.max() <= high for nodes in calls)


def test_nodes_are_drawn_where_they_were(tmp_path, pictures):
    calls = [np.array([0.1, 0.2]), np.array([0.3])]
    quadrature.draw_nodes(tmp_path / "nodes.png", calls)
    rows = pictures[0].axes[1].lines
    assert [list(line.get_xdata()) for line in rows] == [[0.1, 0.2], [0.3]]
    assert [set(line.get_ydata()) for line in rows] == [{1}, {2}]


@pytest.mark.parametrize("name", taylor.FUNCTIONS)
def test_the_remainder_is_the_error(name):
    off, said = taylor.partial_errors(taylor.FUNCTIONS[name], 10)
    np.testing.assert_allclose(off, said, rtol=1e-6, atol=1e-14)


def test_radii_of_convergence():
    for function in taylor.FUNCTIONS.values():
        found = ad.calculus.radius_of_convergence(ad.taylor(function.f, function.x0, 20))
        assert found == pytest.approx(function.radius, rel=1e-2)


def test_a_nested_derivative_is_the_one_by_series():
    assert taylor.nested(taylor.wave, 3)(0.7) == pytest.approx(ad.derivative(taylor.wave, 3)(0.7), rel=1e-12)


def test_the_pendulum_is_found_and_its_errors_are_fair(monkeypatch):
    monkeypatch.setattr(pendulum, "DURATION", 6.0)  # three swings of five, in three fifths of the time
    times, angles = pendulum.measure(40, seed=1)
    found = pendulum.fit(times, angles)
    for name, truth in pendulum.TRUTH.items():
        assert abs(found.unknowns[name] - truth) < 4 * found.errors[name], name
    assert found.loss[0] > 100 * found.loss[-1] and np.sqrt(found.loss[-1]) == pytest.approx(pendulum.NOISE, rel=0.3)
    # the standard error of the length by the definition of the Jacobian, with differences in place of derivatives
    moved = [{**found.unknowns, name: found.unknowns[name] + s} for name in found.unknowns for s in (1e-4, -1e-4)]
    solved = [pendulum.motion(unknowns, times)[:, 0] for unknowns in moved]
    J = np.stack([(a - b) / 2e-4 for a, b in zip(solved[::2], solved[1::2], strict=True)], axis=1)
    variance = found.loss[-1] * len(times) / (len(times) - 4)
    errors = np.sqrt(variance * np.diag(np.linalg.inv(J.T @ J)))
    np.testing.assert_allclose(list(found.errors.values()), errors, rtol=1e-3)


def test_the_valley_has_its_bottom_at_the_length():
    times, angles = pendulum.measure(40, seed=1)
    lengths, losses = pendulum.valley(times, angles, pendulum.TRUTH, 31)
    assert abs(lengths[losses.argmin()] - pendulum.TRUTH["length"]) < 0.05
    one = np.mean((pendulum.motion({**pendulum.TRUTH, "length": lengths[7]}, times)[:, 0] - angles) ** 2)
    assert losses[7] == pytest.approx(one, rel=1e-4)


def test_too_few_measurements_are_refused(capsys):
    with pytest.raises(SystemExit):
        pendulum.main(["--measurements", "4"])
    assert "more than the number of unknowns, 4" in capsys.readouterr().err


def test_letters_in_bits():
    counts = entropy.pairs(["ab", "ab"])  # . a b . twice: each letter is known by the one before
    assert counts.sum() == 6 and counts[1, 2] == 2
    found = entropy.letters_of(counts)
    assert found["frequencies known"] == pytest.approx(np.log2(3))
    assert found["letter before known"] == pytest.approx(0, abs=1e-12)
    assert found["information from the letter before"] == pytest.approx(np.log2(3))
    codes = entropy.two_codes(["aab"], ["ab", "abb"])
    assert codes["in the code of men's names"] == pytest.approx(codes["in their own code"] + codes["difference"])
    # a, b, dot: 2 1 1 of 4 against 2 3 2 of 7
    assert codes["difference"] == pytest.approx(0.5 * np.log2(7 / 4) + 0.25 * np.log2(7 / 12) + 0.25 * np.log2(7 / 8))


def test_of_a_coin():
    found = entropy.of_a_coin(np.array([0.3, 0.5]))
    assert found["divergence"][0] == pytest.approx(0, abs=1e-15)
    assert found["cross-entropy"][1] == pytest.approx(1)
    np.testing.assert_allclose(found["cross-entropy"], found["entropy"] + found["divergence"])


def test_the_nearest_normal_distributions():
    over, over_value = entropy.nearest("from the peaks")
    inside, inside_value = entropy.nearest("to the peaks")
    # the least divergence from a density has its mean and variance
    assert float(over.mean) == pytest.approx(float(entropy.PEAKS.mean), abs=1e-6)
    assert float(over.standard_deviation) ** 2 == pytest.approx(float(entropy.PEAKS.variance), rel=1e-6)
    assert float(inside.mean) == pytest.approx(-1.5, abs=0.1) and float(inside.standard_deviation) < 0.7
    assert over_value > 0 and inside_value > 0


def test_fits_to_lengths():
    lengths = np.array([3, 4, 4, 5, 5, 5, 6, 6, 7])
    found = entropy.fits(lengths)
    assert float(found["Poisson"][0].distribution.rate) == pytest.approx(lengths.mean())
    assert float(found["Normal"][0].distribution.standard_deviation) == pytest.approx(lengths.std())
    for _, probabilities, apart in found.values():
        assert len(probabilities) == 8 and probabilities.sum() < 1 + 1e-12 and apart > 0
    assert found["Normal"][2] < found["Poisson"][2]


def test_output_shares_its_style_with_the_library():
    assert output.STYLES is ad.plotting.style.STYLES
