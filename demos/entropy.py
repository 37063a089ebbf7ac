"""Entropy, cross-entropy and divergence: of a coin, of letters, and of distributions fitted to data.

For a coin the three are plotted against the believed probability. Then come letters in the first names of the US
census: the entropy of a letter in bits, its entropy given the letter before, their mutual information, and the cost of
writing women's names in a code made for men's names. A normal distribution is fitted to one with two peaks: it covers
both peaks or only one, depending on the direction of the divergence. Last comes maximum likelihood: distributions are
fitted to the lengths of the names, with standard errors. A distribution that does not fit shows itself: the Fisher
information from curvatures differs from that from slopes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import optim
from autodiff import probability as pr
from demos import names, output

BITS = {"base": 2}
COIN = 0.3
PEAKS = pr.Mixture([0.65, 0.35], [pr.Normal(-1.5, 0.6), pr.Normal(2.0, 0.8)])
FAMILIES = {"Poisson": pr.Poisson, "Gamma": pr.Gamma, "Normal": pr.Normal}


def pairs(words: list[str]) -> np.ndarray:
    """Counts of pairs of successive letters, (27, 27); 0 is the dot where a name begins and ends."""
    counts = np.zeros((len(names.LETTERS), len(names.LETTERS)))
    for word in words:
        numbers = [0, *map(names.LETTERS.index, word), 0]
        np.add.at(counts, (numbers[:-1], numbers[1:]), 1)
    return counts


def letters_of(counts: np.ndarray) -> dict[str, float]:
    """Bits per letter, depending on what is known."""
    joint = counts / counts.sum()
    return {
        "all letters equally likely": float(np.log2(len(counts))),
        "frequencies known": float(pr.entropy(joint.sum(axis=0), **BITS)),
        "letter before known": float(pr.conditional_entropy(joint, given=0, **BITS)),
        "information from the letter before": float(pr.mutual_information(joint, **BITS)),
    }


def two_codes(women: list[str], men: list[str]) -> dict[str, float]:
    """Bits per letter of women's names in their own code and in the code of men's names, and the difference."""
    p, q = (pairs(words).sum(axis=0) for words in (women, men))
    p, q = p / p.sum(), q / q.sum()
    return {
        "in their own code": float(pr.entropy(p, **BITS)),
        "in the code of men's names": float(pr.cross_entropy(p, q, **BITS)),
        "difference": float(pr.kl_divergence(p, q, **BITS)),
    }


def of_a_coin(q: np.ndarray, p: float = COIN) -> dict[str, np.ndarray]:
    """Entropy of a coin with probability p, and cross-entropy and divergence for a believed probability q, in bits."""
    both = np.stack([q, 1 - q], axis=1)
    truth = np.array([p, 1 - p])
    return {
        "entropy": np.full(q.shape, pr.entropy(truth, **BITS)),
        "cross-entropy": pr.cross_entropy(truth, both, **BITS),
        "divergence": pr.kl_divergence(truth, both, **BITS),
    }


def nearest(direction: str) -> tuple[Any, float]:
    """The normal distribution with the least divergence "from the peaks" or "to the peaks", and its divergence."""

    def loss(parameters: dict[str, Any]) -> Any:
        q = pr.Normal(parameters["mean"], np.exp(parameters["log_deviation"]))
        if direction == "from the peaks":
            return pr.expectation(lambda x: PEAKS.log_density(x) - q.log_density(x), PEAKS, method="quadrature")
        return pr.expectation(lambda x: q.log_density(x) - PEAKS.log_density(x), q, method="gauss-hermite", nodes=40)

    found = optim.minimize(loss, {"mean": -1.0, "log_deviation": 0.0}, "newton-cg")
    return pr.Normal(found.x["mean"], np.exp(found.x["log_deviation"])), found.fun


def mass(d: Any, values: np.ndarray) -> np.ndarray:
    """The probability of integers; for a continuous distribution, of the interval that rounds to each integer."""
    return d.probability_of(values) if isinstance(d, pr.Discrete) else d.cdf(values + 0.5) - d.cdf(values - 0.5)


def fits(lengths: np.ndarray) -> dict[str, tuple[Any, np.ndarray, float]]:
    """For each family the fit, the probability of every length, and the divergence of the data from it in bits."""
    values = np.arange(lengths.max() + 1)
    observed = np.bincount(lengths) / len(lengths)
    found = {}
    for name, family in FAMILIES.items():
        fit = pr.fit(family, lengths)
        q = mass(fit.distribution, values)
        rest = max(0.0, 1 - float(q.sum()))  # the probability of lengths that did not occur
        apart = pr.kl_divergence(np.append(observed, 0.0), np.append(q, rest) / (q.sum() + rest), **BITS)
        found[name] = (fit, q, float(apart))
    return found


def draw_coin(path: Path) -> None:
    """Plot the three quantities against the believed probability."""
    q = np.linspace(0.01, 0.99, 197)
    with output.figure(path, figsize=(6.5, 4.2)) as fig:
        ax = fig.subplots()
        output.lines(ax, q, of_a_coin(q), xlabel=f"believed probability; the true one is {COIN}", ylabel="bits")
        ax.axvline(COIN, color=output.GREY, linewidth=0.8)
        ax.set_ylim(0, 3)


def draw_directions(path: Path) -> dict[str, Any]:
    """Plot the two normal distributions nearest to one with two peaks."""
    found = {direction: nearest(direction) for direction in ("from the peaks", "to the peaks")}
    x = np.linspace(-5, 6, 400)
    with output.figure(path, figsize=(7.5, 4.2)) as fig:
        ax = fig.subplots()
        ax.fill_between(x, PEAKS.density(x), color="#DDDDDD", label="two peaks")
        curves = {f"least divergence {name}: {value:.3f} nats": q.density(x) for name, (q, value) in found.items()}
        output.lines(ax, x, curves, xlabel="x", ylabel="density")
        ax.legend(fontsize=8)
    return {name: q for name, (q, _) in found.items()}


def draw_lengths(path: Path, lengths: np.ndarray, found: dict[str, tuple[Any, np.ndarray, float]]) -> None:
    """Plot the frequency of each length in the data and in each distribution."""
    observed = np.bincount(lengths) / len(lengths)
    values = np.arange(len(observed))
    with output.figure(path, figsize=(7.5, 4.2)) as fig:
        ax = fig.subplots()
        ax.bar(values, observed, color="#CCCCCC", label="names")
        curves = {f"{name}, {apart:.3f} bits off": q for name, (_, q, apart) in found.items()}
        output.lines(ax, values, curves, xlabel="letters in a name", ylabel="fraction of the names")
        ax.legend()


def main(arguments: list[str]) -> float:
    """Run the demo; returns the fitted mean length."""
    parser = output.options("entropy", __doc__, length="names", default=10**6, seed="the choice of names, if not all")
    given = parser.parse_args(arguments)
    target = output.folder("entropy", given.folder)
    rng = np.random.default_rng(given.seed)
    lists = [names.load(file) for file in names.FILES]
    women, men = (sorted(rng.choice(words, min(given.names, len(words)), replace=False)) for words in lists)
    words = sorted({*women, *men})
    print(f"{len(words)} first names: {len(women)} of women and {len(men)} of men")
    output.table(["bits per letter", ""], [[what, f"{v:.4f}"] for what, v in letters_of(pairs(words)).items()])
    output.table(
        ["bits per letter of women's names", ""], [[what, f"{v:.4f}"] for what, v in two_codes(women, men).items()]
    )
    written = [target / name for name in ("coin.png", "directions.png", "lengths.png")]
    draw_coin(written[0])
    nearest_ones = draw_directions(written[1])
    for direction, q in nearest_ones.items():
        print(f"least divergence {direction}: {q}")
    lengths = np.array([len(word) for word in words])
    found = fits(lengths)
    rows = []
    for name, (fit, _, apart) in found.items():
        estimates = (f"{key} {getattr(fit.distribution, key):.4f} ± {e:.4f}" for key, e in fit.standard_errors.items())
        print(f"{name} fitted to the lengths:", ", ".join(estimates))
        rows.append([name, f"{apart:.4f}", f"{fit.aic:.0f}", f"{fit.agreement:.1f}"])
    output.table(["fitted to lengths", "divergence (bits)", "AIC", "difference of informations (s.e.)"], rows)
    draw_lengths(written[2], lengths, found)
    output.wrote(written)
    mean = float(found["Normal"][0].distribution.mean)
    print(f"mean length {mean:.4f} letters, standard error {found['Normal'][0].standard_errors['mean']:.4f}")
    return mean
