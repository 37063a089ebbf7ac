"""The names of other libraries: the message says what it is called here, with an example that runs."""

from pathlib import Path

import numpy as np

import autodiff as ad
import nn
import nn.names
import optim
import optim.names
from autodiff import probability as pr
from tests.test_first_hour import check, table

ROOT = Path(__file__).parents[1]


def made():
    """The names that the examples of the tables use."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    inputs, targets = rng.normal(size=(6, 2)).astype("f4"), rng.normal(size=(6, 1)).astype("f4")
    optimizer = optim.Adam(model.parameters())
    logits = ad.tensor(rng.normal(size=(6, 3)))
    return {
        "np": np,
        "ad": ad,
        "nn": nn,
        "optim": optim,
        "pr": pr,
        "model": model,
        "optimizer": optimizer,
        "layer": nn.Linear(2, 8),
        "x": inputs,
        "y": targets,
        "logits": logits,
        "labels": np.array([0, 1, 2, 0, 1, 2]),
        "binary": np.ones((6, 3)),
        "images": np.ones((2, 1, 8, 8)),
        "loss": lambda: nn.mse_loss(model(inputs), targets),
        "schedule": optim.StepDecay(optimizer, 10),
        "f": lambda p: (p**2).sum(),
    }


def of_tensors():
    """The same for the tables of `autodiff`, in which x is a Tensor."""
    x = ad.tensor(np.arange(6.0).reshape(2, 3) + 1, requires_grad=True)
    return {
        **made(),
        "x": x,
        "m": ad.tensor(np.diag([1.0, 2.0]) + 0.1),
        "w": ad.tensor(np.ones((3, 4))),
        "i": np.array([[0], [1]]),
        "y": (x * x).sum(),
        "x0": ad.tensor([1.0, 2.0], requires_grad=True),
        "value": 1.0,
        "d": pr.Normal(0.0, 1.0),
        "k": pr.Poisson(2.0),
    }


x = of_tensors()["x"]
model, optimizer, layer, schedule = (made()[name] for name in ("model", "optimizer", "layer", "schedule"))
X, Y = np.ones((4, 2), "f4"), np.ones((4, 1), "f4")
parameters = model.parameters()
normal, poisson = pr.Normal(0.0, 1.0), pr.Poisson(2.0)


class Called(nn.Module):
    def call(self, inputs):
        return inputs


def without_brackets():
    with ad.no_grad:
        pass


def importing(line):
    exec(line, {})


def setting(thing, name, value):
    setattr(thing, name, value)


# --- modules


@table(
    {
        "ad.cat": (lambda: ad.cat, ("autodiff has no cat", "NumPy", r"np\.concatenate\(\[x, x\]")),
        "ad.stack": (lambda: ad.stack, ("no stack", "NumPy", r"np\.stack")),
        "ad.sin": (lambda: ad.sin, ("no sin", "NumPy's own functions work on Tensors", r"np\.sin\(x\)")),
        "ad.exp": (lambda: ad.exp, ("no exp", "work on Tensors", r"np\.exp\(x\)")),
        "ad.maximum": (lambda: ad.maximum, ("no maximum", "work on Tensors", r"np\.maximum\(x, y\)")),
        "ad.clip": (lambda: ad.clip, ("no clip", "work on Tensors", r"np\.clip\(x, \.\.\.\)")),
        "ad.float32": (lambda: ad.float32, ("no float32", "types", r"np\.float32")),
        "ad.float": (lambda: ad.float, ("no float", "types", r"np\.float32")),
        "ad.Variable": (lambda: ad.Variable, ("no Variable", "tracked", r"ad\.tensor\(.*requires_grad=True")),
        "ad.function": (lambda: ad.function, ("no function", r"ad\.compile", r"ad\.compile\(f\)")),
        "ad.jit": (lambda: ad.jit, ("no jit", r"ad\.compile", r"ad\.compile\(f\)")),
        "ad.vmap": (lambda: ad.vmap, ("no vmap", "all copies at once", r"axis=-1")),
        "ad.zeros": (lambda: ad.zeros, ("no zeros", "NumPy", r"np\.zeros\(3\)")),
        "ad.ones": (lambda: ad.ones, ("no ones", "NumPy", r"np\.ones\(3\)")),
        "ad.arange": (lambda: ad.arange, ("no arange", "NumPy", r"np\.arange")),
        "ad.rand": (lambda: ad.rand, ("no rand", "random numbers are NumPy's", r"default_rng")),
        "ad.from_numpy": (lambda: ad.from_numpy, ("no from_numpy", r"ad\.tensor", r"ad\.tensor\(np\.ones\(3\)\)")),
        "ad.array": (lambda: ad.array, ("no array", r"ad\.tensor", r"ad\.tensor\(\[1\.0")),
        "ad.autograd.grad": (lambda: ad.autograd.grad, ("no autograd", r"ad\.gradients", r"ad\.gradients\(y, \[x\]\)")),
        "ad.value_and_gradient": (lambda: ad.value_and_gradient, ("no value_and_gradient", "value_and_grad", r"\(f\)\(x0\)")),
        "ad.elementwise_grad": (lambda: ad.elementwise_grad, ("no elementwise_grad", "derivative", r"ad\.derivative\(np\.tanh\)")),
        "ad.GradientTape": (lambda: ad.GradientTape, ("no GradientTape", "by themselves", r"ad\.gradients")),
        "ad.jacfwd": (lambda: ad.jacfwd, ("no jacfwd", "jacobian", "mode='forward'")),
        "ad.enable_grad": (lambda: ad.enable_grad, ("no enable_grad", "no_grad", r"ad\.grad\(f\)")),
        "ad.Function": (lambda: ad.Function, ("no Function", "of your own", r"ad\.elementwise\(")),
        "ad.cuda": (lambda: ad.cuda.is_available(), ("no cuda", "CPU", "jax")),
        "ad.device": (lambda: ad.device("cpu"), ("no device", "CPU", r"ad\.tensor")),
        "ad.sigmoid": (lambda: ad.sigmoid, ("no sigmoid", r"ad\.special", r"ad\.special\.sigmoid\(x\)")),
        "ad.nn": (lambda: ad.nn, ("no nn", "package of their own", "import nn")),
        "ad.numpy": (lambda: ad.numpy, ("no numpy", "NumPy itself", "import numpy as np")),
        "ad.minimize": (lambda: ad.minimize, ("no minimize", r"optim\.minimize", r"\[1\.0, 2\.0\]")),
        "ad.manual_seed": (lambda: ad.manual_seed, ("no manual_seed", "random", r"nn\.manual_seed\(0\)")),
        "ad.Jacobian": (lambda: ad.Jacobian, ("no attribute 'Jacobian'", r"Did you mean autodiff\.jacobian\?")),
        "from autodiff import jit": (lambda: importing("from autodiff import jit"), ("no jit", r"ad\.compile", "Write")),
        "nn.MSELoss": (lambda: nn.MSELoss, ("nn has no MSELoss", "a function here", r"nn\.mse_loss\(model\(x\), y\)")),
        "nn.CrossEntropyLoss": (lambda: nn.CrossEntropyLoss, ("no CrossEntropyLoss", "function", r"nn\.cross_entropy\(logits, labels\)")),
        "nn.BCELoss": (lambda: nn.BCELoss, ("no BCELoss", "function", r"nn\.binary_cross_entropy\(")),
        "nn.BCEWithLogitsLoss": (lambda: nn.BCEWithLogitsLoss, ("no BCEWith", "function", r"nn\.binary_cross_entropy_with_logits\(")),
        "nn.L1Loss": (lambda: nn.L1Loss, ("no L1Loss", "function", r"nn\.l1_loss\(")),
        "nn.NLLLoss": (lambda: nn.NLLLoss, ("no NLLLoss", "function", r"nn\.nll_loss\(nn\.log_softmax")),
        "nn.KLDivLoss": (lambda: nn.KLDivLoss, ("no KLDivLoss", "function", r"nn\.kl_div\(")),
        "nn.HuberLoss": (lambda: nn.HuberLoss, ("no HuberLoss", "function", r"nn\.huber_loss\(")),
        "nn.SmoothL1Loss": (lambda: nn.SmoothL1Loss, ("no SmoothL1Loss", "function", r"nn\.huber_loss\(")),
        "nn.functional.relu": (lambda: nn.functional.relu, ("no functional", "in nn itself", r"nn\.relu\(x\)")),
        "from nn import functional": (lambda: importing("from nn import functional as F"), ("no functional", "nn itself", r"nn\.relu")),
        "nn.DataLoader": (lambda: nn.DataLoader, ("no DataLoader", "of arrays", r"nn\.batches\(x, y, batch_size=32\)")),
        "nn.F": (lambda: nn.F.relu, ("no F", "nn itself", r"nn\.relu\(x\)")),
        "nn.pad_sequence": (lambda: nn.pad_sequence, ("no pad_sequence", r"np\.pad", "lengths=")),
        "nn.pack_padded_sequence": (lambda: nn.pack_padded_sequence, ("no pack_padded_sequence", "recurrent", "lengths=")),
        "nn.ConvTranspose2d": (lambda: nn.ConvTranspose2d, ("no ConvTranspose2d", "not here", r"nn\.Conv2d")),
        "nn.Dataset": (lambda: nn.Dataset, ("no Dataset", "arrays", r"nn\.batches\(")),
        "nn.Dense": (lambda: nn.Dense, ("no Dense", "layer", r"nn\.Linear\(2, 8\)")),
        "nn.Conv2D": (lambda: nn.Conv2D, ("no Conv2D", "layer", r"nn\.Conv2d\(1, 8, 3\)")),
        "nn.MaxPooling2D": (lambda: nn.MaxPooling2D, ("no MaxPooling2D", "layer", r"nn\.MaxPool2d\(2\)")),
        "nn.BatchNormalization": (lambda: nn.BatchNormalization, ("no Batch", "layer", r"nn\.BatchNorm1d\(8\)")),
        "nn.Identity": (lambda: nn.Identity, ("no Identity", "empty", r"nn\.Sequential\(\)")),
        "nn.MultiheadAttention": (lambda: nn.MultiheadAttention, ("no Multihead", "layer", r"nn\.MultiHeadAttention\(")),
        "nn.ModuleDict": (lambda: nn.ModuleDict, ("no ModuleDict", "attribute", r"\{'a': nn\.Linear")),
        "nn.Activation": (lambda: nn.Activation, ("no Activation", "of its own", r"nn\.ReLU\(\)")),
        "nn.utils.clip_grad_norm_": (lambda: nn.utils.clip_grad_norm_, ("no utils", "clipping", r"optim\.clip_grad_norm\(")),
        "nn.one_hot": (lambda: nn.one_hot, ("no one_hot", "numbers of classes", r"np\.eye\(3\)\[labels\]")),
        "nn.dropout": (lambda: nn.dropout, ("no dropout", "layer", r"nn\.Dropout\(0\.5\)\(x\)")),
        "nn.ModelCheckpoint": (lambda: nn.ModelCheckpoint, ("no ModelCheckpoint", r"nn\.fit", "checkpoint='run.npz'")),
        "nn.callbacks": (lambda: nn.callbacks, ("no callbacks", r"\(epoch, history, model\)", r"nn\.EarlyStopping\(")),
        "nn.Relu": (lambda: nn.Relu, ("no attribute 'Relu'", r"Did you mean nn\.ReLU\?")),
        "nn.init.kaiming_uniform_": (lambda: nn.init.kaiming_uniform_, (r"nn\.init has no kaiming", "he_uniform", r"\(layer\.weight\)")),
        "nn.init.xavier_normal_": (lambda: nn.init.xavier_normal_, ("no xavier_normal_", "set", r"xavier_normal\(layer\.weight\)")),
        "nn.init.zeros_": (lambda: nn.init.zeros_, ("no zeros_", "set", r"nn\.init\.zeros\(layer\.bias\)")),
        "nn.init.calculate_gain": (lambda: nn.init.calculate_gain, ("no calculate_gain", "gain", r"gain\('relu'\)")),
        "nn.data.make_moons": (lambda: nn.data.make_moons, (r"nn\.data has no make_moons", "it is", r"nn\.data\.moons\(200")),
        "nn.data.read_csv": (lambda: nn.data.read_csv, ("no read_csv", "DataFrame", r"nn\.data\.from_table")),
        "optim.SGD": (lambda: optim.SGD, ("optim has no SGD", "GradientDescent", r"optim\.Momentum\(.*momentum=0\.9\)")),
        "from optim import SGD": (lambda: importing("from optim import SGD"), ("no SGD", "GradientDescent", "Write")),
        "optim.RMSprop": (lambda: optim.RMSprop, ("no RMSprop", "RMSProp", r"optim\.RMSProp\(model")),
        "optim.Adagrad": (lambda: optim.Adagrad, ("no Adagrad", "AdaGrad", r"optim\.AdaGrad\(model")),
        "optim.adamw": (lambda: optim.adamw, ("no adamw", "AdamW", r"optim\.AdamW\(model")),
        "optim.Adadelta": (lambda: optim.Adadelta, ("no Adadelta", "not here", r"optim\.Adam\(model")),
        "optim.lr_scheduler": (lambda: optim.lr_scheduler.StepLR, ("no lr_scheduler", "optim itself", r"optim\.StepDecay\(")),
        "optim.CosineAnnealingLR": (lambda: optim.CosineAnnealingLR, ("no Cosine", "CosineDecay", r"n_steps=100")),
        "optim.ReduceLROnPlateau": (lambda: optim.ReduceLROnPlateau, ("no Reduce", "it is", r"optim\.ReduceOnPlateau\(optimizer\)")),
        "optim.schedules.StepLR": (lambda: optim.schedules.StepLR, (r"optim\.schedules has no StepLR", "StepDecay", "step_size=10")),
        "optim.clip_grad_norm_": (lambda: optim.clip_grad_norm_, ("no clip_grad_norm_", "it is", r"optim\.clip_grad_norm\(")),
        "optim.fsolve": (lambda: optim.fsolve, ("no fsolve", "it is", r"optim\.root\(")),
        "optim.curve_fit": (lambda: optim.curve_fit, ("no curve_fit", "residuals", "'gauss-newton'")),
        "pr.norm": (lambda: pr.norm, (r"autodiff\.probability has no norm", "Normal", r"pr\.Normal\(0\.0, 1\.0\)")),
        "pr.Gaussian": (lambda: pr.Gaussian, ("no Gaussian", "Normal", r"pr\.Normal\(0\.0, 1\.0\)")),
        "pr.kl_div": (lambda: pr.kl_div, ("no kl_div", "it is", r"pr\.kl_divergence\(")),
        "special.sinh": (lambda: ad.special.sinh, ("special has no sinh", "NumPy", r"np\.sinh\(x\)")),
        "special.erfinv": (lambda: ad.special.erfinv, ("pr.Normal", r"quantile\(0\.9\)")),
        "special.psi": (lambda: ad.special.psi, ("no psi", r"ad\.special\.digamma")),
        "special, almost": (lambda: ad.special.Sigmoid, ("Did you mean autodiff.special.sigmoid",)),
        "pr.gaussian": (lambda: pr.gaussian, ("no gaussian", r"pr\.Normal\(0\.0, 1\.0\)")),
        "pr.Cauchy": (lambda: pr.Cauchy, ("one degree of freedom", r"pr\.StudentT\(1\.0\)")),
        "pr.chi2": (lambda: pr.chi2, ("pr.Gamma", r"pr\.Gamma\(3\.0 / 2, 0\.5\)")),
        "ad.plotting.quiver": (lambda: ad.plotting.quiver, ("no quiver", "vector_field")),
        "ad.plotting.show": (lambda: ad.plotting.show, ("Figure", r"savefig\('tangent.png'\)")),
        "ad.plotting.contour": (lambda: ad.plotting.contour, (r"optim\.plotting\.contours\(f",)),
        "nn.plotting.plot_history": (lambda: nn.plotting.plot_history, (r"nn\.plotting\.history\(nn\.fit",)),
        "nn.plotting.confusion_matrix": (lambda: nn.plotting.confusion_matrix, (r"nn\.plotting\.confusion\(",)),
        "optim.plotting.contour": (lambda: optim.plotting.contour, ("it is contours", "box=")),
        "optim.plotting.animate": (lambda: optim.plotting.animate, ("it is film", "paths=")),
    }
)  # fmt: skip
def test_a_name_of_a_module(call, parts):
    check(call, parts)


# --- objects


@table(
    {
        "view": (lambda: x.view(-1), (r"a Tensor has no \.view", "NumPy", r"x\.reshape\(-1\)")),
        "permute": (lambda: x.permute(1, 0), (r"no \.permute", "NumPy", r"x\.transpose\(1, 0\)")),
        "unsqueeze": (lambda: x.unsqueeze(0), (r"no \.unsqueeze", "None", r"x\[None\]")),
        "size(0)": (lambda: x.size(0), (r"x\.size is the number of entries, 6", "shape", r"x\.shape\[0\]")),
        "size()": (lambda: x.size(), ("number of entries", "lengths of the axes", r"x\.shape`")),
        "cpu": (lambda: x.cpu(), (r"no \.cpu", "CPU", "left out")),
        "cuda": (lambda: x.cuda(), (r"no \.cuda", "CPU", "jax")),
        "to": (lambda: x.to("cuda"), (r"no \.to", "CPU", "astype")),
        "float": (lambda: x.float(), (r"no \.float", "astype", r"x\.astype\(np\.float32\)")),
        "double": (lambda: x.double(), (r"no \.double", "astype", r"x\.astype\(np\.float64\)")),
        "pow": (lambda: x.pow(2), (r"no \.pow", "operator", r"x \*\* 2")),
        "exp": (lambda: x.exp(), (r"no \.exp", "work on Tensors", r"np\.exp\(x\)")),
        "log": (lambda: x.log(), (r"no \.log", "work on Tensors", r"np\.log\(x\)")),
        "sqrt": (lambda: x.sqrt(), (r"no \.sqrt", "work on Tensors", r"np\.sqrt\(x\)")),
        "tanh": (lambda: x.tanh(), (r"no \.tanh", "work on Tensors", r"np\.tanh\(x\)")),
        "abs": (lambda: x.abs(), (r"no \.abs", "work on Tensors", r"np\.abs\(x\)|np\.absolute\(x\)")),
        "sigmoid": (lambda: x.sigmoid(), (r"no \.sigmoid", r"ad\.special", r"ad\.special\.sigmoid\(x\)")),
        "relu": (lambda: x.relu(), (r"no \.relu", r"ad\.special", r"ad\.special\.relu\(x\)")),
        "softmax": (lambda: x.softmax(dim=1), (r"no \.softmax", r"ad\.special", r"ad\.special\.softmax\(x\)")),
        "mm": (lambda: x.mm(x), (r"no \.mm", "operator", r"x @ w")),
        "matmul": (lambda: x.matmul(x), (r"no \.matmul", "operator", r"x @ w")),
        "t": (lambda: x.t(), (r"no \.t", "NumPy", r"x\.T")),
        "norm": (lambda: x.norm(), (r"no \.norm", r"np\.linalg", r"np\.linalg\.norm\(x\)")),
        "cat": (lambda: x.cat(x), (r"no \.cat", "NumPy", r"np\.concatenate")),
        "clone": (lambda: x.clone(), (r"no \.clone", "copy", r"x\.copy\(\)")),
        "clamp": (lambda: x.clamp(0, 1), (r"no \.clamp", "clip", r"x\.clip\(0\.0, 1\.0\)")),
        "numel": (lambda: x.numel(), (r"no \.numel", "entries", r"x\.size")),
        "dim": (lambda: x.dim(), (r"no \.dim", "axes", r"x\.ndim")),
        "expand": (lambda: x.expand(5, 2, 3), (r"no \.expand", "broadcast_to", r"\(x, \(5, 2, 3\)\)")),
        "masked_fill": (lambda: x.masked_fill(x > 0, 0), (r"no \.masked_fill", "NumPy", r"np\.where\(x > 0")),
        "topk": (lambda: x.topk(2), (r"no \.topk", "NumPy", r"np\.sort\(x")),
        "add_": (lambda: x.add_(1), (r"no \.add_", "in place", r"x\.assign_\(value\)")),
        "zero_": (lambda: x.zero_(), (r"no \.zero_", "in place", r"x\.assign_\(value\)")),
        "sort": (lambda: x.sort(), (r"no \.sort", "in place", r"np\.sort\(x\)")),
        "retain_grad": (lambda: x.retain_grad(), (r"no \.retain_grad", "keeps no", r"ad\.gradients\(y, \[x\]\)")),
        "grad_fn": (lambda: x.grad_fn, (r"no \.grad_fn", "record", r"ad\.draw\(y\)")),
        "gradient": (lambda: x.gradient, (r"no \.gradient", r"backward\(\)", r"ad\.gradients")),
        "numpy of a tracked one": (lambda: x.numpy(), ("gradient", r"x\.data", r"x\.detach\(\)")),
        "flatten(1)": (lambda: x.flatten(1), ("1 was given", "all axes", r"x\.reshape\(len\(x\), -1\)")),
        "transpose of two axes": (lambda: x[None].transpose(1, 2), ("2 were given", "all 3 axes", r"x\.swapaxes\(1, 2\)")),
        "model.to": (lambda: model.to("cuda"), (r"Sequential has no \.to", "CPU", "dtype=np.float64")),
        "model.cuda": (lambda: model.cuda(), (r"no \.cuda", "CPU", "backend='jax'")),
        "model.cpu": (lambda: model.cpu(), (r"no \.cpu", "CPU", "left out")),
        "model.double": (lambda: model.double(), (r"no \.double", "type of the weights", "dtype=np.float64")),
        "model.fit": (lambda: model.fit(X, Y), (r"no \.fit", "optimiser and a loss", r"nn\.fit\(model, optimizer")),
        "model.compile": (lambda: model.compile("adam"), (r"no \.compile", r"ad\.compile", r"nn\.fit\(")),
        "model.predict": (lambda: model.predict(X), (r"no \.predict", "called", r"model\.eval\(\)\(x\)")),
        "model.evaluate": (lambda: model.evaluate(X, Y), (r"no \.evaluate", "it is", r"nn\.evaluate\(model")),
        "model.modules": (lambda: model.modules(), (r"no \.modules", "names", r"named_modules\(\)")),
        "model.apply": (lambda: model.apply(print), (r"no \.apply", "called", r"named_modules\(\)")),
        "model.register_buffer": (lambda: model.register_buffer("a", 0), (r"no \.register_buffer", "attribute", r"nn\.Buffer\(0\)")),
        "model.register_forward_hook": (lambda: model.register_forward_hook(print), (r"no \.register", "path", "register_hook")),
        "model.save_weights": (lambda: model.save_weights("w"), (r"no \.save_weights", "state", r"nn\.save\(")),
        "model.count_params": (lambda: model.count_params(), (r"no \.count_params", "sum", r"p\.size for p")),
        "model.coef_": (lambda: layer.coef_, (r"no \.coef_", r"\(in, out\)", r"layer\.weight\.data")),
        "model.requires_grad = False": (lambda: setting(model, "requires_grad", False), (r"no \.requires_grad", "each parameter", r"requires_grad_\(False\)")),
        "optimizer.param_groups": (lambda: optimizer.param_groups[0]["lr"], (r"Adam has no \.param_groups", "groups", r"groups\[0\]\.learning_rate")),
        "optimizer.lr = 0.1": (lambda: setting(optimizer, "lr", 0.1), (r"Adam has no \.lr", "learning_rate", "= 0.01")),
        "optimizer.minimize": (lambda: optimizer.minimize(None), (r"no \.minimize", "step", r"loss\.backward\(\); optimizer\.step\(\)")),
        "optimizer.apply_gradients": (lambda: optimizer.apply_gradients([]), (r"no \.apply_gradients", "kept", r"step\(\)")),
        "schedule.get_last_lr": (lambda: schedule.get_last_lr(), (r"StepDecay has no \.get_last_lr", "rates", r"schedule\.rates")),
        "Normal.pdf": (lambda: normal.pdf(0.5), (r"Normal has no \.pdf", "density", r"d\.density\(0\.5\)")),
        "Normal.logpdf": (lambda: normal.logpdf(0.5), (r"no \.logpdf", "it is", r"d\.log_density\(0\.5\)")),
        "Normal.log_prob": (lambda: normal.log_prob(0.5), (r"no \.log_prob", "it is", r"d\.log_density\(0\.5\)")),
        "Poisson.pmf": (lambda: poisson.pmf(2), (r"Poisson has no \.pmf", "it is", r"k\.probability_of\(2\)")),
        "Poisson.density": (lambda: poisson.density(2), (r"no \.density", "it is", r"k\.probability_of\(2\)")),
        "Normal.sf": (lambda: normal.sf(0.5), (r"no \.sf", "it is", r"d\.survival\(0\.5\)")),
        "Normal.ppf": (lambda: normal.ppf(0.5), (r"no \.ppf", "it is", r"d\.quantile\(0\.9\)")),
        "Normal.rvs": (lambda: normal.rvs(3), (r"no \.rvs", "it is", r"d\.sample\(1000, rng=0\)")),
        "Normal.std": (lambda: normal.std(), (r"no \.std", "it is", r"d\.standard_deviation")),
        "Normal.var": (lambda: normal.var(), (r"no \.var", "it is", r"d\.variance")),
    }
)  # fmt: skip
def test_a_name_of_an_object(call, parts):
    check(call, parts)


# --- keywords

AXIS = ("dim= is called axis= here",)


@table(
    {
        "sum(dim=)": (lambda: x.sum(dim=1), (r"^Tensor\.sum", *AXIS, r"x\.sum\(axis=1\)")),
        "sum(dim=, keepdim=)": (lambda: x.sum(dim=1, keepdim=True), (*AXIS, r"x\.sum\(axis=1, keepdims=True\)")),
        "sum(axis=, keepdim=)": (lambda: x.sum(axis=1, keepdim=True), ("keepdim=", "keepdims=", r"x\.sum\(keepdims=True\)")),
        "mean(dim=)": (lambda: x.mean(dim=0), (r"^Tensor\.mean", *AXIS, r"x\.mean\(axis=0\)")),
        "max(dim=)": (lambda: x.max(dim=0), (r"^Tensor\.max", *AXIS, r"x\.max\(axis=0\)")),
        "argmax(dim=)": (lambda: x.argmax(dim=0), (r"^Tensor\.argmax", *AXIS, r"x\.argmax\(axis=0\)")),
        "cumsum(dim=)": (lambda: x.cumsum(dim=0), (r"^Tensor\.cumsum", *AXIS, r"x\.cumsum\(axis=0\)")),
        "squeeze(dim=)": (lambda: x.squeeze(dim=0), (r"^Tensor\.squeeze", *AXIS, r"x\.squeeze\(axis=0\)")),
        "std(unbiased=)": (lambda: x.std(unbiased=True), (r"^Tensor\.std", "unbiased=", r"ddof=1")),
        "argsort(descending=)": (lambda: x.argsort(descents=True), (r"^Tensor\.argsort", "descents", "axis")),
        "max(1, True)": (lambda: x.max(1, True), (r"Tensor\.max: True", "out=", "keepdims=True")),
        "sum(what=)": (lambda: x.sum(what=1), (r"Tensor\.sum got", "'what'", "axis, dtype, keepdims")),
        "too many arguments": (lambda: x.sum(1, 2, 3, 4, 5, 6, 7), (r"Tensor\.sum\(\) takes", "8 were given")),
        "backward(retain_graph=)": (lambda: x.sum().backward(retain_graph=True), (r"Tensor\.backward has no retain_graph=", "again", r"y\.backward\(\)")),
        "backward(create_graph=)": (lambda: x.sum().backward(create_graph=True), ("no create_graph=", r"ad\.gradients", "create_graph=True")),
        "backward(gradient=)": (lambda: x.backward(gradient=1.0), ("gradient= is called ct= here", r"y\.backward\(ct=1\.0\)")),
        "tensor(device=)": (lambda: ad.tensor(1.0, device="cpu"), ("no device=", "CPU", r"ad\.tensor\(")),
        "softmax(dim=)": (lambda: nn.softmax(x, dim=1), (r"^softmax", *AXIS, r"softmax\(x, axis=1\)")),
        "log_softmax(dim=)": (lambda: nn.log_softmax(x, dim=1), (r"^log_softmax", *AXIS, r"axis=1")),
        "Softmax(dim=)": (lambda: nn.Softmax(dim=1), (r"^Softmax", *AXIS, r"nn\.Softmax\(axis=1\)")),
        "ReLU(inplace=)": (lambda: nn.ReLU(inplace=True), ("ReLU has no inplace=", "in place", r"nn\.ReLU\(\)")),
        "ReLU(True)": (lambda: nn.ReLU(True), ("ReLU takes no arguments", "1 were given")),
        "LSTM(batch_first=)": (lambda: nn.LSTM(3, 8, batch_first=True), ("LSTM|Recurrent", r"\(batch, time, features\)", "left out")),
        "Linear(units=)": (lambda: nn.Linear(2, units=3), ("Linear: units=", "out_features=", r"nn\.Linear\(\.\.\., out_features=3\)")),
        "Linear(activation=)": (lambda: nn.Linear(2, 3, activation="relu"), ("no activation=", "of its own", r"nn\.ReLU\(\)")),
        "Conv2d(filters=)": (lambda: nn.Conv2d(1, filters=3, kernel_size=3), ("filters=", r"out_channels=3, kernel_size=3")),
        "LeakyReLU(negative_slope=)": (lambda: nn.LeakyReLU(negative_slope=0.2), ("negative_slope=", r"nn\.LeakyReLU\(slope=0\.2\)")),
        "Dropout(rate=)": (lambda: nn.Dropout(rate=0.2), ("rate=", r"nn\.Dropout\(p=0\.2\)")),
        "Linear(device=)": (lambda: nn.Linear(2, 3, device="cuda"), ("Linear has no device=", "CPU", r"nn\.Linear\(2, 8\)")),
        "grad(argnum=)": (lambda: ad.grad(len, argnum=1), ("^grad: argnum=", r"ad\.grad\(f, argnums=1\)")),
        "zero_grad(set_to_none=)": (lambda: optimizer.zero_grad(set_to_none=True), (r"Adam\.zero_grad has no set_to_none=", "None", r"optimizer\.zero_grad\(\)")),
        "a layer with call": (lambda: Called()(1.0), ("Called does not define forward", "call is named forward")),
        "Adam(lr=)": (lambda: optim.Adam(parameters, lr=0.1), ("lr= is called learning_rate=", r"optim\.Adam\(model\.parameters\(\), learning_rate=0\.1\)")),
        "GradientDescent(momentum=)": (lambda: optim.GradientDescent(parameters, 0.1, momentum=0.9), ("no momentum=", "of its own", r"optim\.Momentum\(")),
        "a group with lr": (lambda: optim.Adam([{"params": parameters, "lr": 0.1}]), ("group 0 of Adam", "'lr'", "called learning_rate here")),
        "GradientDescent(nesterov=)": (lambda: optim.GradientDescent(parameters, 0.1, nesterov=True), ("no nesterov=", "of its own", r"optim\.Momentum\(")),
        "Adam(params=)": (lambda: optim.Adam(params=parameters), ("no params=", "first", r"optim\.Adam\(model")),
        "Adam(beta1=)": (lambda: optim.Adam(parameters, beta1=0.9), ("no beta1=", "betas=", r"\(0\.9, 0\.999\)")),
        "Adam(epsilon=)": (lambda: optim.Adam(parameters, epsilon=1e-7), ("epsilon=", r"eps=1e-07")),
        "Adam(clipnorm=)": (lambda: optim.Adam(parameters, clipnorm=1.0), ("no clipnorm=", "before the step", r"optim\.clip_grad_norm")),
        "RMSProp(rho=)": (lambda: optim.RMSProp(parameters, rho=0.9), ("rho=", r"optim\.RMSProp\(model\.parameters\(\), alpha=0\.9\)")),
        "Adam(maximize=)": (lambda: optim.Adam(parameters, maximize=True), ("no maximize=", "negative", r"-loss\(\)")),
        "CosineDecay(T_max=)": (lambda: optim.CosineDecay(optimizer, T_max=9), ("T_max=", r"optim\.CosineDecay\(optimizer, n_steps=9\)")),
        "OneCycle(max_lr=)": (lambda: optim.OneCycle(optimizer, max_lr=0.1, total_steps=9), ("max_lr=", r"max_rate=0\.1, total_steps=9")),
        "ReduceOnPlateau(min_lr=)": (lambda: optim.ReduceOnPlateau(optimizer, min_lr=0.1), ("min_lr=", r"min_rate=0\.1")),
        "Normal(loc=, scale=)": (lambda: pr.Normal(loc=0.0, scale=2.0), ("loc= is called mean=", r"pr\.Normal\(mean=0\.0, standard_deviation=2\.0\)")),
        "Normal(sigma=)": (lambda: pr.Normal(0.0, sigma=2.0), ("sigma=", r"pr\.Normal\(\.\.\., standard_deviation=2\.0\)")),
        "Exponential(scale=)": (lambda: pr.Exponential(scale=2.0), ("no scale=", "1 / scale", r"rate=0\.5")),
        "Gamma(a=)": (lambda: pr.Gamma(a=2.0), ("a=", r"pr\.Gamma\(concentration=2\.0\)")),
        "StudentT(df=)": (lambda: pr.StudentT(df=3.0), ("df=", r"pr\.StudentT\(degrees_of_freedom=3\.0\)")),
        "Bernoulli(logits=)": (lambda: pr.Bernoulli(logits=0.3), ("no logits=", "probabilities", r"ad\.special\.sigmoid")),
        "Poisson(mu=)": (lambda: pr.Poisson(mu=2.0), ("mu=", r"pr\.Poisson\(rate=2\.0\)")),
        "fit(validation_data=)": (lambda: nn.fit(model, optimizer, nn.mse_loss, (X, Y), validation_data=(1, 2)), ("^fit: validation_data=", r"validation=\(1, 2\)")),
        "fit(validation_split=)": (lambda: nn.fit(model, optimizer, nn.mse_loss, (X, Y), validation_split=0.2), ("no validation_split=", "first", r"nn\.data\.train_test_split\(")),
        "fit(verbose=)": (lambda: nn.fit(model, optimizer, nn.mse_loss, (X, Y), verbose=0), ("verbose=", "progress=0")),
        "fit(scheduler=)": (lambda: nn.fit(model, optimizer, nn.mse_loss, (X, Y), scheduler=1), ("scheduler=", "schedule=1")),
        "fit(n_epochs=)": (lambda: nn.fit(model, optimizer, nn.mse_loss, (X, Y), n_epochs=3), ("n_epochs=", "epochs=3")),
        "batches(num_workers=)": (lambda: nn.batches(X, Y, num_workers=3), ("batches has no num_workers=", "CPU", "left out")),
        "with ad.no_grad:": (without_brackets, (r"ad\.no_grad", "brackets", r"with ad\.no_grad\(\):")),
        "@ad.no_grad": (lambda: ad.no_grad(len), (r"ad\.no_grad", "no arguments", r"@ad\.no_grad\(\)")),
    }
)  # fmt: skip
def test_a_keyword(call, parts):
    check(call, parts)
