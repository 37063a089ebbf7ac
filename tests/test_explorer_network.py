"""The network room: what it answers is what the engine says, in a browser and without; bad input gets a message."""

import contextlib
import io
import json
import re

import numpy as np
import pytest

import nn
import optim

pytest.importorskip("starlette", reason="the explorer's packages are not installed")

from demos.explorer.answering import answer
from demos.explorer.rooms import network, network_data, network_training

PLACES = [(400, 700, 0), (900, 1200, 0), (1100, 800, 0), (3000, 3100, 1), (3300, 2500, 1), (2600, 3500, 2)]
PAINTED = "".join(f"{''.join(network_data.DIGITS[part] for v in at for part in divmod(v, 64))}{c}" for *at, c in PLACES)
PEOPLE = "height,weight,sport\n" + "".join(f"{160 + 3 * i},{55 + i % 7 + 2 * i},{'ab'[i > 9]}\n" for i in range(20))
MIXED = "age,city,rent\n" + "".join(
    f"{'' if i == 4 else 20 + i},{['Graz', 'Wien'][i % 2]},{i % 5}\n" for i in range(30)
)


def decoded(sent):
    """An array as the page reads it."""
    import base64

    shape = [int(n) for n in sent["shape"].split(", ")]
    return np.frombuffer(base64.b64decode(sent["bdata"]), {"f8": np.float64, "i4": np.int32}[sent["dtype"]]).reshape(
        shape
    )


class Session:
    """Requests to the room as a page makes them, without a browser."""

    def __init__(self):
        self.kept = {}

    def ask(self, what, **state):
        return json.loads(answer(json.dumps({"room": "network", "ask": what, "state": state}), self.kept))

    def message(self, what="view", **state):
        """The error that an answer holds: the entry and the message."""
        error = self.ask(what, **state)["error"]
        return error["entry"], error["message"]

    def load(self, text, name="people.csv", **state):
        found = self.ask("columns", data="table", file=name, table=text, **state)
        assert "error" not in found, found
        return {"data": "table", "file": name, **state}

    def refused(self, text, **state):
        """The message about a table that is loaded and shown."""
        found = self.ask("columns", data="table", file="people.csv", table=text)
        if "error" not in found:
            found = self.ask("view", data="table", file="people.csv", **state)
        assert found["error"]["entry"] == "table", found
        return found["error"]["message"]


@pytest.fixture
def session():
    return Session()


def printed(program, folder, monkeypatch):
    """What a program prints, as numbers by part: ``{"training": {"loss": ...}}``."""
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(folder)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(program, "program.py", "exec"), {})
    matplotlib.pyplot.close("all")
    return {
        part: json.loads(found.replace("'", '"')) for part, found in re.findall(r"(\w+): (\{.*\})", said.getvalue())
    }


# --- the same numbers as the engine's -------------------------------------------------------------


def test_steps_give_the_losses_of_a_loop_written_by_hand(session):
    session.ask("view")
    for _ in range(3):
        shown = session.ask("step")["numbers"]
    x, y = nn.data.moons(400, noise=0.15, seed=0)
    x_train, x_test, y_train, y_test = nn.data.train_test_split(x, y, test_size=0.25, stratify=y, seed=0)
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = optim.Adam(model.parameters(), 0.01)
    for _, (a, b) in zip(range(3), nn.batches(x_train, y_train, batch_size=32, seed=0), strict=False):
        optimizer.step(lambda a=a, b=b: nn.cross_entropy(model(a), b))
    for part, (a, b) in {"": (x_train, y_train), "validation_": (x_test, y_test)}.items():
        found = nn.evaluate(model, nn.cross_entropy, (a, b), metrics={"accuracy": nn.accuracy}, batch_size=len(a))
        assert shown[f"{part}loss"] == found["loss"] and shown[f"{part}accuracy"] == found["accuracy"]
    assert shown["step"] == 3 and shown["epoch"] == 0.3


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"data": "blobs", "activation": "relu", "optimiser": "momentum", "layers": "", "batch": 50},
        {"data": "arms", "activation": "leaky", "optimiser": "rmsprop", "share": 0.0, "seed": 7},
        {"data": "circles", "loss": "hinge", "optimiser": "gd", "rate": 0.1, "activation": "gelu"},
        {"data": "xor", "loss": "binary", "optimiser": "adamw", "decay": 0.1, "activation": "silu"},
        {"data": "sine", "optimiser": "adagrad", "activation": "sigmoid"},
        {"data": "sine", "loss": "huber", "optimiser": "lbfgs", "rate": 1.0, "batch": 1000, "activation": "none"},
        {"data": "digits", "layers": "32", "loss": "cross"},
        {"data": "spirals", "layers": "1,1,1", "activation": "relu", "batch": 1, "rate": 5.0},
        {"data": "painted", "points": PAINTED, "share": 0.4},
    ],
    ids=lambda state: "-".join(map(str, state.values()))[:40],
)
def test_the_program_takes_the_same_steps_to_the_last_digit(state, session, tmp_path, monkeypatch):
    session.ask("view", **state)
    session.ask("advance", **state)
    changed = state | {"rate": state.get("rate", 0.01) / 2}
    session.ask("advance", **changed)
    shown = session.ask("advance", **changed)
    found = printed(shown["python"], tmp_path, monkeypatch)
    assert found["training"]["loss"] == shown["numbers"]["loss"]
    assert found.get("validation", {}).get("accuracy") == shown["numbers"].get("validation_accuracy")
    assert found["training"].get("accuracy") == shown["numbers"].get("accuracy")


def test_a_table_trains_as_its_program_does(session, tmp_path, monkeypatch):
    for text, given in ((PEOPLE, {}), (MIXED, {"target": "rent"}), (MIXED, {"target": "age", "drop": "city"})):
        filled = text.replace("\n,", "\n30,") if given.get("target") == "age" else text
        state = session.load(filled, **given)
        session.ask("view", **state)
        shown = session.ask("advance", **state)
        (tmp_path / "people.csv").write_text(filled)
        assert printed(shown["python"], tmp_path, monkeypatch)["training"]["loss"] == shown["numbers"]["loss"]


def test_the_boundary_is_the_network_at_the_grid(session):
    session.ask("view")
    found = session.ask("advance")
    training, window = session.kept["network"]["training"], session.ask("view")["data"]["window"]
    corner = np.array([[window[0], window[2]], [window[1], window[2]]], np.float32)
    z = training.model(corner).data.astype(float)
    shares = np.exp(z[:, 1]) / np.exp(z).sum(axis=1)
    assert decoded(found["surface"])[0, [0, network.GRID - 1]] == pytest.approx(shares, rel=1e-5)
    weights = [decoded(edge) for edge in found["diagram"]["edges"]]
    assert [w.shape for w in weights] == [(2, 8), (8, 8), (8, 2)]
    assert np.array_equal(weights[1], training.model[2].weight.data.astype(float))


def test_only_the_rate_goes_on_and_anything_else_begins_anew(session):
    session.ask("view")
    assert session.ask("advance", pace="16")["numbers"]["step"] > 0
    assert session.ask("view", rate=0.5, pace="1", brush="2")["numbers"]["step"] > 0
    for change in ({"layers": "4"}, {"noise": 0.3}, {"seed": 1}, {"optimiser": "gd"}, {"decay": 0.01}, {"share": 0.5}):
        session.ask("step", **change)
        assert session.ask("view", **change)["numbers"]["step"] == 1
        assert session.ask("view")["numbers"]["step"] == 0
    session.ask("step")
    assert session.ask("reset")["numbers"]["step"] == 0


def test_curves_and_monitor_keep_bounded_memory(session, monkeypatch):
    monkeypatch.setattr(network_training, "MEMORY", 20)
    monkeypatch.setattr(network_training, "WATCHED", 15)
    for _ in range(60):
        found = session.ask("step", layers="2", n=40)
        training = session.kept["network"]["training"]
        assert len(training.course) <= 20 and len(training.latest.batches) <= 15
        assert len(training.monitor.batches) >= min(training.steps, 10)
    steps = decoded(found["course"]["step"])
    assert steps[-1] == 60 and (np.diff(steps) > 0).all()


# --- why is it stuck? -----------------------------------------------------------------------------


def test_the_monitor_says_why_it_is_stuck(session):
    assert session.ask("why")["verdict"]["state"] == "not known"
    session.ask("advance")
    fine = session.ask("why")
    assert fine["verdict"]["state"] == "healthy" and "train longer" in fine["verdict"]["remedy"]
    deep = {"layers": "2,2,2,2,2,2", "activation": "sigmoid", "data": "circles"}
    session.ask("advance", **deep)
    found = session.ask("why", **deep)
    assert found["verdict"]["state"] == "vanishing" and "nn.LayerNorm" in found["verdict"]["remedy"]
    assert {one["layer"]: one["state"] for one in found["layers"]}["0"] == "vanishing"


def test_a_network_that_explodes_ends_and_says_so(session):
    wild = {
        "layers": "64,64,64,64",
        "activation": "none",
        "optimiser": "gd",
        "rate": 10.0,
        "pace": "most",
        "data": "sine",
    }
    for _ in range(40):
        found = session.ask("advance", **wild)
        if found["ended"]:
            break
    assert "no longer finite" in found["ended"] and session.ask("advance", **wild)["taken"] == 0
    why = session.ask("why", **wild)
    assert why["verdict"]["state"] == "exploding" and "lower the learning rate" in why["verdict"]["remedy"]


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("layers", "8,9999999999999999", "numbers of units"),
        ("layers", "8,65", "1 to 64 units; 65"),
        ("layers", "0", "1 to 64 units; 0"),
        ("layers", "8,-8", "not '-8'"),
        ("layers", "8,8e3", "not '8e3'"),
        ("layers", "٨,٨", "numbers of units"),
        ("layers", "1,1,1,1,1,1,1", "7 layers"),
        ("layers", "1," * 4000, "at most 60"),
        ("rate", 0.0, "between"),
        ("rate", "0.1", "number"),
        ("batch", 1e9, "between"),
        ("batch", 2.5, "integer"),
        ("n", 10**7, "between"),
        ("noise", -1, "between"),
        ("share", 1.0, "between"),
        ("data", "__class__", "one of"),
        ("loss", "mse", "2 classes"),
        ("table", "x" * (network_data.TABLE + 1), "at most 1,000,000"),
    ],
)
def test_a_bad_entry_gets_a_short_message(entry, value, said, session):
    found, message = session.message(**{entry: value})
    assert found == entry and said in message and len(message) < 400


def test_losses_and_options_that_do_not_fit_say_what_to_choose(session):
    assert "numbers to predict" in session.message(data="sine", loss="cross")[1]
    assert "3 classes" in session.message(data="arms", loss="hinge")[1]
    assert "up to 1" in session.message(optimiser="lbfgs", rate=2.0)[1]
    session.ask("view", optimiser="lbfgs", rate=1.0)
    assert session.message(optimiser="lbfgs", rate=2.0)[0] == "rate"
    assert session.message(optimiser="lbfgs", decay=0.1) == (
        "decay",
        "L-BFGS has no weight decay; set it to 0, or choose another optimiser",
    )


def test_painted_points_that_cannot_be_read(session):
    for text in ("AAAA", "AAAA9", "AAAA0x", "____0", "AAAA0 ", "ÀAAA0", "AAAA0\n"):
        assert session.message(data="painted", points=text)[0] == "points", text
    assert "at most 400" in session.message(data="painted", points="AAAA0" * 401)[1]
    assert "Paint points" in session.ask("view", data="painted")["waiting"]
    one = session.ask("view", data="painted", points="AAAA0" * 3)
    assert "second class" in one["waiting"] and len(decoded(one["data"]["points"]["x"])) == 3
    assert "second class" in session.message("advance", data="painted", points="AAAA0")[1]


def test_tables_that_cannot_be_used_say_which_column_and_what_to_do(session):
    refused = session.refused
    assert "'a'" in refused("x,a\n1,b\n2,b\n3,b\n4,b\n") and "choose another column" in refused("x,a\n1,b\n2,b\n")
    assert "column 'a', line 3" in refused("a,b\n1,x\noops,x\n3,y\n4,y\n5,y\n")
    assert "line 3" in refused("a,b\n1,x\n2,\n3,y\n4,y\n") and "leave the row out" in refused("a,b\n1,x\n2,\n")
    assert "must name the columns" in refused("1,2\n3,4\n5,6\n")
    assert "empty" in refused("")
    assert "check box" in refused("name,b\n" + "".join(f"n{i},{i % 2}\n" for i in range(300)))
    assert "features" in refused("p,q,r,b\n" + "".join(f"p{i % 90},q{i % 91},r{i % 89},{i % 2}\n" for i in range(1000)))
    assert "not a finite number" in refused("a,b\n1,x\ninf,y\n2,y\n3,x\n")
    assert "30 classes" in refused("a,b\n" + "".join(f"{i},c{i}\n" for i in range(30)))
    assert "no column" in refused(PEOPLE, target="nothing")
    assert "holds texts" in refused(PEOPLE, reading="number")
    assert "rows" in refused("a,b\n1,x\n2,y\n")
    assert "at most 60" in refused(",".join(f"c{i}" for i in range(80)) + "\n" + ",".join(["1"] * 80) + "\n")
    assert "not a text" in refused("a,b\n\x00,1\n")


def test_a_table_of_too_many_rows_is_refused_before_it_is_read(session, monkeypatch):
    monkeypatch.setattr(nn.data, "from_table", None)
    assert "at most 5,000" in session.refused("a,b\n" + "1,2\n" * 100_000)


def test_texts_and_missing_cells_are_told_with_their_columns(session):
    state = session.load(MIXED, name="../../etc/rents.csv")
    found = session.ask("view", **state)
    assert found["data"]["notes"] == [
        "age: 1 cells are missing; the mean stands in.",
        "city: texts, which became 2 features.",
    ]
    assert found["data"]["picture"] == "table" and "'.._.._etc_rents.csv'" not in found["python"]
    assert "Load other.csv again" in session.ask("view", data="table", file="other.csv")["waiting"]


def test_semicolons_and_decimal_commas_are_understood(session):
    state = session.load("a;b;kind\n" + "".join(f"{i},5;{2 * i},25;{'pq'[i % 2]}\n" for i in range(12)))
    found = session.ask("view", **state)
    assert found["data"]["classes"] == ["p", "q"] and "delimiter=';', decimal=','" in found["python"]
    assert sorted(decoded(found["data"]["points"]["x"]).round(4)) == [i + 0.5 for i in range(12)]


def test_a_frame_ends_after_the_step_that_used_up_its_time(session):
    session.ask("view", layers="4")
    training = session.kept["network"]["training"]
    assert training.advance(100, seconds=0.0) == 1
    assert training.advance(3, seconds=60.0) == 3


# --- in the browser: each test with data of its own, since the server keeps what a page has trained ---------


def until(page, holds):
    """Wait until something holds, ten seconds at most."""
    for _ in range(400):
        if holds():
            return
        page.page.wait_for_timeout(25)
    raise AssertionError("it never held")


def test_it_trains_pauses_and_steps(open_page, session):
    page = open_page("network?n=100")
    assert page.number("step") == 0
    page.page.click("#step")
    page.settled()
    assert page.number("step") == 1 and page.number("loss") == session.ask("step", n=100)["numbers"]["loss"]
    page.page.click("#train")
    until(page, lambda: page.number("step") > 40)
    assert page.page.locator("#train").inner_text() == "Pause"
    page.page.click("#train")
    page.settled()
    steps = page.number("step")
    page.page.wait_for_timeout(200)
    assert page.number("step") == steps and page.page.locator("#train").inner_text() == "Train"
    for _ in range(int(steps) - 1):
        found = session.ask("step", n=100)["numbers"]
    assert found["step"] == steps and found["loss"] == page.number("loss")
    page.page.click("#again")
    page.settled()
    assert page.number("step") == 0


def test_the_rate_changes_while_it_learns(open_page):
    page = open_page("network?n=110")
    page.page.click("#step")
    page.settled()
    page.type("rate", "0.2")
    assert page.number("step") == 1
    page.type("layers", "4")
    assert page.number("step") == 0
    assert "1 to 64 units" in (page.type("layers", "400"), page.error("layers"))[1]
    page.page.click("#train")
    page.settled()
    assert page.number("step") == 0 and page.page.locator("#train").inner_text() == "Train"


def test_points_are_painted_by_pointer_and_by_keyboard(open_page):
    page = open_page('network?data="painted"&share=0')
    assert "Paint points" in page.page.locator('[data-part="notes"]').inner_text()
    box = page.page.locator(".canvas").first.bounding_box()

    def at(x, y):
        """A place in the picture, from 0 to 1."""
        return box["x"] + 70 + x * (box["width"] - 84), box["y"] + 34 + y * (box["height"] - 74)

    page.page.mouse.move(*at(0.2, 0.25))
    page.page.mouse.down()
    page.page.mouse.move(*at(0.6, 0.25), steps=12)
    page.page.mouse.up()
    page.settled()
    drawn = json.loads(page.state()["points"])
    assert len(drawn) >= 4 * 5 and set(drawn[4::5]) == {"0"}
    page.page.click('[data-brush="1"]')
    page.page.focus('[data-handle="brush"]')
    for key in ("Shift+ArrowDown", "Shift+ArrowDown", "Enter"):
        page.page.keyboard.press(key)
    page.settled()
    drawn = json.loads(page.state()["points"])
    assert drawn[-1] == "1" and page.page.locator("#train").is_enabled()
    page.page.click("#step")
    page.settled()
    loss = page.number("loss")
    page.open(page.page.evaluate("location.hash").removeprefix("#"))
    page.page.click("#step")
    page.settled()
    assert page.number("loss") == loss
    page.page.click("#undo")
    page.settled()
    assert json.loads(page.state()["points"]) == drawn[:-5]
    page.page.click("#clear")
    page.settled()
    assert "points" not in page.state() and page.page.locator("#train").is_disabled()


def give(page, name, text):
    page.page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": text.encode()})
    page.settled()


def test_a_table_is_loaded_and_bad_ones_are_explained(open_page, session):
    page = open_page('network?data="table"')
    give(page, "people.csv", PEOPLE)
    page.page.click("#step")
    page.settled()
    state = session.load(PEOPLE)
    assert page.number("loss") == session.ask("step", **state)["numbers"]["loss"]
    page.page.click("#link")
    page.page.wait_for_selector("#said:has-text('people.csv is no part of it')")
    give(page, "one.csv", "x,kind\n1,a\n2,a\n3,a\n4,a\n")
    error = page.page.locator("#room-error")
    assert "column 'kind' has one class only, 'a': choose another column" in error.inner_text()
    page.page.select_option("#target", "x")
    page.settled()
    assert error.inner_text() == "" and page.page.locator('[data-number="accuracy"]').is_hidden()
    give(page, "long.csv", f"{'x' * 201},kind\n1,a\n2,b\n")
    assert "has a name of 201 characters" in error.inner_text()
    page.page.evaluate("location.hash += `&target=${JSON.stringify('x'.repeat(201))}`")
    page.settled()
    give(page, "mixed.csv", MIXED)  # a bad entry of the address is no obstacle
    assert "age: 1 cells are missing" in page.page.locator('[data-part="notes"]').inner_text()
    assert page.page.locator('[data-number^="confusion-"]').count() == 25
    page.page.click("summary")
    page.page.uncheck('[data-column="city"]')
    page.settled()
    assert "city" not in page.page.locator('[data-part="notes"]').inner_text()
    give(page, "large.csv", "a,b\n" + "1,2\n" * 300_000)
    assert "at most 1,000,000" in error.inner_text()


def test_the_verdict_and_the_digits(open_page, session):
    page = open_page('network?data="digits"&layers="16"')
    page.page.click("#step")
    page.settled()
    session.ask("step", data="digits", layers="16")
    found = session.ask("view", data="digits", layers="16")
    shown = page.page.locator(".sheet figcaption").all_inner_texts()
    assert [int(text[0]) for text in shown] == decoded(found["predictions"]["label"]).tolist()
    counts = decoded(found["confusion"])
    assert page.number("confusion-3-3") == counts[3, 3] and counts.sum() == found["data"]["rows"]["validation"]
    page.page.click("#why")
    page.page.wait_for_selector('[data-part="state"]')
    assert page.page.locator('[data-part="state"]').inner_text().lower() == "healthy"
    assert "What to try" in page.page.locator('[data-part="remedy"]').inner_text()


def test_with_reduced_motion_nothing_moves_by_itself_and_pictures_are_saved(open_page):
    page = open_page("network?n=60", motion="reduce", width=390, height=800)
    page.page.wait_for_timeout(300)
    assert page.number("step") == 0
    page.page.click("#step")
    page.settled()
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    downloads = []
    page.page.on("download", lambda one: downloads.append(one))
    name, svg = page.saved("#svg")
    page.page.wait_for_selector("#said:has-text('Saved')")
    assert name == "network.svg" and b"<image" in svg and b"class 1" in svg
    assert [one.suggested_filename for one in downloads] == ["network.svg", *(f"network-{i}.svg" for i in (2, 3, 4))]
