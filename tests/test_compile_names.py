"""Names are text: whatever something is called, it never runs, and it never breaks the program it comes into."""

import enum
import os
import unicodedata

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.compiler.identifiers import RESERVED, comment, identifier

MARK = "WENGERT_MARK"
ATTACK = f"__import__('os').environ.__setitem__('{MARK}', '1')"
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
NAMES = [
    *(f"a{b}{ATTACK} #" for b in BREAKS),
    f"w'); {ATTACK} #", f'w"""\n{ATTACK}\n"""', f"w\\\n{ATTACK}", "a\0b", "lambda", "match", "None", "\ud800", "",
    "x" * 5000, "größe", "ﬁ", "é", "e\u0301", "\u0301", "２", "²", "print", "float", "type", "__builtins__",
    "__class__", "_", "b0", "np", "i", "j", "c_2", "sin", "tanh", "array_w", "tensor_w", "step", "another_call",
    "a: b", "100%", "{x}", "日本", "🙂", " ", "\t",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_mark():
    """Whatever a test does, nothing of a name has run."""
    os.environ.pop(MARK, None)
    yield
    assert MARK not in os.environ


def check(f, *args):
    """The plain function and the compiled one agree, twice; its sources and listings are programs and lines."""
    expected = f(*args)
    g = ad.compile(f)
    for _ in range(3):
        np.testing.assert_array_equal(getattr(g(*args), "data", g(*args)), getattr(expected, "data", expected))
    for source in g.sources:
        compile(source, "<source>", "exec")
    assert len(str(g.program).split("\n")) == len(str(g.program).splitlines()) >= 2
    text = ad.derive(f)(*args)
    compile(text, "<derived>", "exec")
    return g


# --- the two functions ---


@pytest.mark.parametrize("name", [*NAMES, *sorted(RESERVED)], ids=ascii)
def test_an_identifier_is_one_as_python_reads_it_and_is_not_reserved(name):
    made = identifier(name)
    assert made.isidentifier() and made not in RESERVED and len(made) < 100
    assert unicodedata.normalize("NFKC", made) == made
    space = {}
    exec(f"{made} = 1", space)
    assert space[made] == 1


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_comment_is_one_line(name):
    space = {}
    exec(f"# {comment(name)}\nx = 1", space)
    assert space["x"] == 1 and len(comment(name).splitlines()) <= 1 and len(comment(name)) < 2000
    comment(name).encode()


def test_texts_that_python_takes_for_one_name_become_one():
    assert identifier("é") == identifier("e\u0301") == "é"
    assert identifier("ﬁ") == identifier("fi") == "fi"


# --- where names come from ---


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_tensors(name):
    z = ad.tensor([1.0, 2.0], requires_grad=True, name=name)
    check(ad.grad(lambda a: (z * np.tanh(a)).sum()), np.ones(2))

    @ad.compile
    def step(a):
        (z * a).sum().backward()
        z.assign_(z - 0.1 * z.grad)
        z.zero_grad()

    for _ in range(3):
        step(np.ones(2))
    np.testing.assert_allclose(z.data, [0.7, 1.7])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_two_tensors_of_one_name_and_one_that_is_called_like_what_the_program_makes(name):
    z = [ad.tensor([1.0, 2.0], requires_grad=True, name=n) for n in (name, name, f"{name}_2", "sin_1", "ct_product_1")]
    check(ad.grad(lambda a: sum((t * np.sin(a)).sum() for t in z)), np.ones(2))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_scopes(name):
    def f(a):
        with ad.scope(name):
            return np.sum(np.tanh(a) * 2)

    check(ad.grad(f), np.ones(2))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_keys_attributes_and_classes_of_layers(name):
    nn.manual_seed(0)
    kind = type(name.replace("\0", "").encode("utf-8", "replace").decode() or "x", (nn.Linear,), {})
    model = nn.Module()
    model.layers = {name: kind(2, 2)}
    setattr(model, "own_" + name, kind(2, 2))
    last = list(model.children())

    def forward(x):
        for _, layer in last:
            x = layer(x)
        return x

    x = np.ones((3, 2), "f4")
    check(lambda x: forward(x).sum(), x)
    optimizer = optim.Adam(model.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = (forward(x) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss

    g = ad.compile(step)
    assert float(g(x).data) > float(g(x).data) > float(g(x).data)
    compile(g.source, "<source>", "exec")
    compile(ad.derive(step)(x), "<derived>", "exec")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_functions(name):
    def f(a):
        return ad.live(inner, a) * double(a)

    def inner(a):
        return a + 1.0

    f.__name__ = inner.__name__ = name
    double = ad.elementwise(lambda x: 2.0 * x, lambda t, y, x: 2.0 * t, name=name or "double")
    g = check(f, np.ones(2))
    assert g.__name__ == name
    repr(g)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_arguments_keywords_and_dict_keys(name):
    f = ad.compile(lambda **given: sum(given[k] * 2 for k in given))
    for _ in range(3):
        np.testing.assert_array_equal(f(**{name: np.ones(2)}), [2, 2])
    compile(f.source, "<source>", "exec")

    def by_key(tree, mode):
        return tree[name] * len(mode)

    check(by_key, {name: np.ones(2)}, name)

    def keyword(a):
        return a * ad.live(lambda **k: np.array(len(k)), **{name: 1, "np": 2})

    check(keyword, np.ones(2))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_variables_of_code_made_by_programs(name):
    code = (lambda a: np.tanh(a) * 2).__code__
    f = type(check)(code.replace(co_varnames=(name.replace("\ud800", "s") or "v",)), {"np": np})
    check(f, np.ones(3))


@pytest.mark.filterwarnings("ignore:compile.*was traced")  # once for each of them
def test_static_texts_numbers_and_members_of_enums_are_told_apart():
    class Mode(enum.StrEnum):
        ONE = f"a\n{ATTACK} #"
        TWO = "b"

    class Count(enum.IntEnum):
        ONE = 1
        TWO = 2

    f = ad.compile(lambda x, m: x * (len(m) if isinstance(m, str) else m))
    numbers = [1, 1.0, True, 0.0, -0.0, np.inf, -np.inf, 2 + 0j, complex(0.0, -0.0), float("nan")]
    for m in [*Mode, *Count, "a\n", "a\u2028", "\ud800", np.str_("abc"), *numbers]:
        for _ in range(2):
            expected = np.ones(2) * (len(m) if isinstance(m, str) else m)
            np.testing.assert_array_equal(f(np.ones(2), m), expected)
            if m == 0:
                np.testing.assert_array_equal(np.signbit(np.real(f(np.ones(2), m))), np.signbit(np.real(expected)))
    for source in f.sources:
        compile(source, "<source>", "exec")


def test_a_large_array_in_blocks_beside_arguments_called_i_and_j():
    def f(i, j):
        return np.sum(np.tanh(i * j) * np.exp(i) + j), i, j

    i, j = np.linspace(0, 1, 1 << 18), np.linspace(1, 2, 1 << 18)
    g = ad.compile(f)
    for _ in range(2):
        total, a, b = g(i, j)
        np.testing.assert_array_equal(a, i)
        np.testing.assert_array_equal(b, j)
        np.testing.assert_allclose(total, f(i, j)[0], rtol=1e-13)
    assert "block by block" in g.source


def test_names_in_the_program_for_jax():
    pytest.importorskip("jax")
    for name in NAMES:
        z = ad.tensor([1.0, 2.0], requires_grad=True, name=name)
        g = ad.compile(ad.grad(lambda a, z=z: (z * np.tanh(a)).sum()), backend="jax")
        g(np.ones(2)), g(np.ones(2))
        compile(g.source, "<source>", "exec")


# --- other texts ---


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_pictures_and_tables_take_them(name):
    pytest.importorskip("graphviz")
    z = ad.tensor([1.0, 2.0], requires_grad=True, name=name)
    f = ad.compile(ad.grad(lambda a: (z * a).sum()))
    f(np.ones(2))
    for source in (f.program.draw().source, ad.draw((z * 2).sum()).source):
        assert all(c.isprintable() or c in "\n\t" for c in source)
        source.encode()
    repr(z)
