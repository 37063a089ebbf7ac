"""The curriculum, bullet by bullet, with the page of the course that serves each; the pages are the manual's."""

from __future__ import annotations

from typing import NamedTuple


class Bullet(NamedTuple):
    """A line of the curriculum: its chapter, its words, and its page under ``docs/course``."""

    chapter: str
    words: str
    page: str


def _chapter(name: str, folder: str, bullets: dict[str, str]) -> list[Bullet]:
    return [Bullet(name, words, f"{folder}/{page}") for words, page in bullets.items()]


FUNDAMENTALS: list[Bullet] = [
    *_chapter(
        "Derivatives",
        "derivatives",
        {
            "Definition and intuition": "definition",
            "Power rule": "power-rule",
            "Product rule": "product-rule",
            "Chain rule": "chain-rule",
            "Partial derivatives": "partial-derivatives",
            "Directional derivatives": "directional-derivatives",
            "Gradient vectors": "gradients",
        },
    ),
    *_chapter(
        "Integration",
        "integration",
        {
            "Definite and indefinite integrals": "definite-and-indefinite",
            "Integration techniques": "techniques",
            "Multiple integrals": "multiple-integrals",
            "Applications in probability": "probability",
        },
    ),
    *_chapter(
        "Multivariable Calculus",
        "multivariable",
        {
            "Functions of multiple variables": "functions",
            "Partial derivatives": "partial-derivatives",
            "Gradient vectors": "gradients",
            "Hessian matrices": "hessians",
            "Jacobian matrices": "jacobians",
        },
    ),
    *_chapter(
        "Vector Calculus",
        "vector-calculus",
        {
            "Vector fields": "fields",
            "Line integrals": "line-integrals",
            "Surface integrals": "surface-integrals",
            "Divergence and curl": "divergence-and-curl",
            "Green's theorem": "green",
        },
    ),
]
"""The part "Fundamentals", in its order. "Rules of differentiation" is the heading of its three rules."""

APPLICATIONS: list[Bullet] = [
    *_chapter(
        "Optimization",
        "optimisation",
        {
            "Gradient descent": "gradient-descent",
            "Learning rate": "learning-rate",
            "Local vs global minima": "local-and-global-minima",
            "Saddle points": "saddle-points",
            "Backpropagation": "backpropagation",
        },
    ),
    *_chapter(
        "Neural Networks",
        "networks",
        {
            "Chain rule in backpropagation": "chain-rule-in-backpropagation",
            "Activation functions": "activation-functions",
            "Loss function optimization": "loss-optimisation",
            "Gradient flow": "gradient-flow",
        },
    ),
    *_chapter(
        "Information Theory",
        "information",
        {
            "Entropy": "entropy",
            "Cross-entropy": "cross-entropy",
            "KL divergence": "kl-divergence",
            "Maximum likelihood estimation": "maximum-likelihood",
        },
    ),
]
"""The part "Applications in Machine Learning", in its order."""

PROJECTS: list[Bullet] = _chapter(
    "Projects",
    "projects",
    {
        "Implement various optimization algorithms": "optimisation-algorithms",
        "Visualize gradient descent in 2D and 3D": "descent-in-2d-and-3d",
        "Build a neural network without using frameworks": "network-without-frameworks",
        "Create an interactive tool for exploring derivatives": "interactive-tool",
    },
)
"""The four projects; their pages have steps in place of a lesson's parts."""

BULLETS: list[Bullet] = [*FUNDAMENTALS, *APPLICATIONS]
"""The lessons: tests hold each of their pages to the form of the course."""
