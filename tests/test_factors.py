"""A learning rate by a function of one's own: `LambdaLR(python("my_schedule.py:warmup"))`, from the spec to the run that goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import netc
from netc.cli import main

SPEC = """
network Net {
  input  x: [B, 4]
  target y: [B, 1]
  p = x -> Linear(1)
  output p
  loss MSELoss(p, y)
}
data {
  source           = sklearn.make_regression(n_samples=40, n_features=4, random_state=0)
  normalize_target = standard
}
train {
  optimizer = Adam(lr=1.0)
  scheduler = %s
  epochs    = 4
}
"""
FUNCTIONS = """
class Counter:
    def __init__(self):
        self.count = 0

    def __call__(self, epoch):
        self.count += 1
        return 1 / self.count


counter = Counter()


def warmup(epoch):
    return min(1.0, (epoch + 1) / 4) / 10


def late(epoch):
    return [0.1, 0.1][epoch]


def falls(epoch):
    return 0.1 - 0.05 * epoch


def fails(epoch):
    return 1 / epoch


def nothing(epoch):
    pass


def two(a, b):
    return 1.0
"""
WARMUP = 'LambdaLR(python("my_schedule.py:warmup"))'

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "my_schedule.py").write_text(FUNCTIONS)
    path = tmp_path / "net.net"
    path.write_text(SPEC % WARMUP)
    yield path
    sys.modules.pop("my_schedule", None)


def said(spec: Path, scheduler: str, allow_python: bool = True) -> str:
    """What is wrong, in loading or else in training; nothing may be left of the run."""
    spec.write_text(SPEC % scheduler)
    with pytest.raises(netc.NetError) as caught:
        netc.load(spec, allow_python=allow_python).train(spec.parent / "runs", pictures=False)
    assert not any(spec.parent.glob("runs/*"))
    (found,) = caught.value.diagnostics
    assert found.span is not None
    return f"{found.code} at {found.span.text}: {found.message} ({found.hint})"


def test_it_runs_only_where_it_is_allowed(spec: Path) -> None:
    (spec.parent / "my_schedule.py").write_text("raise SystemExit('it ran')")
    for scheduler in (WARMUP, f"SequentialLR([LinearLR(), {WARMUP}], [2])"):
        message = said(spec, scheduler, allow_python=False)
        assert message.startswith('use at "my_schedule.py:warmup": `my_schedule.py:warmup` is Python') and "--allow-python" in message


# What stands in the file's place, and what is said of it; `training` is found only there.
WRONG = {
    "my_schedule.py:warm": "use: `my_schedule.py` has no function `warm` (did you mean `warmup`?)",
    "my_schedule.py": "use: `my_schedule.py` names no function (name a file and a function",
    "my_scheduler.py:warmup": "use: there is no Python file `my_scheduler.py`",
    "my_scheduler:warmup": "use: there is no Python file `my_scheduler.py` (what a scheduler takes is kept with the run",
    "my_schedule.py:counter": "use: `counter` in `my_schedule.py` is no function",
    "my_schedule.py:fails": "use: `fails(0)` of `my_schedule.py` fails: ZeroDivisionError: division by zero (line 27)",
    "my_schedule.py:nothing": "use: `nothing(0)` of `my_schedule.py` gives None, not a number",
    "my_schedule.py:two": "use: `two(0)` of `my_schedule.py` fails: TypeError",
    "my_schedule.py:late": "training: `late(2)` of `my_schedule.py` fails: IndexError: list index out of range (line 19)",
    "my_schedule.py:falls": "training: `falls(3)` of `my_schedule.py` gives -0.05, and a learning rate is neither negative nor",
}


@pytest.mark.parametrize("named", WRONG)
def test_what_is_wrong_has_its_place(named: str, spec: Path) -> None:
    code, _, message = WRONG[named].partition(": ")
    assert said(spec, f'LambdaLR(python("{named}"))').startswith(f'{code} at python("{named}"): {message}')


MISUSED = {
    'LambdaLR("my_schedule.py:warmup")': 'lr_lambda must be `python("my_schedule.py:factor")`, or a list of these, not',
    'LambdaLR([python("my_schedule.py:warmup"), 3])': "lr_lambda must be",
    "LambdaLR(StepLR(2))": "lr_lambda must be",
    "LambdaLR(python)": "`python` needs `function`",
    'LambdaLR([python("my_schedule.py:warmup"), python("my_schedule.py:warmup")])': "`LambdaLR` has 2 functions, and the optimizer has 1",
    'SequentialLR([python("my_schedule.py:warmup")], [2])': "schedulers must be a list of schedulers",
    'StepLR(python("my_schedule.py:warmup"))': "step_size must be an int, not a setting",
}


@pytest.mark.parametrize("scheduler", MISUSED)
def test_misuse_is_refused(scheduler: str, spec: Path) -> None:
    assert MISUSED[scheduler] in said(spec, scheduler)


def test_a_rate_that_the_function_makes_small_is_no_mistake(spec: Path) -> None:
    assert not netc.load(spec, allow_python=True).warnings
    spec.write_text(SPEC % f"ChainedScheduler([{WARMUP}])")
    assert not netc.load(spec, allow_python=True).warnings
    spec.write_text(SPEC % 'MultiplicativeLR(python("my_schedule.py:warmup"))')  # which begins with the optimizer's
    assert [d.code for d in netc.load(spec, allow_python=True).warnings] == ["learning-rate"]


def test_the_resolved_spec_names_the_file_wherever_it_is_loaded(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = netc.load(spec, allow_python=True).resolved()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "net.net"
    elsewhere.write_text(text)
    assert f'LambdaLR(lr_lambda=python(function="{spec.parent / "my_schedule.py"}:warmup"))' in text
    assert netc.load(elsewhere, allow_python=True).resolved() == text


def cli(*words: str | Path) -> int:
    """The command in a process of its own, as far as the module of the file goes."""
    sys.modules.pop("my_schedule", None)
    return main([*map(str, words), "--allow-python"])


def test_a_run_keeps_the_file_and_goes_on_with_it(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, train = spec.parent / "runs", ("train", "--no-pictures")
    assert cli(*train, spec, "--runs", runs) == 0
    assert cli(*train, spec, "--runs", runs, "--set", "train.epochs=8") == 0
    run, whole = runs / "net-1", runs / "net-2"
    assert (run / "my_schedule.py").read_text() == FUNCTIONS
    assert 'python(function="my_schedule.py:warmup")' in (run / "spec.net").read_text()
    original = spec.with_name("my_schedule.py")
    original.write_text(FUNCTIONS.replace("/ 10", "/ 20"))
    assert cli(*train, spec, "--resume", run, "--set", "train.epochs=8") == 1
    assert "was trained with another `my_schedule.py`" in capsys.readouterr().err
    original.unlink()
    assert cli(*train, "--resume", run, "--set", "train.epochs=8") == 0  # with the file in the run's folder
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    assert cli("eval", run) == 0
