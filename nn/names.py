"""Names from other libraries that `nn` does not have, what they are called here, and an example.

The examples run: model is a small network, x its inputs and y the targets, layer one layer, logits and labels those of a
classifier, images a batch of pictures, optimizer an optimiser of the model.
"""

from __future__ import annotations

from autodiff.names import Row, Table

_STANDS_HERE = "activations, losses and layers stand in nn itself"
_CPU = "everything is on the CPU, so it is left out"
_ACTIVATION = "an activation of your own is a function in nn.Lambda"


def _loss(name: str, call: str = "model(x), y") -> Row:
    return f"a loss is a function here, nn.{name}", f"loss = nn.{name}({call})"


def _layer(example: str) -> Row:
    return f"the layer is {example.partition('(')[0]}", example


def _function(example: str) -> Row:
    return f"it is {example.partition('(')[0]}", example


_CLASSES = "logits, labels"
_BINARY = "logits, binary"
_LOSSES: Table = {
    **dict.fromkeys(("MSELoss", "MSE", "mse", "MeanSquaredError", "mean_squared_error"), _loss("mse_loss")),
    **dict.fromkeys(("L1Loss", "MAE", "mae", "MeanAbsoluteError", "mean_absolute_error"), _loss("l1_loss")),
    **dict.fromkeys(
        (
            *("CrossEntropyLoss", "CrossEntropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
            *("categorical_crossentropy", "sparse_categorical_crossentropy", "softmax_cross_entropy"),
            *("cross_entropy_loss", "log_loss"),
        ),
        _loss("cross_entropy", _CLASSES),
    ),
    **dict.fromkeys(
        ("BCEWithLogitsLoss", "BinaryCrossentropy", "sigmoid_cross_entropy"),
        _loss("binary_cross_entropy_with_logits", _BINARY),
    ),
    **dict.fromkeys(("BCELoss", "binary_crossentropy"), _loss("binary_cross_entropy", "nn.sigmoid(logits), binary")),
    **dict.fromkeys(("NLLLoss", "nll"), _loss("nll_loss", "nn.log_softmax(logits), labels")),
    **dict.fromkeys(("HuberLoss", "SmoothL1Loss", "Huber", "smooth_l1_loss", "huber"), _loss("huber_loss")),
    **dict.fromkeys(("KLDivLoss", "kl_divergence"), _loss("kl_div", "nn.log_softmax(logits), nn.softmax(logits)")),
    **dict.fromkeys(("HingeEmbeddingLoss", "MultiMarginLoss", "Hinge", "hinge"), _loss("hinge_loss", "logits, binary")),
}

_LAYERS: Table = {
    "Dense": _layer("nn.Linear(2, 8)"),
    "LazyLinear": _layer("nn.Linear(2, 8)"),
    "Bilinear": _layer("nn.Linear(2, 8)"),
    "Conv2D": _layer("nn.Conv2d(1, 8, 3)"),
    "Conv": _layer("nn.Conv2d(1, 8, 3)"),
    "Convolution2D": _layer("nn.Conv2d(1, 8, 3)"),
    "Conv1D": _layer("nn.Conv1d(1, 8, 3)"),
    **dict.fromkeys(
        ("ConvTranspose2d", "ConvTranspose1d", "Conv2DTranspose"),
        ("it is not here; a picture is enlarged by repeating its pixels, and then convolved", "nn.Conv2d(1, 8, 3, padding=1)(np.repeat(np.repeat(images, 2, 2), 2, 3))"),
    ),
    "MaxPooling2D": _layer("nn.MaxPool2d(2)"),
    "MaxPool2D": _layer("nn.MaxPool2d(2)"),
    "MaxPooling1D": _layer("nn.MaxPool1d(2)"),
    "AveragePooling2D": _layer("nn.AvgPool2d(2)"),
    "AdaptiveAvgPool2d": ("the mean over the pixels is nn.Lambda", "nn.Lambda(lambda x: x.mean(axis=(2, 3)))"),
    "GlobalAveragePooling2D": ("the mean over the pixels is nn.Lambda", "nn.Lambda(lambda x: x.mean(axis=(2, 3)))"),
    "BatchNormalization": _layer("nn.BatchNorm1d(8)"),
    "BatchNorm": _layer("nn.BatchNorm1d(8)"),
    "BatchNorm3d": ("batches are normalised by nn.BatchNorm1d and nn.BatchNorm2d", "nn.BatchNorm2d(8)"),
    "InstanceNorm2d": ("it is nn.GroupNorm with a group for each channel", "nn.GroupNorm(8, 8)"),
    "LayerNormalization": _layer("nn.LayerNorm(8)"),
    "SimpleRNN": _layer("nn.RNN(3, 8)"),
    "RNNCell": ("layers run over whole sequences, nn.RNN", "nn.RNN(3, 8)"),
    "LSTMCell": ("layers run over whole sequences, nn.LSTM", "nn.LSTM(3, 8)"),
    "GRUCell": ("layers run over whole sequences, nn.GRU", "nn.GRU(3, 8)"),
    "MultiheadAttention": _layer("nn.MultiHeadAttention(8, 2)"),
    "TransformerEncoderLayer": _layer("nn.TransformerBlock(8, 2)"),
    "TransformerEncoder": ("it is several nn.TransformerBlock", "nn.Sequential(nn.TransformerBlock(8, 2), nn.TransformerBlock(8, 2))"),
    "Transformer": ("it is several nn.TransformerBlock", "nn.Sequential(nn.TransformerBlock(8, 2), nn.TransformerBlock(8, 2))"),
    "Dropout1d": _layer("nn.Dropout(0.5)"),
    "Dropout2d": _layer("nn.Dropout(0.5)"),
    "AlphaDropout": _layer("nn.Dropout(0.5)"),
    "Identity": ("it is an empty nn.Sequential", "nn.Sequential()"),
    "ModuleDict": ("a dict of modules is an attribute like any other", "layer.parts = {'a': nn.Linear(2, 2)}"),
    "ParameterList": ("a list of parameters is an attribute like any other", "layer.extra = [nn.Parameter(np.zeros(2))]"),
    "ParameterDict": ("a dict of parameters is an attribute like any other", "layer.extra = {'a': nn.Parameter(np.zeros(2))}"),
    "Activation": ("an activation is a layer of its own", "nn.ReLU()"),
    "Input": ("a model takes its inputs when it is called; the first layer says how many features", "nn.Linear(2, 8)"),
    "InputLayer": ("a model takes its inputs when it is called; the first layer says how many features", "nn.Linear(2, 8)"),
    "Add": ("what a part adds to its input is nn.Residual", "nn.Residual(nn.Linear(2, 2))"),
    "Concatenate": ("NumPy's own functions work on Tensors", "np.concatenate([x, x], axis=-1)"),
    "Reshape": (_ACTIVATION, "nn.Lambda(lambda x: x.reshape(-1, 1))"),
    "Unflatten": (_ACTIVATION, "nn.Lambda(lambda x: x.reshape(-1, 1))"),
    "Model": ("the base of models is nn.Module, and layers in a row are nn.Sequential", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
    "Layer": ("the base of layers is nn.Module", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
    "Block": ("the base of layers is nn.Module", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
    "ReLU6": ("it is nn.Hardtanh between 0 and 6", "nn.Hardtanh(0.0, 6.0)"),
    "Swish": _layer("nn.SiLU()"),
    "PReLU": (_ACTIVATION + "; nn.LeakyReLU has a fixed slope", "nn.LeakyReLU(0.25)"),
    "SELU": (_ACTIVATION + "; the nearest is nn.ELU", "nn.ELU()"),
    "CELU": (_ACTIVATION + "; the nearest is nn.ELU", "nn.ELU()"),
    "Mish": (_ACTIVATION, "nn.Lambda(lambda x: x * np.tanh(nn.softplus(x)), name='Mish')"),
    "Softsign": (_ACTIVATION, "nn.Lambda(lambda x: x / (1 + np.abs(x)), name='Softsign')"),
    "LogSigmoid": (_ACTIVATION, "nn.Lambda(lambda x: -nn.softplus(-x), name='LogSigmoid')"),
    "MLP": ("layers in a row are nn.Sequential", "nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))"),
    "MLPClassifier": ("layers in a row are nn.Sequential, trained by nn.fit, or as an estimator by nn.Classifier", "nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))"),
    "MLPRegressor": ("layers in a row are nn.Sequential, trained by nn.fit", "nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))"),
}  # fmt: skip

_PADDED = (
    "sequences are filled up to one length by np.pad, and recurrent layers are given the true ones as lengths=",
    "nn.LSTM(3, 8)(np.zeros((2, 5, 3)), lengths=[5, 2])",
)
_FUNCTIONS: Table = {
    "functional": (_STANDS_HERE, "nn.relu(x)"),
    "F": (_STANDS_HERE, "nn.relu(x)"),
    "pad_sequence": _PADDED,
    "pack_padded_sequence": _PADDED,
    "pad_packed_sequence": _PADDED,
    "activations": (_STANDS_HERE, "nn.relu(x)"),
    "modules": (_STANDS_HERE, "nn.Linear(2, 8)"),
    "swish": _function("nn.silu(x)"),
    "relu6": ("it is nn.hardtanh between 0 and 6", "nn.hardtanh(x, 0.0, 6.0)"),
    "logsigmoid": ("it is made of nn.softplus", "-nn.softplus(-x)"),
    "dropout": ("it is a layer, which knows whether it is training", "nn.Dropout(0.5)(x)"),
    "linear": ("it is a layer, or the product itself", "nn.Linear(2, 8)(x)"),
    "embedding": ("it is a layer, or an index into the table", "nn.Embedding(10, 4)([1, 2])"),
    "conv2d": ("it is a layer, or a function of ad.special", "nn.Conv2d(1, 8, 3)(images)"),
    "max_pool2d": ("it is a layer, or a function of ad.special", "nn.MaxPool2d(2)(images)"),
    "avg_pool2d": ("it is a layer, or a function of ad.special", "nn.AvgPool2d(2)(images)"),
    "layer_norm": ("it is a layer, or a function of ad.special", "nn.LayerNorm(2)(x)"),
    "batch_norm": ("it is a layer", "nn.BatchNorm1d(2)(x)"),
    "one_hot": ("labels are numbers of classes; a table of zeros and ones is rows of the identity", "np.eye(3)[labels]"),
    "to_categorical": ("labels are numbers of classes; a table of zeros and ones is rows of the identity", "np.eye(3)[labels]"),
    "pad": ("NumPy's own functions work on Tensors", "np.pad(x, 1)"),
    "normalize": ("NumPy's own functions work on Tensors", "x / np.linalg.norm(x, axis=1, keepdims=True)"),
    "logsumexp": ("it is ad.special.logsumexp", "ad.special.logsumexp(x, axis=1)"),
    "scaled_dot_product_attention": ("it is a layer", "nn.MultiHeadAttention(8, 2)"),
    # training
    "DataLoader": ("it is nn.batches, of arrays", "loader = nn.batches(x, y, batch_size=32)"),
    "Dataset": ("data are arrays, of which nn.batches takes rows", "loader = nn.batches(x, y, batch_size=32)"),
    "TensorDataset": ("data are arrays, of which nn.batches takes rows", "loader = nn.batches(x, y, batch_size=32)"),
    "random_split": ("it is nn.data.train_test_split", "nn.data.train_test_split(x, y, test_size=0.2)"),
    "train_test_split": ("it is nn.data.train_test_split", "nn.data.train_test_split(x, y, test_size=0.2)"),
    "StandardScaler": ("it is nn.data.standardise", "nn.data.standardise(x)"),
    "datasets": ("data sets stand in nn.data", "nn.data.moons()"),
    "utils": ("clipping is optim.clip_grad_norm, batches are nn.batches, parameters as one vector are ad.flat", "optim.clip_grad_norm(model.parameters(), 1.0)"),
    "clip_grad_norm_": ("it belongs to the optimisers, optim.clip_grad_norm", "optim.clip_grad_norm(model.parameters(), 1.0)"),
    "clip_grad_norm": ("it belongs to the optimisers, optim.clip_grad_norm", "optim.clip_grad_norm(model.parameters(), 1.0)"),
    "clip_grad_value_": ("it belongs to the optimisers, optim.clip_grad_value", "optim.clip_grad_value(model.parameters(), 1.0)"),
    "accuracy_score": _function("nn.accuracy(logits, labels)"),
    "metrics": ("metrics are functions, nn.accuracy for one", "nn.accuracy(logits, labels)"),
    "train": ("a whole training is nn.fit", "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)"),
    "callbacks": ("a callback is a function of (epoch, history, model); nn.EarlyStopping is given as early_stopping=", "nn.EarlyStopping(patience=5)"),
    "ModelCheckpoint": ("nn.fit keeps a checkpoint by itself", "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1, checkpoint='run.npz')"),
    "ReduceLROnPlateau": ("schedules belong to the optimisers, optim.ReduceOnPlateau", "optim.ReduceOnPlateau(optimizer)"),
    "LearningRateScheduler": ("schedules belong to the optimisers", "optim.StepDecay(optimizer, step_size=10)"),
    "TensorBoard": ("what happens in a network is shown by nn.Monitor", "nn.Monitor()"),
    "optimizers": ("optimisers are a package of their own", "optim.Adam(model.parameters())"),
    "optim": ("optimisers are a package of their own", "optim.Adam(model.parameters())"),
    "Adam": ("optimisers are a package of their own", "optim.Adam(model.parameters())"),
    "SGD": ("optimisers are a package of their own", "optim.GradientDescent(model.parameters())"),
    "Tensor": ("it is ad.Tensor", "ad.tensor([1.0, 2.0])"),
    "tensor": ("it is ad.tensor", "ad.tensor([1.0, 2.0])"),
    "no_grad": ("it is ad.no_grad", "with ad.no_grad(): model(x)"),
    "Variable": ("a trained value of a module is nn.Parameter", "nn.Parameter(np.zeros(2))"),
    "initializers": ("they are functions of nn.init", "nn.init.he_uniform(layer.weight)"),
    "DataParallel": (_CPU, "model(x)"),
    "quantization": ("weights keep their type; layers take dtype=", "nn.Linear(2, 8, dtype=np.float16)"),
    "plot_model": ("it is ad.draw", "ad.draw(model(x))"),
    "compact": ("layers are made in __init__", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
}  # fmt: skip

NN: Table = {**_LAYERS, **_LOSSES, **_FUNCTIONS}

_HERE = "a starting value is set, or made for a shape, by"


def _start(example: str) -> Row:
    return f"{_HERE} {example.partition('(')[0]}", example


_HE_UNIFORM, _HE_NORMAL = _start("nn.init.he_uniform(layer.weight)"), _start("nn.init.he_normal(layer.weight)")
_XAVIER_UNIFORM = _start("nn.init.xavier_uniform(layer.weight)")
_XAVIER_NORMAL = _start("nn.init.xavier_normal(layer.weight)")
_NORMAL = _start("nn.init.normal(layer.weight, 0.0, 0.02)")
_UNIFORM = _start("nn.init.uniform(layer.weight, -0.1, 0.1)")
INIT: Table = {
    **dict.fromkeys(("kaiming_uniform_", "kaiming_uniform", "HeUniform", "he_uniform_"), _HE_UNIFORM),
    **dict.fromkeys(("kaiming_normal_", "kaiming_normal", "HeNormal", "he_normal_"), _HE_NORMAL),
    **dict.fromkeys(("xavier_uniform_", "glorot_uniform", "GlorotUniform"), _XAVIER_UNIFORM),
    **dict.fromkeys(("xavier_normal_", "glorot_normal", "GlorotNormal"), _XAVIER_NORMAL),
    **dict.fromkeys(("normal_", "RandomNormal"), _NORMAL),
    **dict.fromkeys(("uniform_", "RandomUniform"), _UNIFORM),
    **dict.fromkeys(("zeros_", "Zeros"), _start("nn.init.zeros(layer.bias)")),
    **dict.fromkeys(("ones_", "Ones"), _start("nn.init.ones(layer.bias)")),
    **dict.fromkeys(("constant_", "Constant"), _start("nn.init.constant(layer.bias, 0.1)")),
    **dict.fromkeys(("trunc_normal_", "TruncatedNormal"), _start("nn.init.truncated_normal(layer.weight, 0.0, 0.02)")),
    **dict.fromkeys(("orthogonal_", "Orthogonal"), _start("nn.init.orthogonal(layer.weight)")),
    "variance_scaling": _HE_UNIFORM,
    "eye_": ("values are set by assign_", "layer.weight.assign_(np.eye(2, 8))"),
    "calculate_gain": ("it is nn.init.gain", "nn.init.gain('relu')"),
}

_FIT = "a model is trained by nn.fit, with an optimiser and a loss"
_DTYPE = "the type of the weights is chosen when a layer is made"
MODULE: Table = {
    "fit": (_FIT, "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)"),
    "partial_fit": (_FIT, "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)"),
    "train_on_batch": (_FIT, "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)"),
    "compile": (
        "the optimiser and the loss are given to nn.fit, and a model is made fast by ad.compile",
        "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)",
    ),
    "predict": ("a model is called, in evaluation mode and without recording", "with ad.no_grad(): outputs = model.eval()(x).data"),
    "predict_proba": ("a classifier gives logits, of which nn.softmax makes probabilities", "nn.softmax(model.eval()(x)).data"),
    "evaluate": ("it is nn.evaluate", "nn.evaluate(model, nn.mse_loss, (x, y))"),
    "score": ("it is nn.evaluate", "nn.evaluate(model, nn.mse_loss, (x, y))"),
    "transform": ("a model is called", "model(x)"),
    "apply": ("a model is called; to change all its parts, go through named_modules()", "for name, part in model.named_modules(): print(name, part)"),
    "call": ("the method of a module is forward, and a model is called", "model(x)"),
    "init": ("parameters are made with the layer, and set by nn.init", "nn.init.he_uniform(layer.weight)"),
    "step": ("a step is that of an optimiser", "optimizer.step(lambda: nn.mse_loss(model(x), y))"),
    "to": ("everything is on the CPU, so a device is left out; " + _DTYPE, "nn.Linear(2, 8, dtype=np.float64)"),
    "cuda": (_CPU + "; for an accelerator compile with JAX, ad.compile(model, backend='jax')", "model(x)"),
    "cpu": (_CPU, "model(x)"),
    "to_device": (_CPU, "model(x)"),
    "device": (_CPU, "model(x)"),
    "share_memory": (_CPU, "model(x)"),
    "double": (_DTYPE, "nn.Linear(2, 8, dtype=np.float64)"),
    "float": (_DTYPE, "nn.Linear(2, 8, dtype=np.float32)"),
    "half": (_DTYPE, "nn.Linear(2, 8, dtype=np.float16)"),
    "type": (_DTYPE, "nn.Linear(2, 8, dtype=np.float64)"),
    "dtype": ("each parameter has a type", "model.parameters()[0].dtype"),
    "modules": ("the modules come with their names", "for name, part in model.named_modules(): print(name, part)"),
    "named_children": ("the children come with their names", "for name, part in model.children(): print(name, part)"),
    "layers": ("the children come with their names", "for name, part in model.children(): print(name, part)"),
    "get_submodule": ("it is module_at", "model.module_at('0')"),
    "get_layer": ("it is module_at", "model.module_at('0')"),
    "get_parameter": ("a parameter is found by its name", "dict(model.named_parameters())['0.weight']"),
    "add": ("the layers are given to nn.Sequential", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
    "append": ("the layers are given to nn.Sequential", "nn.Sequential(*[nn.Linear(2, 2), nn.ReLU()])"),
    "add_module": ("a module is assigned to an attribute", "layer.inner = nn.Linear(2, 2)"),
    "register_module": ("a module is assigned to an attribute", "layer.inner = nn.Linear(2, 2)"),
    "register_parameter": ("a parameter is assigned to an attribute", "layer.scale = nn.Parameter(np.ones(2))"),
    "add_weight": ("a parameter is assigned to an attribute", "layer.scale = nn.Parameter(np.ones(2))"),
    "register_buffer": ("a buffer is assigned to an attribute", "layer.count = nn.Buffer(0)"),
    "register_forward_hook": ("it is register_hook, with the path of a module", "model.register_hook('0', lambda module, inputs, output: None)"),
    "register_full_backward_hook": ("gradients are watched by nn.Monitor", "nn.Monitor()"),
    "register_backward_hook": ("gradients are watched by nn.Monitor", "nn.Monitor()"),
    "weights": ("it is parameters()", "model.parameters()"),
    "variables": ("it is parameters()", "model.parameters()"),
    "trainable_variables": ("it is parameters()", "model.parameters()"),
    "trainable_weights": ("it is parameters()", "model.parameters()"),
    "get_weights": ("it is state_dict()", "model.state_dict()"),
    "set_weights": ("it is load_state_dict", "model.load_state_dict(model.state_dict())"),
    "save": ("the state is saved by nn.save", "nn.save('model.npz', model.state_dict())"),
    "save_weights": ("the state is saved by nn.save", "nn.save('model.npz', model.state_dict())"),
    "load": ("the state is loaded by nn.load", "model.load_state_dict(nn.load('model.npz'))"),
    "load_weights": ("the state is loaded by nn.load", "model.load_state_dict(nn.load('model.npz'))"),
    "num_parameters": ("it is a sum over the parameters", "sum(p.size for p in model.parameters())"),
    "count_params": ("it is a sum over the parameters", "sum(p.size for p in model.parameters())"),
    "requires_grad": ("each parameter has it; requires_grad_ sets it for all", "layer.requires_grad_(False)"),
    "trainable": ("parameters are frozen by requires_grad_", "layer.requires_grad_(False)"),
    "freeze": ("parameters are frozen by requires_grad_", "layer.requires_grad_(False)"),
    "grad": ("each parameter has its gradient", "[p.grad for p in model.parameters()]"),
    "coef_": ("the weights of a layer, of shape (in, out), are weight", "layer.weight.data"),
    "intercept_": ("the offsets of a layer are bias", "layer.bias.data"),
    "kernel": ("the weights of a layer, of shape (in, out), are weight", "layer.weight.data"),
    "history": ("the history is what nn.fit returns", "history = nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)"),
}  # fmt: skip

_SEQUENCES = "sequences are always (batch, time, features), so it is left out"
LAYER_KEYWORDS: Table = {
    "inplace": ("nothing is computed in place, so it is left out", "nn.ReLU()"),
    "batch_first": (_SEQUENCES, "nn.LSTM(3, 8)"),
    "return_sequences": ("the whole sequence is returned, and the last state with it", "nn.LSTM(3, 8)"),
    "device": (_CPU, "nn.Linear(2, 8)"),
    "activation": ("an activation is a layer of its own", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
    "input_shape": ("the first layer says how many features it takes", "nn.Linear(2, 8)"),
    "kernel_initializer": ("a weight is set after the layer is made", "nn.init.he_uniform(layer.weight)"),
    "padding_mode": ("what is beyond the edge is 0; pad first for anything else", "np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), 'edge')"),
    "proj_size": ("a projection is a layer of its own", "nn.Sequential(nn.Linear(2, 8), nn.ReLU())"),
    "norm_first": ("the place of the norm is norm=", "nn.TransformerBlock(8, 2, norm='pre')"),
    **dict.fromkeys(("dim", "axes"), ("axis", "")),
    **dict.fromkeys(("units", "features", "output_dim", "n_out"), ("out_features", "")),
    **dict.fromkeys(("input_dim", "n_in"), ("in_features", "")),
    "filters": ("out_channels", ""),
    "kernel": ("kernel_size", ""),
    "pool_size": ("kernel_size", ""),
    "strides": ("stride", ""),
    "dilation_rate": ("dilation", ""),
    **dict.fromkeys(("rate", "prob", "dropout"), ("p", "")),
    **dict.fromkeys(("negative_slope", "alpha"), ("slope", "")),
    "min_val": ("low", ""),
    "max_val": ("high", ""),
    "start_dim": ("start", ""),
    "use_bias": ("bias", ""),
    "elementwise_affine": ("affine", ""),
    "epsilon": ("eps", ""),
    "hidden_dim": ("hidden_size", ""),
    "d_model": ("embed_dim", ""),
    "nhead": ("num_heads", ""),
    "dim_feedforward": ("hidden_dim", ""),
    "kdim": ("key_features", ""),
    "vdim": ("value_features", ""),
    **dict.fromkeys(("seed", "generator", "key", "random_state"), ("a generator is given as rng=", "nn.Linear(2, 8, rng=np.random.default_rng(0))")),
}  # fmt: skip

_SEEN = "True means here that a key may be seen, the opposite of torch, so the mask is negated and given as"
METHOD_KEYWORDS: Table = {
    "attn_mask": (f"{_SEEN} mask=", "hidden = np.eye(6, dtype=bool); nn.MultiHeadAttention(2, 1)(x[None], mask=~hidden)"),
    "key_padding_mask": (f"{_SEEN} key_mask=", "padding = np.arange(6) > 3; nn.MultiHeadAttention(2, 1)(x[None], key_mask=~padding[None])"),
    "is_causal": ("causal", ""),
    "strict": ("a state must fit completely; a part of one is laid over the model's own", "model.load_state_dict({**model.state_dict(), **nn.load('model.npz')})"),
}  # fmt: skip

HISTORY: Table = {
    "history": ("it is itself the dict of arrays, one for each name", "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)['loss']"),
}  # fmt: skip

_DATA = "the inputs and targets are given together"
_FITTED = "nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=1)"
FIT_KEYWORDS: Table = {
    **dict.fromkeys(("validation_data", "val_data", "valid_data", "eval_set"), ("validation", "")),
    **dict.fromkeys(
        ("validation_split", "val_split", "validation_fraction"),
        ("the data are split first, by nn.data.train_test_split", "nn.data.train_test_split(x, y, test_size=0.2)"),
    ),
    **dict.fromkeys(("x", "y", "X", "inputs", "targets", "labels"), (_DATA, _FITTED)),
    **dict.fromkeys(("train_loader", "dataloader", "loader", "dataset", "train_data"), ("data", "")),
    **dict.fromkeys(("criterion", "loss_fn", "loss_function"), ("loss", "")),
    **dict.fromkeys(("opt", "optim", "optimiser"), ("optimizer", "")),
    **dict.fromkeys(("n_epochs", "num_epochs", "nb_epoch", "max_epochs", "max_iter", "n_iter"), ("epochs", "")),
    **dict.fromkeys(("scheduler", "lr_scheduler"), ("schedule", "")),
    **dict.fromkeys(("verbose", "disp"), ("progress", "")),
    **dict.fromkeys(("callback",), ("callbacks", "")),
    **dict.fromkeys(("early_stop", "patience"), ("it is an object, nn.EarlyStopping, as early_stopping=", "nn.EarlyStopping(patience=5)")),
    **dict.fromkeys(("lr", "learning_rate"), ("the learning rate belongs to the optimiser", "optim.Adam(model.parameters(), learning_rate=1e-3)")),
    **dict.fromkeys(("bs", "batch"), ("batch_size", "")),
    **dict.fromkeys(("seed", "random_state", "generator"), ("a generator is given as rng=, or a seed by nn.manual_seed", "nn.manual_seed(0)")),
    **dict.fromkeys(("device", "num_workers", "pin_memory", "workers"), (_CPU, _FITTED)),
    **dict.fromkeys(("class_weight", "sample_weight"), ("weights belong to the loss", "loss = nn.cross_entropy(logits, labels, weight=[1.0, 2.0, 1.0])")),
    **dict.fromkeys(("checkpoint_path", "ckpt_path"), ("checkpoint", "")),
    **dict.fromkeys(("sampler", "collate_fn"), ("batches are rows of arrays, in random order", "nn.batches(x, y, batch_size=32)")),
}  # fmt: skip
DATA_KEYWORDS: Table = {
    **FIT_KEYWORDS,
    **dict.fromkeys(("random_state", "random_seed"), ("seed", "")),
    "generator": ("rng", ""),
    **dict.fromkeys(("test_fraction", "test_ratio"), ("test_size", "")),
    **dict.fromkeys(("train_size", "train_fraction"), ("the rest of the test part is trained on", "nn.data.train_test_split(x, y, test_size=0.2)")),
}  # fmt: skip


def of_nn(name: str) -> Row | None:
    """The row for a name that `nn` does not have."""
    return NN.get(name)


DATA: Table = {
    "make_moons": ("it is nn.data.moons", "nn.data.moons(200, noise=0.1)"),
    "make_circles": ("it is nn.data.circles", "nn.data.circles(200)"),
    "make_blobs": ("it is nn.data.blobs", "nn.data.blobs(200, centres=3)"),
    "load_digits": ("it is nn.data.digits", "nn.data.digits().images"),
    "MNIST": ("it is nn.data.mnist, a part of the set", "nn.data.mnist().images"),
    "StandardScaler": ("it is nn.data.standardise", "nn.data.standardise(x)"),
    "scale": ("it is nn.data.standardise", "nn.data.standardise(x)"),
    "random_split": ("it is nn.data.train_test_split", "nn.data.train_test_split(x, y, test_size=0.2)"),
    "DataLoader": ("it is nn.batches", "nn.batches(x, y, batch_size=32)"),
    "Dataset": ("data are arrays, of which nn.batches takes rows", "nn.batches(x, y, batch_size=32)"),
    "TensorDataset": ("data are arrays, of which nn.batches takes rows", "nn.batches(x, y, batch_size=32)"),
    "read_csv": ("a CSV file or a DataFrame is read by nn.data.from_table", "nn.data.from_table"),
    "OneHotEncoder": ("categories of a table are encoded by nn.data.from_table", "nn.data.from_table"),
}


_CURVES = (
    "it is history, of what nn.fit returns",
    "nn.plotting.history(nn.fit(model, optimizer, nn.mse_loss, (x, y), epochs=2))",
)
_COUNTS = ("it is confusion, of the matrix", "nn.plotting.confusion(nn.confusion_matrix(logits, labels))")
PLOTTING: Table = {
    **dict.fromkeys(("plot_history", "plot_loss", "plot", "curves", "loss_curve", "learning_curve", "training_curves"), _CURVES),
    **dict.fromkeys(("confusion_matrix", "plot_confusion_matrix", "ConfusionMatrixDisplay"), _COUNTS),
    **dict.fromkeys(("plot_decision_boundary", "plot_decision_regions", "decision_regions", "boundary"), ("it is decision_boundary", "nn.plotting.decision_boundary(model, box=(-1, 1, -1, 1))")),
    **dict.fromkeys(("loss_landscape", "landscape", "loss_surface"), ("it is loss_slice", "nn.plotting.loss_slice(model, loss)")),
    **dict.fromkeys(("weights", "hist", "histogram"), ("it is weight_histograms", "nn.plotting.weight_histograms(model)")),
    "gradients": ("it is gradient_flow", "loss().backward(); nn.plotting.gradient_flow(model)"),
    **dict.fromkeys(("plot_model", "model_graph", "draw"), ("the graph is drawn by ad.draw", "ad.draw(model(x))")),
    **dict.fromkeys(("show", "savefig", "figure"), ("functions return Matplotlib's Figure, which has it", "nn.plotting.weight_histograms(model).savefig('weights.png')")),
}  # fmt: skip


def of_plotting(name: str) -> Row | None:
    """The row for a name that `nn.plotting` does not have."""
    return PLOTTING.get(name)


def of_data(name: str) -> Row | None:
    """The row for a name that `nn.data` does not have."""
    return DATA.get(name)


def of_init(name: str) -> Row | None:
    """The row for a name that `nn.init` does not have."""
    return INIT.get(name)
