"""The tables of `autodiff`: names that it does not have, what they are called here, and an example.

The examples run: x is a Tensor of shape (2, 3), m a square one, w one of shape (3, 4), i an array of indices, y a number
computed from x, f a function, x0 a point, d a continuous and k a discrete distribution.
"""

from __future__ import annotations

import numpy as np

from autodiff.names.rows import Row, Table

_OF_NUMPY = "NumPy's own functions work on Tensors"
_SPECIAL = [
    "betaln",
    "digamma",
    "elu",
    "entr",
    "erf",
    "erfc",
    "expit",
    "gammaln",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "i0",
    "i1",
    "leaky_relu",
    "log_softmax",
    "logit",
    "logsumexp",
    "matrix_exp",
    "matrix_log",
    "matrix_power",
    "matrix_sqrt",
    "polygamma",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "xlogy",
]
_OTHER_NAMES = {"lgamma": "gammaln", "swish": "silu", "psi": "digamma", "expm": "matrix_exp"}


def _special(name: str) -> Row:
    call = {"betaln": "2.0, 3.0", "polygamma": "1, 2.0", "xlogy": "x, x", "matrix_power": "m @ m.T, 0.5"}
    argument = call.get(name) or ("m @ m.T" if name.startswith("matrix") else "x")
    return "functions that NumPy lacks stand in ad.special", f"ad.special.{name}({argument})"


def _numpy(example: str) -> Row:
    return _OF_NUMPY, example


def _as_operator(example: str) -> Row:
    return "it is written with an operator", example


_CPU = "everything is on the CPU, so it is left out"
_LINALG = "NumPy's own functions work on Tensors, those of np.linalg too"
_IN_PLACE = "nothing is written in place, since what was recorded needs the old values"
_OWN_OPERATION = (
    "an operation of your own is made by ad.elementwise, or by ad.primitive with vjp= and jvp=",
    "ad.elementwise(lambda x: x**3, lambda t, y, x: t * 3 * x**2)",
)
_MADE = "a Tensor is made by ad.tensor"
_FUNCTIONS: Table = {name: _special(name) for name in _SPECIAL} | {k: _special(v) for k, v in _OTHER_NAMES.items()}
_LINEAR_ALGEBRA: Table = {
    "inverse": (_LINALG, "np.linalg.inv(m)"),
    "inv": (_LINALG, "np.linalg.inv(m)"),
    "pinverse": (_LINALG, "np.linalg.pinv(m)"),
    "pinv": (_LINALG, "np.linalg.pinv(m)"),
    "det": (_LINALG, "np.linalg.det(m)"),
    "logdet": (_LINALG, "np.linalg.slogdet(m)[1]"),
    "slogdet": (_LINALG, "np.linalg.slogdet(m)"),
    "svd": (_LINALG, "np.linalg.svd(m)"),
    "qr": (_LINALG, "np.linalg.qr(m)"),
    "cholesky": (_LINALG, "np.linalg.cholesky(m @ m.T)"),
    "solve": (_LINALG, "np.linalg.solve(m, m)"),
    "lstsq": (_LINALG, "np.linalg.lstsq(m, m)"),
    "eigh": (_LINALG, "np.linalg.eigh(m + m.T)"),
    "norm": (_LINALG, "np.linalg.norm(x)"),
}

TENSOR: Table = {
    **_FUNCTIONS,
    **_LINEAR_ALGEBRA,
    # where and of which type
    "cpu": (_CPU, "x"),
    "cuda": (_CPU + "; for an accelerator compile with JAX, ad.compile(f, backend='jax')", "x"),
    "to": ("everything is on the CPU, so a device is left out, and a type is given to astype", "x.astype(np.float32)"),
    "double": ("the type of the entries is changed by astype", "x.astype(np.float64)"),
    "float": ("the type of the entries is changed by astype", "x.astype(np.float32)"),
    "half": ("the type of the entries is changed by astype", "x.astype(np.float16)"),
    "long": ("the type of the entries is changed by astype", "x.astype(np.int64)"),
    "int": ("the type of the entries is changed by astype", "x.astype(np.int32)"),
    "bool": ("the type of the entries is changed by astype", "x.astype(bool)"),
    "type": ("the type of the entries is x.dtype, and is changed by astype", "x.astype(np.float32)"),
    "type_as": ("the type of the entries is changed by astype", "x.astype(w.dtype)"),
    "is_cuda": (_CPU, "x.device"),
    "pin_memory": (_CPU, "x"),
    "block_until_ready": ("nothing is computed in the background, so it is left out", "x"),
    # shapes
    "permute": ("as in NumPy it is transpose, with all the axes", "x.transpose(1, 0)"),
    "t": ("as in NumPy it is T", "x.T"),
    "mH": ("it is the conjugate of the transpose", "x.mT.conj()"),
    "view": ("as in NumPy it is reshape", "x.reshape(-1)"),
    "view_as": ("as in NumPy it is reshape", "x.reshape(x.shape)"),
    "reshape_as": ("as in NumPy it is reshape", "x.reshape(x.shape)"),
    "unsqueeze": ("an axis of length 1 is made by None in an index, or by np.expand_dims", "x[None]"),
    "expand_dims": ("an axis of length 1 is made by None in an index, or by np.expand_dims", "np.expand_dims(x, 0)"),
    "expand": ("as in NumPy it is broadcast_to", "np.broadcast_to(x, (5, 2, 3))"),
    "expand_as": ("as in NumPy it is broadcast_to", "np.broadcast_to(x, x.shape)"),
    "numel": ("the number of entries is x.size", "x.size"),
    "nelement": ("the number of entries is x.size", "x.size"),
    "dim": ("the number of axes is x.ndim", "x.ndim"),
    "ndimension": ("the number of axes is x.ndim", "x.ndim"),
    "get_shape": ("the lengths of the axes are x.shape", "x.shape"),
    "contiguous": ("the memory layout never matters, so it is left out", "x"),
    "is_contiguous": ("the memory layout never matters, so it is left out", "x"),
    "chunk": (_OF_NUMPY, "np.array_split(x, 2)"),
    "split": ("as in NumPy it is np.split, which takes the number of parts or where they begin", "np.split(x, 2)"),
    "unbind": ("a Tensor is iterated over along its first axis", "list(x)"),
    "narrow": ("it is a slice", "x[:, 0:2]"),
    "tile": _numpy("np.tile(x, (2, 1))"),
    "repeat_interleave": ("as in NumPy it is repeat", "x.repeat(2, axis=0)"),
    "flip": _numpy("np.flip(x, axis=0)"),
    "roll": _numpy("np.roll(x, 1, axis=0)"),
    "concat": _numpy("np.concatenate([x, x], axis=0)"),
    "cat": _numpy("np.concatenate([x, x], axis=0)"),
    "stack": _numpy("np.stack([x, x])"),
    # values
    "to_numpy": ("the values are x.data", "x.data"),
    "values": ("the values are x.data", "x.data"),
    "value": ("the values are x.data, one number is .item()", "x.data"),
    "eval": ("the values are x.data", "x.data"),
    "clone": ("as in NumPy it is copy", "x.copy()"),
    "new_zeros": _numpy("np.zeros((2, 3))"),
    "new_ones": _numpy("np.ones((2, 3))"),
    "zeros_like": _numpy("np.zeros_like(x)"),
    "ones_like": _numpy("np.ones_like(x)"),
    "get": ("everything is on the CPU, so the values are x.data", "x.data"),
    # arithmetic
    "pow": _as_operator("x ** 2"),
    "add": _as_operator("x + 1.0"),
    "sub": _as_operator("x - 1.0"),
    "subtract": _as_operator("x - 1.0"),
    "mul": _as_operator("x * 2.0"),
    "multiply": _as_operator("x * 2.0"),
    "div": _as_operator("x / 2.0"),
    "divide": _as_operator("x / 2.0"),
    "neg": _as_operator("-x"),
    "mm": _as_operator("x @ w"),
    "bmm": _as_operator("x @ w"),
    "mv": _as_operator("x @ w"),
    "matmul": _as_operator("x @ w"),
    "addmm": _as_operator("x @ w + 1.0"),
    "eq": _as_operator("x == 1.0"),
    "ne": _as_operator("x != 1.0"),
    "lt": _as_operator("x < 1.0"),
    "le": _as_operator("x <= 1.0"),
    "gt": _as_operator("x > 1.0"),
    "ge": _as_operator("x >= 1.0"),
    "clamp": ("as in NumPy it is clip", "x.clip(0.0, 1.0)"),
    "rsqrt": _numpy("1 / np.sqrt(x)"),
    "max_pool2d": ("networks have layers for it, and ad.special functions", "nn.MaxPool2d(2)"),
    "topk": _numpy("np.sort(x, axis=-1)[..., -2:]"),
    "gather": _numpy("np.take_along_axis(x, i, axis=1)"),
    "index_select": ("as in NumPy it is take", "x.take([0, 2], axis=1)"),
    "masked_select": ("it is an index", "x[x > 0]"),
    "masked_fill": _numpy("np.where(x > 0, 0.0, x)"),
    "scatter": ("a changed copy is made by x.at", "x.at[0].set(1.0)"),
    "scatter_add": ("a changed copy is made by x.at", "x.at[0].add(1.0)"),
    "index_add": ("a changed copy is made by x.at", "x.at[0].add(1.0)"),
    # in place
    "sort": (_IN_PLACE, "np.sort(x)"),
    "partition": (_IN_PLACE, "np.partition(x, 1)"),
    "fill": (_IN_PLACE, "np.full_like(x, 0.0)"),
    "put": (_IN_PLACE, "x.ravel().at[0].set(1.0).reshape(x.shape)"),
    "resize": (_IN_PLACE, "np.resize(x, (3, 2))"),
    "assign": ("the values of a leaf are changed by assign_", "x0.assign_([0.0, 1.0])"),
    "assign_sub": ("a leaf is updated under no_grad", "with ad.no_grad(): x0 -= 0.1"),
    "assign_add": ("a leaf is updated under no_grad", "with ad.no_grad(): x0 += 0.1"),
    "index_fill_": (_IN_PLACE, "x.at[0].set(1.0)"),
    "masked_fill_": (_IN_PLACE, "np.where(x > 0, 0.0, x)"),
    "scatter_": (_IN_PLACE, "x.at[0].set(1.0)"),
    "scatter_add_": (_IN_PLACE, "x.at[0].add(1.0)"),
    "clamp_": (_IN_PLACE, "x.clip(0.0, 1.0)"),
    "detach_": (_IN_PLACE, "x.detach()"),
    # gradients
    "gradient": ("the gradient is x0.grad after y.backward(), or the answer of ad.gradients", "ad.gradients(y, [x])"),
    "retain_grad": ("a result keeps no .grad; ad.gradients gives the gradient of any Tensor", "ad.gradients(y, [x])"),
    "retains_grad": ("a result keeps no .grad; ad.gradients gives the gradient of any Tensor", "ad.gradients(y, [x])"),
    "grad_fn": ("the record of a result is shown by ad.draw", "ad.draw(y)"),
    "register_hook": (
        "nothing hangs on a Tensor; ad.gradients gives its gradient, and optim.clip_grad_norm clips",
        "ad.gradients(y, [x])",
    ),
    "stop_gradient": ("it is ad.stop_gradient, or detach", "x.detach()"),
    "trainable": ("whether it is tracked is requires_grad, changed by requires_grad_", "x0.requires_grad_(False)"),
}  # fmt: skip

_CREATION: Table = {
    "array": (_MADE, "ad.tensor([1.0, 2.0], requires_grad=True)"),
    "asarray": (_MADE, "ad.tensor([1.0, 2.0])"),
    "as_tensor": (_MADE, "ad.tensor([1.0, 2.0])"),
    "from_numpy": (_MADE, "ad.tensor(np.ones(3))"),
    "constant": (_MADE, "ad.tensor([1.0, 2.0])"),
    "Variable": ("a Tensor is tracked by itself", "ad.tensor([1.0, 2.0], requires_grad=True)"),
    "Array": ("the class is ad.Tensor, and " + _MADE, "ad.tensor([1.0, 2.0])"),
    "Node": ("the class is ad.Tensor, and " + _MADE, "ad.tensor(2.0, requires_grad=True)"),
    "Value": ("the class is ad.Tensor, and " + _MADE, "ad.tensor(2.0, requires_grad=True)"),
    "FloatTensor": (_MADE, "ad.tensor([1.0, 2.0], dtype=np.float32)"),
    "DoubleTensor": (_MADE, "ad.tensor([1.0, 2.0])"),
    "LongTensor": (_MADE, "ad.tensor([1, 2])"),
    "zeros": ("arrays are made by NumPy, and work beside Tensors", "ad.tensor(np.zeros(3), requires_grad=True)"),
    "ones": ("arrays are made by NumPy, and work beside Tensors", "ad.tensor(np.ones(3), requires_grad=True)"),
    "empty": ("arrays are made by NumPy, and work beside Tensors", "ad.tensor(np.zeros(3), requires_grad=True)"),
    "full": ("arrays are made by NumPy, and work beside Tensors", "np.full(3, 1.0)"),
    "eye": ("arrays are made by NumPy, and work beside Tensors", "np.eye(3)"),
    "arange": ("arrays are made by NumPy, and work beside Tensors", "np.arange(3.0)"),
    "linspace": ("arrays are made by NumPy, and work beside Tensors", "np.linspace(0.0, 1.0, 5)"),
    "rand": ("random numbers are NumPy's", "np.random.default_rng(0).random((2, 3))"),
    "randn": ("random numbers are NumPy's", "np.random.default_rng(0).standard_normal((2, 3))"),
    "randint": ("random numbers are NumPy's", "np.random.default_rng(0).integers(10, size=3)"),
    "randperm": ("random numbers are NumPy's", "np.random.default_rng(0).permutation(3)"),
    "random": ("random numbers are NumPy's", "np.random.default_rng(0).random((2, 3))"),
    "manual_seed": ("random numbers are NumPy's; for networks the seed is set by nn.manual_seed", "nn.manual_seed(0)"),
    "seed": ("random numbers are NumPy's; for networks the seed is set by nn.manual_seed", "nn.manual_seed(0)"),
}
_TRANSFORMS: Table = {
    "jit": ("it is ad.compile", "fast = ad.compile(f)"),
    "function": ("a Python function is one as it stands; ad.compile makes it fast", "fast = ad.compile(f)"),
    "script": ("it is ad.compile", "fast = ad.compile(f)"),
    "vmap": (
        "functions of NumPy take whole arrays, so a function is written for all copies at once; a whole Jacobian is ad.jacobian",
        "np.sum(x * x, axis=-1)",
    ),
    "pmap": (_CPU, "np.sum(x * x, axis=-1)"),
    "autograd": ("the transforms stand in ad itself; torch.autograd.grad is ad.gradients", "ad.gradients(y, [x])"),
    "Function": _OWN_OPERATION,
    "custom_vjp": _OWN_OPERATION,
    "custom_jvp": _OWN_OPERATION,
    "custom_gradient": _OWN_OPERATION,
    "defvjp": _OWN_OPERATION,
    "gradient": ("it is ad.grad", "ad.grad(f)(x0)"),
    "val_and_grad": ("it is ad.value_and_grad", "ad.value_and_grad(f)(x0)"),
    "value_and_gradient": ("it is ad.value_and_grad", "ad.value_and_grad(f)(x0)"),
    "value_and_gradients": ("it is ad.value_and_grad", "ad.value_and_grad(f)(x0)"),
    "elementwise_grad": ("it is ad.derivative, of a number or entry by entry", "ad.derivative(np.tanh)(x0)"),
    "egrad": ("it is ad.derivative, of a number or entry by entry", "ad.derivative(np.tanh)(x0)"),
    "diff": ("it is ad.derivative; differences of entries are np.diff", "ad.derivative(np.tanh)(x0)"),
    "multigrad_dict": ("ad.grad differentiates by containers too", "ad.grad(lambda p: p['a'] * p['b'])({'a': 1.0, 'b': 2.0})"),
    "GradientTape": ("Tensors are recorded by themselves, without a tape", "ad.gradients(y, [x])"),
    "Tape": ("Tensors are recorded by themselves, without a tape", "ad.gradients(y, [x])"),
    "jacfwd": ("it is ad.jacobian with mode='forward'", "ad.jacobian(np.sin, mode='forward')(x0)"),
    "jacrev": ("it is ad.jacobian with mode='reverse'", "ad.jacobian(np.sin, mode='reverse')(x0)"),
    "hessian_vector_product": ("it is ad.hvp", "ad.hvp(f, x0, np.ones(2))"),
    "make_hvp": ("it is ad.hvp, or ad.hessian_operator for many products", "ad.hvp(f, x0, np.ones(2))"),
    "make_ggnvp": ("the Gauss-Newton method is optim.GaussNewton; products with a Jacobian are ad.linearize", "ad.linearize(np.sin, x0)"),
    "make_jvp": ("it is ad.jvp", "ad.jvp(np.sin, (x0,), (np.ones(2),))"),
    "make_vjp": ("it is ad.vjp", "ad.vjp(np.sin, x0)"),
    "vhp": ("it is ad.hvp, since a Hessian is symmetric", "ad.hvp(f, x0, np.ones(2))"),
    "backward": ("it is a method of the result, or ad.gradients", "ad.gradients(y, [x])"),
    "enable_grad": ("recording is on, but under ad.no_grad(); a transform records always", "ad.grad(f)(x0)"),
    "set_grad_enabled": ("recording is switched off by ad.no_grad()", "with ad.no_grad(): f(x0)"),
    "inference_mode": ("recording is switched off by ad.no_grad()", "with ad.no_grad(): f(x0)"),
    "is_grad_enabled": ("recording is on, but under ad.no_grad()", "f(x0).requires_grad"),
    "no_gradient": ("recording is switched off by ad.no_grad()", "with ad.no_grad(): f(x0)"),
    "detach": ("it is a method, or ad.stop_gradient", "x.detach()"),
    "stop_gradients": ("it is ad.stop_gradient", "ad.stop_gradient(x)"),
    "gradcheck": ("it is ad.testing.gradcheck", "ad.testing.gradcheck(f, np.ones(2))"),
    "check_grads": ("it is ad.testing.gradcheck", "ad.testing.gradcheck(f, np.ones(2))"),
    "check_grad": ("it is ad.testing.gradcheck", "ad.testing.gradcheck(f, np.ones(2))"),
    "remat": ("it is ad.checkpoint", "ad.checkpoint(f)(x0)"),
    "anomaly_mode": ("it is ad.detect_anomaly", "with ad.detect_anomaly(): f(x0)"),
    "set_detect_anomaly": ("it is ad.detect_anomaly", "with ad.detect_anomaly(): f(x0)"),
    "make_dot": ("it is ad.draw", "ad.draw(y)"),
    "make_jaxpr": ("the program of a derivative is printed by ad.derive", "print(ad.derive(f)(np.ones(2)))"),
    "tree_map": ("transforms and optimisers take containers as they are", "ad.grad(lambda p: p['a'] * p['b'])({'a': 1.0, 'b': 2.0})"),
    "lax": ("loops and branches are Python's, and choices np.where", "np.where(x > 0, x, 0.0)"),
    "solve_ivp": ("it is ad.odeint", "ad.odeint(lambda y, t: -y, 1.0, [0.0, 1.0])"),
    "quad": ("it is ad.integrate", "ad.integrate(np.exp, 0.0, 1.0)"),
    "trapezoid": ("samples are summed by np.trapezoid, and functions integrated by ad.integrate", "ad.integrate(np.exp, 0.0, 1.0)"),
}  # fmt: skip

AUTODIFF: Table = {
    **{name: row for name, row in TENSOR.items() if name != "stop_gradient"},
    **_CREATION,
    **_TRANSFORMS,
    "numpy": ("NumPy itself works on Tensors", "import numpy as np"),
    "einsum": _numpy("np.einsum('ij,jk->ik', x, w)"),
    "where": _numpy("np.where(x > 0, x, 0.0)"),
    "float": ("the types of entries are NumPy's", "np.float32"),
    "double": ("the types of entries are NumPy's", "np.float64"),
    "half": ("the types of entries are NumPy's", "np.float16"),
    "long": ("the types of entries are NumPy's", "np.int64"),
    "int": ("the types of entries are NumPy's", "np.int32"),
    "bool": ("the types of entries are NumPy's", "np.bool_"),
    "dtype": ("the types of entries are NumPy's", "np.dtype(np.float32)"),
    "set_default_dtype": ("NumPy chooses the type, and layers take dtype=", "nn.Linear(2, 1, dtype=np.float64)"),
    "device": (_CPU, "ad.tensor([1.0, 2.0])"),
    "cuda": (_CPU + "; for an accelerator compile with JAX, ad.compile(f, backend='jax')", "ad.tensor([1.0, 2.0])"),
    "is_tensor": ("it is isinstance", "isinstance(x, ad.Tensor)"),
    "nn": ("networks are a package of their own", "import nn"),
    "optim": ("optimisers are a package of their own", "import optim"),
    "keras": ("networks are a package of their own", "import nn"),
    "Module": ("networks are a package of their own, nn, with the class nn.Module", "nn.Linear(2, 1)"),
    "Parameter": ("networks are a package of their own, nn, with the class nn.Parameter", "nn.Parameter(np.zeros(3))"),
    "save": ("the state of a model is saved by nn.save", "nn.save('model.npz', nn.Linear(2, 1).state_dict())"),
    "load": ("the state of a model is loaded by nn.load", "nn.load('model.npz')"),
    "minimize": ("it is optim.minimize", "optim.minimize(lambda p: (p ** 2).sum(), [1.0, 2.0])"),
    "stats": ("distributions stand in ad.probability", "ad.probability.Normal(0.0, 1.0)"),
    "distributions": ("distributions stand in ad.probability", "ad.probability.Normal(0.0, 1.0)"),
    "linalg": (_LINALG, "np.linalg.inv(m)"),
    "fft": (_OF_NUMPY + ", those of np.fft too", "np.fft.fft(x)"),
}  # fmt: skip

TENSOR_KEYWORDS: Table = {
    "dim": ("axis", ""),
    "dims": ("axis", ""),
    "axes": ("axis", ""),
    "keepdim": ("keepdims", ""),
    "keep_dims": ("keepdims", ""),
    "unbiased": ("as in NumPy it is ddof=, 1 for the unbiased one", "x.var(ddof=1)"),
    "descending": ("as in NumPy the order is turned by a slice", "x.argsort()[..., ::-1]"),
    "retain_graph": ("a graph lives as long as its result, so backward may be called again; leave it out", "y.backward()"),
    "create_graph": ("gradients that can be differentiated again are those of ad.gradients", "ad.gradients(y, [x], create_graph=True)"),
    "gradient": ("ct", ""),
    "grad_output": ("ct", ""),
    "inputs": ("the gradients by some Tensors alone are those of ad.gradients", "ad.gradients(y, [x])"),
    "start_dim": ("the first axis is kept by reshape", "x.reshape(len(x), -1)"),
    "device": (_CPU, "ad.tensor([1.0, 2.0])"),
    "names": ("name", ""),
    "argnum": ("argnums", ""),
    "wrt": ("which arguments are meant is said by their numbers", "ad.grad(lambda a, b: a * b, argnums=1)(2.0, 3.0)"),
    "argnames": ("which arguments are meant is said by their numbers", "ad.grad(lambda a, b: a * b, argnums=1)(2.0, 3.0)"),
    "label": ("name", ""),
}  # fmt: skip

PROBABILITY: Table = {
    **dict.fromkeys(("norm", "Gaussian", "gaussian"), ("it is pr.Normal, with its mean and standard deviation", "pr.Normal(0.0, 1.0)")),
    "Cauchy": ("it is pr.StudentT with one degree of freedom", "pr.StudentT(1.0)"),
    **dict.fromkeys(("Chi2", "chi2"), ("with k degrees of freedom it is a pr.Gamma", "pr.Gamma(3.0 / 2, 0.5)")),
    **dict.fromkeys(("LogNormal", "lognorm"), ("it is exp of a pr.Normal", "np.exp(pr.Normal().sample(3, rng=0))")),
    "Independent": ("parameters may be arrays, one distribution for each entry", "pr.Normal(np.zeros(3), np.ones(3))"),
    **dict.fromkeys(("js_divergence", "js"), ("it is pr.jensen_shannon", "pr.jensen_shannon([0.5, 0.5], [0.2, 0.8])")),
    "expon": ("it is pr.Exponential, with its rate, 1 / scale", "pr.Exponential(2.0)"),
    "t": ("it is pr.StudentT", "pr.StudentT(3.0)"),
    "binom": ("it is pr.Binomial", "pr.Binomial(10, 0.5)"),
    "multivariate_normal": ("it is pr.MultivariateNormal", "pr.MultivariateNormal(np.zeros(2), np.eye(2))"),
    "Multinomial": ("one draw of it is pr.Categorical", "pr.Categorical([0.2, 0.8])"),
    "MixtureSameFamily": ("it is pr.Mixture", "pr.Mixture([0.5, 0.5], [pr.Normal(), pr.Normal(3.0)])"),
    "GaussianMixture": ("it is pr.Mixture", "pr.Mixture([0.5, 0.5], [pr.Normal(), pr.Normal(3.0)])"),
    "kl": ("it is pr.kl_divergence", "pr.kl_divergence([0.5, 0.5], [0.2, 0.8])"),
    "kl_div": ("it is pr.kl_divergence", "pr.kl_divergence([0.5, 0.5], [0.2, 0.8])"),
    "rel_entr": ("it is pr.kl_divergence", "pr.kl_divergence([0.5, 0.5], [0.2, 0.8])"),
    "mle": ("it is pr.fit", "pr.fit(pr.Normal, [1.2, 0.7, 2.9])"),
    "expect": ("it is pr.expectation", "pr.expectation(np.exp, d)"),
}  # fmt: skip

_GAUSS = ("it is in the distribution pr.Normal", "ad.probability.Normal().quantile(0.9)")
SPECIAL: Table = {
    **dict.fromkeys(("loggamma", "lgamma", "log_gamma"), ("its logarithm is gammaln", "ad.special.gammaln(x)")),
    "beta": ("its logarithm is betaln", "ad.special.betaln(2.0, 3.0)"),
    **dict.fromkeys(("log_expit", "logsigmoid", "log_sigmoid"), ("it is minus softplus of -x", "-ad.special.softplus(-x)")),
    **dict.fromkeys(("ndtr", "ndtri", "log_ndtr", "erfinv"), _GAUSS),
    "expm": _special("matrix_exp"),
    "logm": _special("matrix_log"),
    "sqrtm": _special("matrix_sqrt"),
    "psi": _special("digamma"),
    "swish": _special("silu"),
    **dict.fromkeys(("kl_div", "kl_divergence"), ("it is a function of probabilities", "ad.probability.kl_divergence([0.5, 0.5], [0.2, 0.8])")),
    "one_hot": ("rows of the identity are taken", "np.eye(3)[i]"),
}  # fmt: skip

_SHOWN = (
    "functions return Matplotlib's Figure, which has it",
    "ad.plotting.tangent(np.sin, 1.0).savefig('tangent.png')",
)
_LEVELS = ("pictures of a function of a point are in optim.plotting", "optim.plotting.contours(f, box=(-1, 1, -1, 1))")
_ARROWS = ("it is vector_field", "ad.plotting.vector_field(lambda p: -p, (-1, 1, -1, 1))")
PLOTTING: Table = {
    **dict.fromkeys(("show", "savefig", "figure"), _SHOWN),
    **dict.fromkeys(("plot", "line", "tangent_line", "derivative"), ("a function is drawn with its tangent", "ad.plotting.tangent(np.sin, 1.0)")),
    **dict.fromkeys(("contour", "contours", "contourf", "surface", "heatmap"), _LEVELS),
    **dict.fromkeys(("quiver", "streamplot", "stream", "field", "curl", "divergence"), _ARROWS),
    **dict.fromkeys(("taylor", "taylor_series"), ("it is taylor_polynomials", "ad.plotting.taylor_polynomials(np.sin, 0.0)")),
    **dict.fromkeys(("integral", "integrate", "area"), ("it is riemann", "ad.plotting.riemann(np.sin, 0.0, 1.0)")),
    "secant": ("it is secant_to_tangent", "ad.plotting.secant_to_tangent(np.sin, 1.0)"),
    **dict.fromkeys(("draw", "graph"), ("the graph of a Tensor is drawn by ad.draw", "ad.draw(y)")),
}  # fmt: skip

_QUANTILE = ("it is quantile", "d.quantile(0.9)")
_SAMPLE = ("it is sample", "d.sample(1000, rng=0)")
_DEVIATION = ("it is standard_deviation", "d.standard_deviation")
CONTINUOUS: Table = {
    "pdf": ("it is density", "d.density(0.5)"),
    "prob": ("it is density", "d.density(0.5)"),
    "pmf": ("it is density, since it is continuous", "d.density(0.5)"),
    "probability_of": ("it is density, since it is continuous", "d.density(0.5)"),
    "logpdf": ("it is log_density", "d.log_density(0.5)"),
    "log_pdf": ("it is log_density", "d.log_density(0.5)"),
    "log_prob": ("it is log_density", "d.log_density(0.5)"),
    "logpmf": ("it is log_density, since it is continuous", "d.log_density(0.5)"),
    "log_probability": ("it is log_density, since it is continuous", "d.log_density(0.5)"),
    "logcdf": ("it is the logarithm of cdf", "np.log(d.cdf(0.5))"),
    "sf": ("it is survival", "d.survival(0.5)"),
    "logsf": ("it is log_survival", "d.log_survival(0.5)"),
    "ppf": _QUANTILE,
    "icdf": _QUANTILE,
    "isf": ("it is quantile, of 1 - q", "d.quantile(1 - 0.1)"),
    "percentile": _QUANTILE,
    "interval": ("its ends are quantiles", "d.quantile(np.array([0.025, 0.975]))"),
    "median": ("it is the quantile of 1/2", "d.quantile(0.5)"),
    "rvs": _SAMPLE,
    "rsample": ("it is sample, which can be differentiated by the parameters", "d.sample(1000, rng=0)"),
    "draw": _SAMPLE,
    "std": _DEVIATION,
    "stddev": _DEVIATION,
    "sigma": _DEVIATION,
    "scale": _DEVIATION,
    "loc": ("it is mean", "d.mean"),
    "mu": ("it is mean", "d.mean"),
    "var": ("it is variance", "d.variance"),
    "expect": ("it is pr.expectation", "pr.expectation(np.exp, d)"),
    "fit": ("it is pr.fit, of the class", "pr.fit(pr.Normal, [1.2, 0.7, 2.9])"),
    "stats": ("they are mean and variance", "d.mean, d.variance"),
}
DISCRETE: Table = {
    **{
        name: (here, example.replace("d.", "k."))
        for name, (here, example) in CONTINUOUS.items()
        if name not in ("probability_of", "log_probability")
    },
    **dict.fromkeys(("pdf", "density", "pmf", "prob"), ("it is probability_of", "k.probability_of(2)")),
    **dict.fromkeys(
        ("logpdf", "log_pdf", "log_density", "logpmf", "log_prob"), ("it is log_probability", "k.log_probability(2)")
    ),
    "rsample": ("it is sample; values that jump have no derivative", "k.sample(1000, rng=0)"),
    "expect": ("it is pr.expectation", "pr.expectation(np.sqrt, k)"),
    "fit": ("it is pr.fit, of the class", "pr.fit(pr.Poisson, [1, 0, 2])"),
}

_LOCATION = ("loc", "mu", "mean", "location")
_SPREAD = ("scale", "sigma", "std", "stddev", "s", "standard_deviation")
_RATE = ("an exponential rate is given, 1 / scale", "pr.Exponential(rate=0.5)")
_LOGITS = ("probabilities are given", "pr.Bernoulli(ad.special.sigmoid(0.3))")
DISTRIBUTION_KEYWORDS: dict[str, Table] = {
    "Normal": dict.fromkeys(_LOCATION, ("mean", ""))
    | dict.fromkeys(_SPREAD, ("standard_deviation", ""))
    | dict.fromkeys(("var", "variance"), ("the standard deviation is given", "pr.Normal(0.0, standard_deviation=np.sqrt(2.0))")),
    "Laplace": dict.fromkeys(_LOCATION, ("location", "")) | {"b": ("scale", "")},
    "StudentT": dict.fromkeys(_LOCATION, ("location", "")) | dict.fromkeys(("df", "nu", "dof"), ("degrees_of_freedom", "")) | {"sigma": ("scale", "")},
    "Exponential": {"scale": _RATE, "loc": _RATE, "lam": ("rate", ""), "lambda_": ("rate", "")},
    "Gamma": dict.fromkeys(("a", "alpha", "shape", "k"), ("concentration", ""))
    | dict.fromkeys(("beta", "b"), ("rate", ""))
    | {"scale": ("a rate is given, 1 / scale", "pr.Gamma(2.0, rate=0.5)")},
    "Beta": {"a": ("alpha", ""), "b": ("beta", ""), "concentration1": ("alpha", ""), "concentration0": ("beta", "")},
    "Uniform": {"a": ("low", ""), "b": ("high", ""), "loc": ("both ends are given", "pr.Uniform(0.0, 1.0)")},
    "Poisson": dict.fromkeys(("mu", "lam", "lambda_"), ("rate", "")),
    "Bernoulli": dict.fromkeys(("p", "probs", "prob"), ("probability", "")) | {"logits": _LOGITS},
    "Binomial": dict.fromkeys(("p", "probs", "prob"), ("probability", "")) | {"total_count": ("n", ""), "logits": _LOGITS},
    "Categorical": dict.fromkeys(("p", "probs"), ("probabilities", ""))
    | {"logits": ("probabilities are given", "pr.Categorical(ad.special.softmax([0.3, 0.1]))")},
    "MultivariateNormal": dict.fromkeys(("cov", "covariance_matrix", "sigma"), ("covariance", ""))
    | dict.fromkeys(_LOCATION, ("mean", "")),
}  # fmt: skip


def of_numpy(name: str) -> Row | None:
    """A row for a function or a type of NumPy."""
    thing = vars(np).get(name)
    if isinstance(thing, type):
        return ("the types of entries are NumPy's", f"np.{name}") if issubclass(thing, np.generic) else None
    if isinstance(thing, np.ufunc):
        return _OF_NUMPY, f"np.{name}({', '.join('xyzw'[: thing.nin])})"
    return (_OF_NUMPY, f"np.{name}(x, ...)") if callable(thing) else None


def of_autodiff(name: str) -> Row | None:
    """The row for a name that `autodiff` does not have."""
    return AUTODIFF.get(name) or of_numpy(name)


def of_tensor(name: str) -> Row | None:
    """The row for a name that a Tensor does not have."""
    row = TENSOR.get(name)
    if row is not None or hasattr(np.ndarray, name):
        return row
    if name.endswith("_"):
        return _IN_PLACE + "; a leaf is given new values by assign_", "x.assign_(value)"
    row = of_numpy(name)
    return row if row is not None and "(" in row[1] else None


def of_special(name: str) -> Row | None:
    """The row for a name that `autodiff.special` does not have."""
    return SPECIAL.get(name) or of_numpy(name)


def of_plotting(name: str) -> Row | None:
    """The row for a name that `autodiff.plotting` does not have."""
    return PLOTTING.get(name)


def of_probability(name: str) -> Row | None:
    """The row for a name that `autodiff.probability` does not have."""
    return PROBABILITY.get(name)
