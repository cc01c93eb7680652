"""The report of a run: one file that asks for no other, whose numbers are right, and that never makes a training fail."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, r2_score

import netc
from netc.data.normalize import Array
from netc.source import Source
from netc.tasks import Task
from netc.train.report import outcomes
from netc.train.report import page as report
from netc.train.report.pictures import loss_picture, r2
from netc.train.report.sheet import png, svg
from netc.train.session import Result
from netc.train.verdict import Verdict, confusion
from netc.web.document import inlined, table
from netc.web.highlight import highlighted, pieces

MOONS = """
# <script>alert("a comment")</script> & more
network Moons(width = 8) {
  input  x: [B, 2]
  target y: [B, 1]
  p = x -> hidden: Linear(width) -> ReLU -> Linear(1) -> Sigmoid
  output p
  loss BCELoss(p, y)
  metric accuracy = mean(float((p > 0.5) == (y > 0.5)))
}
data {
  source = sklearn.make_moons(n_samples=60, noise=0.1, random_state=0)
  validation = 0.25
  normalize = standard
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 4
}
"""
SEVERAL = """
network Blobs {
  input  x: [B, 2]
  target y: int64[B]
  p = x -> Linear(3)
  output p
  loss CrossEntropyLoss(p, y)
}
data = sklearn.make_blobs(n_samples=60, centers=3, random_state=0)
train {
  optimizer = Adam(lr=0.05)
  epochs = 3
}
"""
NUMBERS = """
network Numbers {
  input  x: [B, 2]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss MSELoss(p, y)
}
data {
  source = sklearn.make_regression(n_samples=60, n_features=2, noise=5.0, random_state=0)
  normalize = standard
  normalize_target = standard
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 3
}
"""
SCORES = SEVERAL.replace("CrossEntropyLoss", "MultiMarginLoss")
TEXTS = """
network Texts {
  input  x: [B, 2]
  target kind: int64[B]
  p = x -> Linear(2)
  output p
  loss CrossEntropyLoss(p, kind)
}
data {
  source = csv("kinds.csv")
  validation = 0.2
  test = 0.2
}
train {
  optimizer = Adam(lr=0.05)
  epochs = 3
}
"""
IMAGES = """
network Images {
  input  x: [B, 1, 6, 6]
  target y: [B, 2]
  p = x -> Flatten -> Linear(2)
  output p
  loss MSELoss(p, y)
}
data = npz("images.npz")
train {
  optimizer = Adam(lr=0.05)
  epochs = 3
}
"""
FREE = MOONS.replace("output p\n", "output concat(p, p, dim=1)\n")  # an output that nothing is known of


def trained(text: str, base: Path) -> tuple[Result, str]:
    result = netc.load(text).train(base)
    return result, (result.path / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a browser would load, and whether the tags are closed in their order."""

    VOID = frozenset({"meta", "br", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in self.VOID else []
        self.note(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(tag, attrs)

    def note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asked += [f"<{tag}>"] if tag in ("script", "link", "iframe", "object", "embed", "base") else []
        self.asked += [v for k, v in attrs if k in ("src", "href", "xlink:href", "data") and v and not v.startswith(("data:", "#"))]
        self.ids += [v for k, v in attrs if k == "id" and v]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["h2"]:
            self.headings.append(data.strip())


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        (MOONS, {"Losses and metrics", "Confusion matrix", "Spec", "Network", "Rows and columns", "To repeat it", "Made with"}),
        (SEVERAL, {"Confusion matrix", "Network"}), (NUMBERS, {"Network"}), (SCORES, {"Confusion matrix"}), (FREE, {"Network"}),
    ],
)  # fmt: skip
def test_it_is_one_whole_file(text: str, headings: set[str], tmp_path: Path) -> None:
    result, page = trained(text, tmp_path)
    assert result.warnings == ()
    parsed = Page(page)
    assert parsed.asked == [] and headings <= set(parsed.headings)
    assert not re.search(r"@import|url\((?!#)", page)
    # matplotlib names markers and clipped regions by what they are, so those that are equal may stand twice
    assert all(re.fullmatch(r"[mpC]?[0-9a-f_]+|image.*", name) for name, count in Counter(parsed.ids).items() if count > 1)
    shown = ("Decision boundary" in page, "Residuals" in page, "What it says of the plane" in page)
    assert shown == {MOONS: (True, False, False), SEVERAL: (True, False, False), NUMBERS: (False, True, True), SCORES: (True, False, False),
                     FREE: (False, False, False)}[text]  # fmt: skip


def test_classes_have_their_names_and_the_test_part_is_judged(tmp_path: Path) -> None:
    lines = [f"{i % 7},{i % 2},{'<left>' if i % 2 else 'right'}" for i in range(50)]
    (tmp_path / "kinds.csv").write_text("\n".join(["a,b,kind", *lines]))
    (tmp_path / "texts.net").write_text(TEXTS)
    result = netc.load(tmp_path / "texts.net").train(tmp_path)
    page = (result.path / "report.html").read_text()
    assert result.warnings == () and Page(page).asked == []
    assert "of 10 rows of the test part are right" in page and "<th>&lt;left&gt;</th><th>right</th>" in page
    assert "&lt;left&gt; (25 rows), right (25 rows)" in page and "Decision boundary" in page


def test_images_are_shown(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "images.npz", x=random.normal(size=(20, 1, 6, 6)), y=random.normal(size=(20, 2)))
    (tmp_path / "images.net").write_text(IMAGES)
    result = netc.load(tmp_path / "images.net").train(tmp_path)
    page = (result.path / "report.html").read_text()
    assert result.warnings == () and "20 samples, some of their images" in page and "y[1]" in page
    assert (result.path / "data.png").exists()


def test_what_a_user_wrote_is_text(tmp_path: Path) -> None:
    _, page = trained(MOONS, tmp_path)
    assert "&lt;script&gt;alert(&quot;a comment&quot;)&lt;/script&gt; &amp; more" in page and "<script" not in page


def test_how_to_repeat_it(tmp_path: Path) -> None:
    spec = tmp_path / "two moons.net"
    spec.write_text(MOONS)
    result = netc.load(spec, {"width": "2 + 2"}).train(tmp_path / "runs")
    page = (result.path / "report.html").read_text()
    assert f"netc train &#x27;{spec}&#x27; --set &#x27;width=2 + 2&#x27;" in page


@pytest.mark.parametrize(("resolved", "words"), [
    ("train {\n  scheduler = StepLR(step_size=2, gamma=0.1)\n}\n", "netc train runs/net-1/spec.net"),
    ("train {\n  scheduler = LambdaLR(lr_lambda=python(function=\"a.py:f\"))\n}\n", "netc train --allow-python runs/net-1/spec.net"),
    ("use python \"a.py\"\n\nnetwork N {\n}\n", "netc train --allow-python runs/net-1/spec.net"),
], ids=["no Python", "a function", "layers"])  # fmt: skip
def test_what_runs_python_is_repeated_with_leave(resolved: str, words: str) -> None:
    nothing: Any = None
    run = report.Trained("net-1", nothing, nothing, nothing, nothing, nothing, {}, resolved)
    assert f"{words}    # from the folder" in report._repeat(run)


def test_no_pictures_no_report(tmp_path: Path) -> None:
    result = netc.load(MOONS).train(tmp_path, pictures=False)
    assert not list(result.path.glob("*.png")) and not (result.path / "report.html").exists()


@pytest.mark.parametrize("kinds", [["<b>$x_{$ & %", "a$\\frac{"], [">$50,000-$99,000", "_up"]])
def test_names_are_written_as_they_are(kinds: list[str], tmp_path: Path) -> None:
    """And not as formulas, where they have two `$`; those that begin with `_` stand in the legends too."""
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 2))
    rows = [f'{a:.3f},{b:.3f},"{kinds[int(a + b > 0)]}"' for a, b in features]
    (tmp_path / "kinds.csv").write_text("\n".join(["$a_$,b\\frac{,kind", *rows]))
    (tmp_path / "texts.net").write_text(TEXTS)
    result = netc.load(tmp_path / "texts.net").train(tmp_path / "runs")
    assert result.warnings == () and {picture.name for picture in result.path.glob("*.png")} == {"data.png", "loss.png", "predictions.png"}
    texts = [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", (result.path / "report.html").read_text())]
    assert [texts.count(kind) for kind in kinds] == [2, 2]  # in the legends of the boundary and of the predictions
    assert {f"How well it finds {kinds[1]}", "$a_$", "b\\frac{"} <= set(texts)


def test_targets_whose_names_begin_with_an_underscore_are_in_the_legend() -> None:
    values = np.random.default_rng(0).normal(size=(40, 2))
    assert {"_up", "do$n$"} <= set(
        re.findall(r"<text[^>]*>([^<]*)</text>", svg(outcomes.residuals_picture(values, values[::-1], ["_up", "do$n$"])))
    )


def test_powers_of_ten_on_an_axis_are_written_as_numbers() -> None:
    picture = loss_picture({"loss": [10.0**-i for i in range(7)]})
    assert picture is not None
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg(picture))
    assert {"1", "0.01", "0.0001"} <= set(texts) and not any("$" in text for text in texts)


# --- nothing of it makes a training fail --------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["curves_picture", "summary", "drawn", "judgement", "highlighted"])
def test_a_part_that_fails_is_a_warning_and_the_others_are_there(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no <ink>")

    monkeypatch.setattr(report, part, broken)
    result, page = trained(MOONS, tmp_path)
    assert len(result.warnings) == 1 and "is not in the report: no <ink>" in result.warnings[0]
    assert "no &lt;ink&gt;" in page and "Rows and columns" in page and (result.path / "model.safetensors").exists()


@pytest.mark.parametrize("part, what, others", [
    ("page.curves_picture", "the picture of the curves", ["Losses and metrics", "Confusion matrix"]),
    ("judgement.boundary_picture", "the decision boundary", ["Confusion matrix", "Thresholds"]),
    ("judgement.ranking", "how well it ranks", ["Confusion matrix", "Decision boundary"]),
    ("judgement.confusion", "the confusion matrix", ["Decision boundary", "Thresholds"]),
    ("pictures.data_picture", "data.png", ["Predictions", "Rows and columns"]),
    ("sheet.png", "predictions.png", ["Confusion matrix", "Rows and columns"]),
    ("pictures.predictions_picture", "predictions.png", ["Confusion matrix", "Rows and columns"]),
])  # fmt: skip
def test_a_part_that_fails_costs_no_other(part: str, what: str, others: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no <ink>")

    monkeypatch.setattr(f"netc.train.report.{part}", broken)
    result, page = trained(MOONS, tmp_path)
    assert any(warning.startswith(what) and "no <ink>" in warning for warning in result.warnings)
    assert re.search(f"<li>{what}[^<]*no &lt;ink&gt;", page) and all(other in page for other in others)


def test_a_report_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("netc.train.after.write", full)
    result = netc.load(MOONS).train(tmp_path)
    assert result.warnings == ("there is no report: [Errno 28] No space left on device",)
    assert netc.open_run(result.path).problems == ()


# --- its numbers --------------------------------------------------------------------------------------------------


def test_the_matrix_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.integers(0, 4, 200), random.normal(size=(200, 4))
    found = confusion(Task("classes", "logits"), Verdict("", scores, truth))
    assert (found == confusion_matrix(truth, scores.argmax(axis=1))).all()
    one = random.normal(size=(200, 1))
    found = confusion(Task("binary", "logits"), Verdict("", one, (truth > 1).astype(np.float32).reshape(-1, 1)))
    assert (found == confusion_matrix(truth > 1, one[:, 0] > 0)).all()


def test_r2_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    target, predicted = random.normal(size=(50, 2)) * (1, 30), random.normal(size=(50, 2))
    assert r2(predicted, target) == pytest.approx(r2_score(target, predicted))


@pytest.mark.parametrize(
    ("task", "scores"),
    [
        (Task("binary", "logits"), lambda x: x[:, :1]),
        (Task("binary", "probabilities"), lambda x: (x[:, :1] > 0) * 1.0),
        (Task("classes", "logits"), lambda x: np.stack([-x[:, 0], x[:, 0], x[:, 1] * 0 - 99], axis=1)),
        (Task("classes", "scores"), lambda x: np.stack([-x[:, 0], x[:, 0]], axis=1)),
    ],
)
def test_the_boundary_is_where_the_class_changes(task: Task, scores: Callable[[Array], Array]) -> None:
    """A model that decides by the sign of the first feature: the halves of the picture have the colors of the classes."""
    random = np.random.default_rng(0)
    features = random.uniform(-1, 1, size=(40, 2))
    figure = outcomes.boundary_picture(scores, task, features, (features[:, 0] > 0).astype(int), ["a", "b"], ["left", "right"])
    image = pixels(png(figure))
    middle = image[image.shape[0] // 2]
    left, right = middle[: len(middle) // 2, :3].mean(axis=0), middle[len(middle) // 2 :, :3].mean(axis=0)
    assert left[2] > left[0] and right[0] > right[2]  # blue and orange
    lines = [c.get_paths() for c in figure.axes[0].collections if hasattr(c, "levels")]
    xs = np.concatenate([np.asarray(path.vertices)[:, 0] for paths in lines for path in paths])
    assert len(xs) and np.abs(xs).max() < 0.02


def pixels(picture: bytes) -> Array:
    return np.asarray(matplotlib.image.imread(io.BytesIO(picture), format="png"))


# --- html ---------------------------------------------------------------------------------------------------------


def test_specs_keep_every_character(specs: Path) -> None:
    for path in specs.glob("*.net"):
        source = Source(path.name, path.read_text(encoding="utf-8"))
        found = list(pieces(source))
        assert "".join(text for _, text in found) == source.text
        assert "network" in [text for kind, text in found if kind == "k"], path
        assert len(found[-1][1]) < 3, f"{path} is in colors to its end"


def test_highlighting() -> None:
    text = "network N { # b <c>\n  input x: [B, 5]\n  output x -> h: Linear(8)\n}\n"
    assert highlighted(Source("n.net", text)) == (
        '<span class="k">network</span> N { <span class="c"># b &lt;c&gt;</span>\n  <span class="k">input</span> <span class="l">x:</span>'
        ' [B, <span class="n">5</span>]\n  <span class="k">output</span> x <span class="a">-&gt;</span> <span class="l">h:</span> '
        '<span class="o">Linear</span>(<span class="n">8</span>)\n}\n'
    )
    assert highlighted(Source("n.net", "network ) <")) == '<span class="k">network</span> ) &lt;'


def test_the_word_group_is_one() -> None:
    text = "train {\n  group *.bias { lr = 1 }\n}\ndata {\n  group age { missing = median }\n}\n"
    assert [word for kind, word in pieces(Source("n.net", text)) if kind == "k"] == ["train", "group", "data", "group"]


def test_cells_are_text() -> None:
    assert "<td>&lt;b&gt;</td>" in table(("a",), [("<b>",)])


def test_an_inlined_picture_has_the_colors_of_the_page() -> None:
    head = '<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg">'
    svg = f'{head}<g id="a"><path id="m1" style="fill: #123456"/></g></svg>'
    assert inlined(svg, [("#123456", "ink")]) == '<svg><g><path id="m1" style="fill: var(--ink)"/></g></svg>'
