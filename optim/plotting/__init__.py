"""Pictures of optimisation, drawn with Matplotlib (the extra ``plot``).

A path is what a method recorded: a result of `optim.minimize` or its history, the points of `optim.gradient_descent`,
or any array (n, 2); several, by name, are drawn side by side. Each function returns the Figure it drew on; those that
fill one pair of axes take ``ax=``.
"""

from optim.plotting.contours import contours
from optim.plotting.courses import courses
from optim.plotting.curvature import critical_points, hessian_ellipses
from optim.plotting.films import film
from optim.plotting.rates import learning_rates
from optim.plotting.surfaces import surface

__all__ = [
    "contours",
    "courses",
    "critical_points",
    "film",
    "hessian_ellipses",
    "learning_rates",
    "surface",
]
