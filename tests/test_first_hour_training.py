"""Mistakes of training: each is named where it is made, with what to write instead, and nothing is lost by it."""

import copy

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from tests.test_first_hour import check, table

X, Y = np.ones((4, 2), "f4"), np.ones((4, 1), "f4")


class Setting:
    """A model, its optimiser and an empty folder; `fit` trains for one epoch, with the arguments that a row changes."""

    def __init__(self, folder):
        self.model = nn.Linear(2, 1)
        self.optimizer = optim.Adam(self.model.parameters())
        self.folder = folder

    def fit(self, *given, **options):
        defaults = (self.model, self.optimizer, nn.mse_loss, (X, Y))
        return nn.fit(*given, *defaults[len(given) :], **{"epochs": 1, "progress": False, **options})

    def state(self):
        return [p.data.copy() for p in self.model.parameters()]


@pytest.fixture
def s(tmp_path):
    return Setting(tmp_path)


OPTIMIZER = ("optimizer must be an object", r"optim.Adam\(model.parameters\(\)\)")
DATA = ("tuple of inputs and targets", r"\(x, y\)")


@table(
    {
        "a class for the optimiser": (lambda s: s.fit(s.model, optim.Adam), (*OPTIMIZER, "the class Adam was given")),
        "None for the optimiser": (lambda s: s.fit(s.model, None), (*OPTIMIZER, "a NoneType was given")),
        "a string for the optimiser": (lambda s: s.fit(s.model, "adam"), (*OPTIMIZER, "'adam' was given")),
        "the loss for the optimiser": (lambda s: s.fit(s.model, nn.mse_loss, s.optimizer), (*OPTIMIZER, "a function")),
        "the optimiser of another model": (
            lambda s: s.fit(nn.Linear(2, 1)),
            ("holds 2 parameters", "none of them belongs to this model", r"optim.Adam\(model.parameters\(\)\)"),
        ),
        "the optimiser first": (
            lambda s: s.fit(s.optimizer, s.model),
            ("first argument must be the model", "Adam was given", r"nn.fit\(model, optimizer, loss"),
        ),
        "inputs and targets apart": (
            lambda s: nn.fit(s.model, s.optimizer, nn.mse_loss, X, Y),
            ("was given 5 arguments", "one tuple", r"nn.fit\(model, optimizer, loss, \(x, y\)\)"),
        ),
        "inputs alone": (lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, X), (*DATA, r"an array of shape \(4, 2\)")),
        "data in a dict": (lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, {"x": X, "y": Y}), (*DATA, "a dict")),
        "data as batches": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, nn.batches(X, Y)),
            (*DATA, "nn.batches was given", "batch_size="),
        ),
        "no data": (
            lambda s: nn.fit(s.model, s.optimizer, nn.mse_loss),
            ("missing", r"nn.fit\(model, optimizer, loss"),
        ),
        "text as data": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, (np.array([["a", "b"]] * 4), Y)),
            (r"data\[0\] holds text", "computes with numbers", "from_table"),
        ),
        "a table of objects": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, (np.array([["a", 1.0]] * 4, object), Y)),
            (r"data\[0\] holds text or objects", "from_table"),
        ),
        "names of classes as targets": (
            lambda s: s.fit(s.model, s.optimizer, nn.cross_entropy, (X, np.array(list("abab")))),
            (r"data\[1\] holds text", r"np.unique\(labels, return_inverse=True\)"),
        ),
        "rows that do not match": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, (X, Y[:3])),
            ("same number of rows", r"\(4, 2\), \(3, 1\)"),
        ),
        "validation alone": (lambda s: s.fit(validation=X), ("validation must be", r"\(x, y\)", "an array of shape")),
        "validation of another number": (
            lambda s: s.fit(validation=(X, X, Y)),
            ("as many arrays as data, 2", "it has 3"),
        ),
        "validation_data=": (lambda s: s.fit(validation_data=(X, Y)), ("validation_data= is called validation= here",)),
        "lr=": (lambda s: s.fit(lr=0.1), ("fit has no lr=", "belongs to the optimiser", "learning_rate=")),
        "num_epochs=": (lambda s: s.fit(num_epochs=3), ("num_epochs= is called epochs= here", "epochs=3")),
        "a misspelt argument": (lambda s: s.fit(batchsise=3), ("'batchsise'", "did you mean batch_size=")),
        "an unknown argument": (lambda s: s.fit(workers=3), ("fit has no workers=", "on the CPU")),
        "a list of metrics": (
            lambda s: s.fit(metrics=[nn.accuracy]),
            ("dict of functions by name", "a list of length 1 was given", r'\{"accuracy": nn.accuracy\}'),
        ),
        "a metric alone": (lambda s: s.fit(metrics=nn.accuracy), ("dict of functions", "a function was given")),
        "a metric by its name": (lambda s: s.fit(metrics="accuracy"), ("dict of functions", "'accuracy' was given")),
        "a loss that is called": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss(s.model(X), Y)),
            ("loss must be a function", r"a Tensor of shape \(\)", "without calling"),
        ),
        "a loss by its name": (lambda s: s.fit(s.model, s.optimizer, "mse"), ("loss must be a function", "'mse'")),
        "a loss without return": (
            lambda s: s.fit(s.model, s.optimizer, lambda out, y: None),
            ("a Tensor with one number", "a NoneType was returned", "`return`"),
        ),
        "a loss for each row": (
            lambda s: s.fit(s.model, s.optimizer, lambda out, y: (out - y) ** 2),
            ("must return one number", r"shape \(4, 1\)", r"\.mean\(\)"),
        ),
        "a loss of detached outputs": (
            lambda s: s.fit(s.model, s.optimizer, lambda out, y: nn.mse_loss(out.detach(), y)),
            ("does not depend on the outputs", "detach"),
        ),
        "early stopping as a number": (
            lambda s: s.fit(early_stopping=5),
            ("5 was given", r"nn.EarlyStopping\(patience=10\)"),
        ),
        "a class for the schedule": (
            lambda s: s.fit(schedule=optim.StepDecay),
            ("must be an object", r"StepDecay\(optimizer, \.\.\.\)", "the class StepDecay was given"),
        ),
        "the optimiser for the schedule": (lambda s: s.fit(schedule=s.optimizer), ("step twice", "StepDecay")),
        "a function for the schedule": (lambda s: s.fit(schedule=lambda e: 1.0), (r"step\(\)", "a function was given")),
        "a class for early stopping": (lambda s: s.fit(early_stopping=nn.EarlyStopping), ("the class EarlyStopping",)),
        "text for accuracy": (lambda s: nn.accuracy(np.eye(3), np.array(list("abc"))), ("<U1", "np.unique")),
        "a loader to evaluate": (
            lambda s: nn.evaluate(s.model, nn.mse_loss, nn.batches(X, Y)),
            ("evaluate: data must be a tuple", "nn.batches was given", "batch_size="),
        ),
        "inputs alone to evaluate": (
            lambda s: nn.evaluate(s.model, nn.mse_loss, X),
            ("evaluate: data must be a tuple", r"\(4, 2\) was given"),
        ),
        "a callback alone": (lambda s: s.fit(callbacks=nn.Monitor()), ("must be a list", "a Monitor was given")),
        "a class for a callback": (lambda s: s.fit(callbacks=[nn.Monitor]), (r"nn.Monitor\(\)", "the class Monitor")),
        "epochs that are no integer": (lambda s: s.fit(epochs=2.5), ("epochs must be an integer", "2.5 was given")),
        "a batch of none": (lambda s: s.fit(batch_size=0), ("positive integer", "0 was given")),
        "inputs of another width": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, (np.ones((4, 3)), Y)),
            (r"Linear\(2, 1\)", "length 2", r"\(4, 3\)"),
        ),
        "targets without their axis": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, (X, Y[:, 0])),
            (r"\(4, 1\)", r"\(4,\)", r"target\[:, None\]"),
        ),
        "a missing folder for the checkpoint": (
            lambda s: s.fit(checkpoint=s.folder / "none" / "c.npz"),
            ("no folder", "none", "os.makedirs"),
        ),
        "a missing folder to save in": (
            lambda s: nn.save(s.folder / "none" / "c.npz", s.model.state_dict()),
            ("no folder", "none", "os.makedirs"),
        ),
        "a model to save": (
            lambda s: nn.save(s.folder / "m.npz", s.model),
            ("a path and a state", "a Linear was given", r"nn.save\(path, model.state_dict\(\)\)"),
        ),
        "a model to save, first": (
            lambda s: nn.save(s.model, s.folder / "m.npz"),
            ("a path and a state", r"nn.save\(path, model.state_dict\(\)\)"),
        ),
        "a path for a state": (lambda s: s.model.load_state_dict("m.npz"), ("a str was given", r"nn.load\(path\)")),
        "a class for a layer": (
            lambda s: nn.Sequential(nn.Linear(2, 2), nn.ReLU),
            ("argument 1 must be a module", "the class ReLU was given", r"ReLU\(\)"),
        ),
        "a function for a layer": (
            lambda s: nn.Sequential(nn.Linear(2, 2), np.tanh),
            ("argument 1 must be a module", "a ufunc was given", r"nn.Lambda\(np.tanh\)"),
        ),
        "layers in a list": (
            lambda s: nn.Sequential([nn.Linear(2, 2), nn.ReLU()]),
            ("argument 0 must be a module", "a list was given", r"\*layers"),
        ),
        "a function in a ModuleList": (lambda s: nn.ModuleList([np.tanh]), ("only hold modules", "nn.Lambda")),
        "a function in a Residual": (lambda s: nn.Residual(np.tanh), ("must be a module", r"nn.Lambda\(np.tanh\)")),
        "names of classes in the loss": (
            lambda s: nn.cross_entropy(np.ones((2, 3)), np.array(["a", "b"])),
            ("dtype <U1", "class numbers", r"np.unique\(labels, return_inverse=True\)"),
        ),
        "labels that are floats": (
            lambda s: nn.cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0])),
            ("dtype float64", "class numbers", r"labels.astype\(int\)"),
        ),
        "a label that is no class": (
            lambda s: nn.cross_entropy(np.ones((2, 3)), np.array([1, 3])),
            (r"0\.\.2 for 3 classes", "label 3 was given", "entry 1"),
        ),
        "a model for its parameters": (lambda s: optim.Adam(s.model), ("a Linear was given", r"model.parameters\(\)")),
        "parameters that are not called": (
            lambda s: optim.Adam(s.model.parameters),
            ("a method was given", r"Call it: model.parameters\(\)"),
        ),
        "early stopping among the callbacks": (
            lambda s: s.fit(callbacks=[nn.EarlyStopping()]),
            ("EarlyStopping was given", r"early_stopping=nn.EarlyStopping\(patience=10\)"),
        ),
        "early stopping as the callbacks": (lambda s: s.fit(callbacks=nn.EarlyStopping()), ("early_stopping=",)),
        "the number of rows in a batch, unnamed": (
            lambda s: nn.batches(X, 32),
            (r"shapes \[\(4, 2\), \(\)\]", "batch_size=32"),
        ),
        "a method to save": (
            lambda s: nn.save(s.folder / "m.npz", s.model.state_dict),
            ("a method was given as the state", r"nn.save\(path, model.state_dict\(\)\)"),
        ),
        "a dict of states to save": (
            lambda s: nn.save(s.folder / "m.npz", {"m": s.model.state_dict()}),
            ("'m' is a dict", r'\{f"m/\{k\}": v for k, v in', "nn.save_checkpoint"),
        ),
        "text for a learning rate": (
            lambda s: optim.Adam(s.model.parameters(), learning_rate="0.1"),
            ("learning_rate must be a number", "'0.1' was given", "float"),
        ),
        "a step on a Tensor": (
            lambda s: s.optimizer.step(nn.mse_loss(s.model(X), Y)),
            ("a Tensor was given", r"loss.backward\(\); optimizer.step\(\)", r"optimizer.step\(lambda: loss"),
        ),
        "outputs and state for a layer": (
            lambda s: nn.Sequential(nn.LSTM(2, 2), s.model)(np.ones((1, 3, 2))),
            ("a tuple of 2 was given", r"\(outputs, state\)", "first entry"),
        ),
        "outputs and state for an activation": (
            lambda s: nn.ReLU()(nn.GRU(2, 2)(np.ones((1, 3, 2)))),
            ("first entry",),
        ),
        "None for a layer": (lambda s: s.model(None), ("None was given", "return something")),
        "a mask of ones and zeros": (
            lambda s: nn.MultiHeadAttention(2, 1)(np.ones((1, 2, 2)), mask=np.eye(2)),
            ("Boolean", "float64 was given", r"mask.astype\(bool\)"),
        ),
        "a mask that is added": (
            lambda s: nn.MultiHeadAttention(2, 1)(np.ones((1, 2, 2)), mask=np.array([[0.0, -np.inf], [0.0, 0.0]])),
            ("Boolean", "float64 was given", "mask == 0"),
        ),
        "attn_mask=": (
            lambda s: nn.MultiHeadAttention(2, 1)(np.ones((1, 2, 2)), attn_mask=np.eye(2) > 0),
            ("no attn_mask=", "opposite of torch", "mask=~hidden"),
        ),
        "key_padding_mask=": (
            lambda s: nn.MultiHeadAttention(2, 1)(np.ones((1, 2, 2)), key_padding_mask=np.ones((1, 2)) > 0),
            ("no key_padding_mask=", "opposite of torch", "key_mask=~padding"),
        ),
        "attn_mask= of a block": (
            lambda s: nn.TransformerBlock(2, 1)(np.ones((1, 2, 2)), attn_mask=np.eye(2) > 0),
            ("no attn_mask=", "opposite of torch", "mask=~hidden"),
        ),
        "random_state=": (
            lambda s: nn.data.train_test_split(X, Y, random_state=0),
            ("random_state= is called seed= here", r"train_test_split\(x, y, seed=0\)"),
        ),
        "random_state= of batches": (lambda s: nn.batches(X, Y, random_state=0), ("seed= here",)),
        "ragged inputs": (
            lambda s: s.fit(s.model, s.optimizer, nn.mse_loss, ([[1.0, 2.0], [3.0]], [[1.0], [2.0]])),
            (r"fit: data\[0\]", r"row \[0\] has shape \(2,\) and row \[1\] \(1,\)", "Pad the rows"),
        ),
        "ragged inputs of a layer": (lambda s: s.model([[1.0, 2.0], [3.0]]), (r"row \[1\] \(1,\)", "Pad")),
        "ragged inputs of batches": (lambda s: nn.batches([[1.0, 2.0], [3.0]], Y[:2]), (r"row \[1\] \(1,\)",)),
        "ragged targets": (
            lambda s: nn.mse_loss(s.model(X), [[1.0], [1.0, 2.0]]),
            (r"row \[1\] \(2,\)", "Pad the rows"),
        ),
        "a layer without its sizes": (
            lambda s: nn.Conv2d(3, 8),
            ("Conv2d: kernel_size must be given", r"nn.Conv2d\(in_channels, out_channels, kernel_size\)"),
        ),
        "a layer with nothing": (lambda s: nn.Linear(), ("in_features and out_features must be given", "Write")),
        "a schedule without its length": (
            lambda s: optim.CosineDecay(s.optimizer),
            ("n_steps must be given", r"optim.CosineDecay\(optimizer, n_steps\)"),
        ),
        "an optimiser of nothing": (
            lambda s: optim.Adam(learning_rate=0.1),
            ("parameters must be given", r"optim.Adam\(model.parameters\(\)\)"),
        ),
        "a word for a seed": (lambda s: nn.manual_seed("a"), ("must be an integer, 0 or more", "'a' was given")),
        "a negative seed": (lambda s: nn.manual_seed(-1), ("0 or more", "-1 was given")),
        "is_causal=": (
            lambda s: nn.MultiHeadAttention(2, 1)(np.ones((1, 2, 2)), is_causal=True),
            ("is_causal= is called causal= here", r"layer\(..., causal=True\)"),
        ),
        "strict=": (
            lambda s: s.model.load_state_dict({}, strict=False),
            ("no strict=", "must fit completely", r"\*\*model.state_dict\(\)"),
        ),
        "history.history": (lambda s: nn.History().history, ("History has no .history", "itself", r"\['loss'\]")),
        "backward of many numbers": (lambda s: s.model(X).backward(), (r"shape \(4, 1\)", r"\.mean\(\)")),
        "backward of what is not tracked": (lambda s: ad.tensor(1.0).backward(), ("not tracked", "requires_grad=True")),
    }
)
def test_a_mistake_of_training(call, parts, s):
    before = s.state()
    check(lambda: call(s), parts)
    for a, b in zip(before, s.state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_before_backward_is_named():
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.parameters())
    loss = nn.mse_loss(model(X), Y)
    loss.backward()
    optimizer.step()
    check(loss.backward, ("'weight' was changed by assign_", r"optimizer.step\(\)", "needs the value it had"))


def test_a_model_that_nothing_trains_is_named():
    model = nn.Linear(2, 1)

    class Idle:
        """An optimiser that takes no gradient of the model, and does not tell its parameters."""

        def step(self, loss_fn):
            return loss_fn()

        def state_dict(self):
            return {}

    check(
        lambda: nn.fit(model, Idle(), nn.mse_loss, (X, Y), progress=False),
        ("no parameter of the model has changed or received a gradient", "frozen", "optimizer"),
    )


def test_a_frozen_model_is_named(s):
    s.model.requires_grad_(False)
    check(s.fit, ("all parameters of the model are frozen", r"requires_grad_\(\)"))


@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_a_checkpoint_that_does_not_fit_is_named_and_kept(damage, tmp_path):
    path = tmp_path / "run.npz"
    s = Setting(tmp_path)
    s.fit(checkpoint=path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "text":
        path.write_bytes(b"epoch 1\n")
    else:
        s.model = nn.Linear(2, 3)
        s.optimizer = optim.Adam(s.model.parameters())
    held, before = path.read_bytes(), s.state()
    check(lambda: s.fit(checkpoint=path, epochs=2), (r"run.npz", "damaged or of another run", "Delete or rename"))
    assert path.read_bytes() == held
    for a, b in zip(before, s.state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_damaged_file_never_brings_the_advice_to_unpickle(tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"m\.npz") as caught:
        nn.load(path)
    assert "pickle=" not in str(caught.value) and caught.value.__suppress_context__


def test_a_tensor_written_into_an_array_names_stack():
    def one_by_one(x):
        out = np.zeros(2)
        for i in range(2):
            out[i] = np.sin(x[i])
        return out.sum()

    def row(x):
        out = np.zeros((2, 2))
        out[0] = x
        return out.sum()

    for f in (one_by_one, row):
        check(lambda f=f: ad.grad(f)(np.ones(2)), ("would drop its gradient", "np.stack"))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_batch_that_is_not_finite_leaves_running_statistics(compiled, tmp_path):
    model = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    before = {key: value.copy() for key, value in model.state_dict().items()}
    data = np.array([[1.0], [np.nan]]), np.ones((2, 1))
    with pytest.raises(ad.AnomalyError):
        nn.fit(model, optim.Adam(model.parameters()), nn.mse_loss, data, epochs=1, compile=compiled, progress=False)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_a_finished_run_is_not_taken_for_a_new_one(s):
    path = s.folder / "run.npz"
    s.fit(checkpoint=path)
    with pytest.warns(UserWarning, match="holds a finished run of 1 epochs, so nothing is trained"):
        s.fit(checkpoint=path)
    s.optimizer.learning_rate = 0.5
    with pytest.warns(UserWarning, match="the options of that run, {'learning_rate': 0.001}, in place of"):
        s.fit(checkpoint=path, epochs=2)


@pytest.mark.parametrize(
    ("loss", "last", "targets", "told"),
    [
        (nn.cross_entropy, nn.Softmax(), np.array([0, 1, 0, 1]), "applies a softmax itself.* 1.1 Softmax, is one too"),
        (nn.cross_entropy, nn.Sigmoid(), np.array([0, 1, 0, 1]), "takes scores .* 1.1 Sigmoid, is one too many.*Leave"),
        (nn.binary_cross_entropy_with_logits, nn.Sigmoid(), np.ones((4, 2), "f4"), "applies a sigmoid itself"),
    ],
)
def test_a_layer_that_the_loss_holds_already_is_named(loss, last, targets, told):
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), last))
    with pytest.warns(UserWarning, match=told) as caught:
        nn.fit(model, optim.Adam(model.parameters()), loss, (X, targets), epochs=3, progress=False)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_a_sigmoid_before_another_loss_is_right():
    model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    nn.fit(model, optim.Adam(model.parameters()), nn.binary_cross_entropy, (X, Y), epochs=1, progress=False)


def test_early_stopping_without_validation_is_named(s):
    check(
        lambda: s.fit(early_stopping=nn.EarlyStopping()),
        ("no 'validation_loss'", r"validation=\(x, y\)", r"EarlyStopping\(monitor='loss'\)"),
    )


def test_a_tuple_of_rows_is_an_array():
    row = ad.tensor([1.0, 2.0])
    assert nn.ReLU()((row, row)).shape == (2, 2) == nn.Linear(2, 2)((row, row)).shape
    assert nn.Linear(2, 1)(((1.0, 2.0), (3.0, 4.0))).shape == (2, 1)


def test_a_confusion_matrix_takes_what_a_binary_model_returns():
    scores = ad.tensor([1.0, -1.0, 2.0], requires_grad=True)
    assert nn.confusion_matrix(scores, [0, 0, 1]).tolist() == [[1, 1], [0, 1]]


def test_a_number_of_some_epochs_only_is_shown():
    history = nn.History()
    history.add({"loss": 1.0})
    history.add({"loss": 2.0, "rate": 0.1})
    assert str(history).count("\n") == 3


def test_a_hook_that_changes_an_output_is_part_of_the_compiled_step(s):
    twin = copy.deepcopy(s.model)
    for model in (s.model, twin):
        model.register_hook("", lambda m, args, y: y * 2.0)
    s.fit(compile=True, epochs=3, shuffle=False)
    nn.fit(twin, optim.Adam(twin.parameters()), nn.mse_loss, (X, Y), epochs=3, shuffle=False, progress=False)
    for a, b in zip(s.state(), [p.data for p in twin.parameters()], strict=True):
        np.testing.assert_array_equal(a, b)


def test_stand_ins_reach_a_compiled_part():
    inner = nn.Linear(2, 1)
    model = nn.Sequential(ad.compile(inner), nn.Tanh())
    start = {path: p.data for path, p in model.named_parameters()}
    slope = ad.grad(lambda q: nn.functional_call(model, q, X).sum())(start)
    plain = nn.Sequential(inner, nn.Tanh())
    right = ad.grad(lambda q: nn.functional_call(plain, q, X).sum())(start)
    for path in start:
        np.testing.assert_allclose(slope[path], right[path], rtol=1e-6)


class Scaled(nn.Module):
    """A loss with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(np.ones(()))

    def forward(self, outputs, targets):
        return nn.mse_loss(outputs * self.scale, targets)


def test_a_loss_may_be_what_is_trained(s):
    loss = Scaled()
    s.model.requires_grad_(False)
    nn.fit(s.model, optim.Adam(loss.parameters()), loss, (X, Y), epochs=2, progress=False)
    assert loss.scale.item() != 1.0


def test_options_of_a_checkpoint_are_told(s):
    path = s.folder / "run.npz"
    s.fit(checkpoint=path)
    s.optimizer = optim.Adam(s.model.parameters(), betas=(0.5, 0.6), weight_decay=0.1)
    with pytest.warns(UserWarning, match=r"options of that run, .*weight_decay.*betas"):
        s.fit(checkpoint=path, epochs=2)


def test_an_attribute_that_is_updated_in_a_compiled_function_names_the_way(s):
    model = nn.Linear(2, 1)

    def step(x):
        with ad.no_grad():
            model.weight -= 0.1 * x.sum()

    check(lambda: ad.compile(step)(X), ("'weight' of Linear is set", r"w = model.w; w -= ", "assign_"))
