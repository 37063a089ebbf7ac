"""Names from other libraries that `optim` does not have, what they are called here, and an example.

The examples run: model is a small network, optimizer an optimiser over its parameters, loss a function without arguments,
f a function of a point.
"""

from __future__ import annotations

from autodiff.names import Row, Table

_SCHEDULES = (
    "schedules of the learning rate stand in optim itself: StepDecay, CosineDecay, OneCycle, ReduceOnPlateau and others"
)
_ADAPTIVE = "it is not here; the nearest is optim.Adam"


def _is(example: str) -> Row:
    return f"it is {example.partition('(')[0]}", example


_ADAM = _is("optim.Adam(model.parameters(), learning_rate=1e-3)")
_SGD = (
    "it is optim.GradientDescent, and with momentum optim.Momentum",
    "optim.Momentum(model.parameters(), learning_rate=0.1, momentum=0.9)",
)
_CLIP = _is("optim.clip_grad_norm(model.parameters(), 1.0)")
_MINIMIZE = _is("optim.minimize(f, [1.0, 2.0])")
_ROOT = _is("optim.root(lambda x: x**2 - 2, 1.0)")

OPTIM: Table = {
    **dict.fromkeys(("SGD", "sgd", "GD"), _SGD),
    "adam": _ADAM,
    "adamw": _is("optim.AdamW(model.parameters(), learning_rate=1e-3)"),
    **dict.fromkeys(("RMSprop", "rmsprop"), _is("optim.RMSProp(model.parameters(), learning_rate=1e-3)")),
    **dict.fromkeys(("Adagrad", "adagrad"), _is("optim.AdaGrad(model.parameters(), learning_rate=0.01)")),
    **dict.fromkeys(
        ("Adadelta", "Adamax", "NAdam", "Nadam", "RAdam", "SparseAdam", "Lion", "LAMB", "Rprop", "ASGD", "Ftrl"),
        (_ADAPTIVE, "optim.Adam(model.parameters(), learning_rate=1e-3)"),
    ),
    "Nesterov": ("it is optim.Momentum with nesterov=True", "optim.Momentum(model.parameters(), 0.1, nesterov=True)"),
    "BFGS": ("a function is minimised by optim.minimize; for networks there is optim.LBFGS", "optim.minimize(f, [1.0, 2.0], 'bfgs')"),
    "lbfgs": _is("optim.LBFGS(model.parameters())"),
    # schedules
    **dict.fromkeys(("lr_scheduler", "LRScheduler", "schedulers", "learning_rate_schedule"), (_SCHEDULES, "optim.StepDecay(optimizer, step_size=10)")),
    **dict.fromkeys(("StepLR", "step_decay"), _is("optim.StepDecay(optimizer, step_size=10)")),
    "MultiStepLR": _is("optim.MultiStepDecay(optimizer, [10, 20])"),
    **dict.fromkeys(("ExponentialLR", "exponential_decay"), _is("optim.ExponentialDecay(optimizer, gamma=0.9)")),
    **dict.fromkeys(("CosineAnnealingLR", "CosineAnnealing", "cosine_decay_schedule"), _is("optim.CosineDecay(optimizer, n_steps=100)")),
    "CosineAnnealingWarmRestarts": _is("optim.CosineRestarts(optimizer, n_steps=10)"),
    "CyclicLR": ("the nearest is optim.OneCycle", "optim.OneCycle(optimizer, max_rate=0.1, total_steps=100)"),
    "OneCycleLR": _is("optim.OneCycle(optimizer, max_rate=0.1, total_steps=100)"),
    **dict.fromkeys(("ReduceLROnPlateau", "ReduceLR"), _is("optim.ReduceOnPlateau(optimizer)")),
    **dict.fromkeys(("LinearLR", "WarmupLR", "Warmup", "ConstantLR"), _is("optim.LinearWarmup(optimizer, n_steps=5)")),
    "LambdaLR": ("the base of schedules is optim.Schedule, whose method rate gives the rate of a step", "optim.Schedule"),
    "PolynomialLR": ("the base of schedules is optim.Schedule, whose method rate gives the rate of a step", "optim.Schedule"),
    "SequentialLR": ("it is optim.SequentialSchedule", "optim.SequentialSchedule([optim.LinearWarmup(optimizer), optim.CosineDecay(optimizer, 100)], [5])"),
    "ChainedScheduler": ("it is optim.ChainedSchedule", "optim.ChainedSchedule([optim.LinearWarmup(optimizer), optim.StepDecay(optimizer, 10)])"),
    # gradients
    **dict.fromkeys(("clip_grad_norm_", "clip_by_global_norm", "clip_gradients"), _CLIP),
    **dict.fromkeys(("clip_grad_value_", "clip", "clip_by_value"), _is("optim.clip_grad_value(model.parameters(), 1.0)")),
    "apply_updates": ("a step changes the parameters by itself", "optimizer.step(loss)"),
    "chain": ("clipping is a call of its own, before the step", "optim.clip_grad_norm(model.parameters(), 1.0)"),
    # functions
    **dict.fromkeys(("fmin", "fmin_bfgs", "fmin_cg", "basinhopping"), _MINIMIZE),
    "minimize_scalar": _is("optim.minimize(lambda x: (x - 1) ** 2, 0.0)"),
    **dict.fromkeys(("least_squares", "curve_fit"), ("it is optim.minimize with the method 'gauss-newton', of the residuals", "optim.minimize(lambda p: p - 1.0, [1.0, 2.0], 'gauss-newton')")),
    **dict.fromkeys(("fsolve", "root_scalar", "brentq", "newton", "solve"), _ROOT),
    "gradient_ascent": ("the negative is descended", "optim.gradient_descent(lambda x: -np.sin(x), x0=1.0)"),
    "differential_evolution": ("many starts are tried by optim.multistart", "optim.multistart(f, [(-1, 1), (-1, 1)], n=3)"),
    "show": ("paths are drawn by optim.plotting", "optim.plotting.contours(f, box=(-1, 1, -1, 1))"),
    "plot": ("paths are drawn by optim.plotting", "optim.plotting.contours(f, box=(-1, 1, -1, 1))"),
}  # fmt: skip

_GROUPS = ("the groups are objects with their options as attributes", "optimizer.groups[0].learning_rate = 0.01")
OPTIMIZER: Table = {
    "lr": ("it is learning_rate", "optimizer.learning_rate = 0.01"),
    "param_groups": _GROUPS,
    "defaults": _GROUPS,
    "add_param_group": ("all parameters are given when it is made", "optim.Adam([{'params': model.parameters(), 'learning_rate': 0.01}])"),
    "state": ("the state is state_dict()", "optimizer.state_dict()"),
    "get_config": ("the state is state_dict()", "optimizer.state_dict()"),
    "variables": ("it is parameters", "optimizer.parameters"),
    "params": ("it is parameters", "optimizer.parameters"),
    "minimize": ("a step follows the backward pass of a loss; a function of a point is minimised by optim.minimize", "loss = nn.mse_loss(model(x), y); loss.backward(); optimizer.step()"),
    "apply_gradients": ("gradients are kept by the parameters, and a step uses them", "optimizer.step()"),
    "apply": ("gradients are kept by the parameters, and a step uses them", "optimizer.step()"),
    "backward": ("a loss is differentiated by its own backward, or by the step", "optimizer.step(loss)"),
    "get_last_lr": ("it is learning_rate", "optimizer.learning_rate"),
    "clip_grad_norm": ("it is a function of the parameters", "optim.clip_grad_norm(optimizer.parameters, 1.0)"),
    "zero_grads": ("it is zero_grad", "optimizer.zero_grad()"),
}  # fmt: skip

SCHEDULE: Table = {
    "get_last_lr": ("the rates, one for each group, are rates", "schedule.rates"),
    "get_lr": ("the rates, one for each group, are rates", "schedule.rates"),
    "lr": ("the rates, one for each group, are rates", "schedule.rates"),
    "last_epoch": ("the number of steps is count", "schedule.count"),
    "base_lrs": ("the rates at the start are initial", "schedule.initial"),
}

_MOMENTUM = ("momentum has an optimiser of its own, optim.Momentum", _SGD[1])
_BETAS = ("both are given as betas=", "optim.Adam(model.parameters(), betas=(0.9, 0.999))")
_NEEDLESS = ("it changes nothing here, so it is left out", "optim.Adam(model.parameters(), learning_rate=1e-3)")
_CLIPPED = ("gradients are clipped before the step", "optim.clip_grad_norm(model.parameters(), 1.0)")
KEYWORDS: Table = {
    **dict.fromkeys(("lr", "rate", "eta", "step_size"), ("learning_rate", "")),
    **dict.fromkeys(("params", "var_list", "variables"), ("the parameters come first", "optim.Adam(model.parameters())")),
    **dict.fromkeys(("momentum", "nesterov", "dampening"), _MOMENTUM),
    **dict.fromkeys(("beta1", "beta2", "beta_1", "beta_2", "b1", "b2"), _BETAS),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "max_grad_norm", "clip_norm"), _CLIPPED),
    **dict.fromkeys(("foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay", "verbose"), _NEEDLESS),
    "set_to_none": ("a gradient is None after it, so it is left out", "optimizer.zero_grad()"),
    "maximize": ("the loss is made negative", "optimizer.step(lambda: -loss())"),
    "line_search_fn": ("optim.LBFGS searches along lines by itself, so it is left out", "optim.LBFGS(model.parameters())"),
    **dict.fromkeys(("l2", "decay", "weight_decay_rate"), ("weight_decay", "")),
    "epsilon": ("eps", ""),
    "rho": ("alpha", ""),
    "lr_decay": ("rate_decay", ""),
    "initial_accumulator_value": ("initial_sum", ""),
    "max_eval": ("max_evaluations", ""),
    # schedules
    **dict.fromkeys(("T_max", "T_0", "total_iters", "warmup_steps", "decay_steps", "num_steps", "warmup_epochs"), ("n_steps", "")),
    "T_mult": ("growth", ""),
    **dict.fromkeys(("eta_min", "min_lr", "lr_min"), ("min_rate", "")),
    "max_lr": ("max_rate", ""),
    "pct_start": ("rising_share", ""),
    "anneal_strategy": ("shape", ""),
    "decay_rate": ("gamma", ""),
    "last_epoch": ("a schedule goes on from a saved state", "schedule.load_state_dict(schedule.state_dict())"),
}  # fmt: skip


_LEVELS = ("it is contours, with paths=", "optim.plotting.contours(f, box=(-1, 1, -1, 1))")
PLOTTING: Table = {
    **dict.fromkeys(("contour", "contourf", "plot_contour", "path", "trajectory", "descent", "plot"), _LEVELS),
    **dict.fromkeys(("animate", "animation", "movie"), ("it is film", "optim.plotting.film(f, box=(-1, 1, -1, 1), paths=optim.minimize(f, [1.0, 2.0], 'gd'))")),
    **dict.fromkeys(("surface3d", "plot_surface", "plot3d"), ("it is surface", "optim.plotting.surface(f, box=(-1, 1, -1, 1))")),
    **dict.fromkeys(("convergence", "loss_curve", "history", "plot_history"), ("it is courses", "optim.plotting.courses(optim.minimize(f, [1.0, 2.0]))")),
    **dict.fromkeys(("lr_finder", "step_sizes"), ("it is learning_rates", "optim.plotting.learning_rates(f, [1.0, 2.0])")),
    "ellipses": ("it is hessian_ellipses", "optim.plotting.hessian_ellipses(f, [[1.0, 2.0]])"),
    **dict.fromkeys(("show", "savefig", "figure"), ("functions return Matplotlib's Figure, which has it", "optim.plotting.contours(f, box=(-1, 1, -1, 1)).savefig('f.png')")),
}  # fmt: skip


def of_plotting(name: str) -> Row | None:
    """The row for a name that `optim.plotting` does not have."""
    return PLOTTING.get(name)


def of_optim(name: str) -> Row | None:
    """The row for a name that `optim` does not have."""
    return OPTIM.get(name)
