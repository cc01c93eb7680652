"""Specs that ask for too much: each by name, with the code of what netc says. Run as a program it measures all of them."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
import time
from collections.abc import Iterator

MEMORY = 6 * 2**30  # bytes of address space, torch's libraries among them
DEEP = 5000
MILLIONS = 5_000_000


def network(*statements: str, items: str = "", shape: str = "B, 8") -> str:
    return "\n".join([items, "network Net {", f"  input x: [{shape}]", *(f"  {statement}" for statement in statements), "}", ""])


def computed(expression: str) -> str:
    """A network that needs a number."""
    return network(f"n = {expression}", "output x -> Linear(n)")


def chain(first: str, step: str, last: str, count: int = 40) -> str:
    """A network with values a0, a1, …, each made of the one before, `{0}`; `last` is sent the input."""
    values = [f"a{i} = " + step.format(f"a{i - 1}", i) for i in range(1, count + 1)]
    return network(f"a0 = {first}", *values, "output x -> " + last.format(f"a{count}"))


def nested(first: str, step: str, last: str, count: int) -> str:
    """A network with items, each made of the one before: `{0}` its number, `{1}` that of the one before."""
    return network(f"output {last}", items="\n".join([first, *(step.format(i, i - 1) for i in range(1, count + 1))]))


BRANCHING = "block Tree(n) {\n  in x: [B, D]\n  out (x -> Tree(n + 1)) + (x -> Tree(n + 1))\n}"

CASES: dict[str, tuple[str, str]] = {
    # repetition and recursion
    "a repeat of 10**9": (network("output x -> repeat 1000000000 { Linear(8) }"), "recursion"),
    "a repeat of 10**18": (network("output x -> repeat 1000000000000000000 { Linear(8) }"), "recursion"),
    "a repeat of 10**30": (network("output x -> repeat 10 ** 30 { ReLU }"), "recursion"),
    "a repeat of nothing": (network("output x -> repeat 1000000000 { id }"), "recursion"),
    "a range of 10**9": (network("output x -> repeat i in 0..1000000000 { Linear(i + 1) }"), "recursion"),
    "a repeat in a repeat": (network("output x -> repeat 100000 { repeat 100000 { ReLU } }"), "recursion"),
    "repeats in each other": (network("output x -> " + "repeat 10 { " * 12 + "ReLU" + " }" * 12), "recursion"),
    "a repeat in a block": (network("output x -> repeat 1000 { K }", items="block K = repeat 1000 { ReLU }"), "recursion"),
    "a repeat of negative length": (network("output x -> repeat -5 { ReLU } -> Lineer(2)"), "unknown-name"),
    "a block that calls itself": (network("output x -> Self", items="block Self = { Linear(8) -> Self }"), "recursion"),
    "a block that calls itself twice": (network("output x -> Tree(0)", items=BRANCHING), "recursion"),
    "a function that calls itself twice": (network("output f(x)", items="fn f(x) = f(x) + f(x)"), "recursion"),
    "a function of numbers": (network("output x -> Linear(f(1))", items="fn f(n) = f(n + 1)"), "recursion"),
    "functions that call each other": (network("output f(x)", items="fn f(x) = g(x)\nfn g(x) = f(x)"), "recursion"),
    "functions that double": (nested("fn f0(x) = x", "fn f{0}(x) = f{1}(x) + f{1}(x)", "f40(x)", 40), "recursion"),
    "blocks that double": (nested("block K0 = { ReLU }", "block K{0} = {{ K{1} -> K{1} }}", "x -> K30", 30), "recursion"),
    "blocks within each other": (nested("block K0 = { ReLU }", "block K{0} = {{ K{1} -> ReLU }}", "x -> K999", 999), "recursion"),
    "labels that grow": (network("output x -> " + "repeat 2 { " * 13 + "ReLU" + " }" * 13 + " -> Lineer(2)"), "unknown-name"),
    # values that grow
    "lists that double": (chain("[1, 2]", "{0} + {0}", "Linear(len({0}))"), "invalid-operation"),
    "strings that double": (chain('"ab"', "{0} + {0}", "Linear(len({0}))"), "invalid-operation"),
    "squares of squares": (chain("10", "{0} * {0}", "Linear({0})"), "invalid-operation"),
    "sizes that are squared": (chain("B", "{0} * ({0} + {1})", "reshape([{0}])"), "not-constant"),
    "sizes that double": (chain("B", "({0} + {1}) // 2 + {0} // 3", "reshape([{0}])"), "not-constant"),
    "a power of a power": (computed("2 ** 1000000000"), "invalid-operation"),
    "towers of powers": (computed("9 ** 9 ** 9 ** 9"), "invalid-operation"),
    "a function's power": (computed("pow(2, 1000000000)"), "invalid-operation"),
    "a power of a fraction": (computed("2.0 ** 1000000000"), "invalid-operation"),
    "a power of a size": (computed("B ** 1000000000"), "not-constant"),
    "an int as a float": (computed("10 ** 400 / 1.5"), "invalid-operation"),
    "a root of a huge int": (computed("sqrt(10 ** 400)"), "invalid-operation"),
    "an exponential": (computed("exp(1000)"), "invalid-operation"),
    "a string, repeated": (computed('"a" * 1000000000'), "invalid-operation"),
    "a list, repeated": (computed("[1] * 1000000000"), "invalid-operation"),
    "an int of many digits": (computed("9" * 100_000), "syntax"),
    "a fraction of many digits": (computed("9" * 100_000 + ".5"), "syntax"),
    "infinity as a size": (computed("int(inf)"), "invalid-operation"),
    # tensors that no machine holds
    "a layer of 10**18": (computed("10 ** 18"), "bad-size"),
    "a layer of 10**400": (computed("10 ** 400"), "bad-size"),
    "an input of 10**36": (network("output x", shape="1000000000000000000, 1000000000000000000"), "bad-size"),
    "zeros of 10**24": (network("output x", "loss mean(zeros([1000000000000, 1000000000000]))"), "bad-size"),
    "a parameter of 10**24": (network("param p: [1000000000000, 1000000000000] = zeros", "output x + sum(p)"), "bad-size"),
    "an expansion to 10**30": (
        network("output x -> unsqueeze(0) -> expand([1000000000000000000, B, 8]) -> repeat_interleave(1000000000000, dim=0)"), "bad-size",
    ),
    "an upsampling by 10**12": (network("output x -> Upsample(scale_factor=1000000000000)", shape="B, 3, 8, 8"), "bad-size"),
    "a pad of 10**18": (network("output x -> ZeroPad1d([1000000000000000000, 1000000000000000000])"), "bad-size"),
    "10**9 layers in one": (network("output x -> LSTM(8, num_layers=1000000000)"), "argument-type"),
    "10**9 layers of a transformer": (network("output (x, x) -> Transformer(64, 8, 1000000000)", shape="T, B, 64"), "argument-type"),
    "10**9 parts": (network("output concat(chunk(x, 1000000000, dim=1), dim=1)", shape="B, 1000000000"), "bad-size"),
    "10**9 parts of one": (network("output concat(split(x, 1, dim=1), dim=1)", shape="B, 1000000000"), "bad-size"),
    "sizes that double through layers": (
        network("output x -> repeat 60 { (MaxPool1d(2) || MaxPool1d(3)) -> concat(dim=2) }", shape="B, 4, T"), "bad-size",
    ),
    "sizes that multiply through layers": (
        network("output x -> repeat 100 { flatten(0) -> unsqueeze(1) -> expand([-1, T]) }", shape="B, T"), "bad-size",
    ),
    "an index of 10**30": (network("output x[:, 10 ** 30]"), "axis"),
    "a slice of 10**30": (network("output x[:, 0:10 ** 30:10 ** 30] -> Lineer(2)"), "unknown-name"),
    "thousands of axes": (network("output x -> Lineer(2)", shape=", ".join(["1"] * DEEP)), "rank"),
    "a thousand axes more": (network("output x -> repeat 1000 { unsqueeze(0) }"), "rank"),
    # text
    "brackets": (network(f"output x -> {'(' * DEEP}ReLU{')' * DEEP}"), "syntax"),
    "braces": (network(f"output x -> {'{ ' * DEEP}ReLU{' }' * DEEP}"), "syntax"),
    "lists in lists": (network(f"n = {'[' * DEEP}1{']' * DEEP}", "output x"), "syntax"),
    "signs": (computed("-" * DEEP + "8"), "syntax"),
    "open brackets": (network(f"output x -> {'(' * 30_000}"), "syntax"),
    "calls of calls": (network(f"output {'relu(' * DEEP}x{')' * DEEP}"), "syntax"),
    "a long sum": (computed(" + ".join(["1"] * DEEP)), "syntax"),
    "a huge label": (network(f"output x -> {'a' * 500_000}.b: Linear(8)"), "syntax"),
    "a huge name": (network(f"output x -> {'a' * 500_000}"), "syntax"),
    "a huge string": (network(f'output x -> rearrange("{"a " * 250_000}-> b")'), "argument-type"),
    "a label of many parts": (network(f"output x -> {'a.' * 200}b: Lineer(2)"), "unknown-name"),
    "megabytes of letters": ("a" * MILLIONS + "\n", "file"),
    "megabytes of lines": ("network Net {\n" + "\n" * MILLIONS, "file"),
    "megabytes of comment": ("# " + "c" * MILLIONS + "\n", "file"),
    "megabytes of quotes": ('"' * MILLIONS + "\n", "file"),
    "3000 errors": (network(*(f"a{i} = nothing{i}" for i in range(3000))), "unknown-name"),
    # what names parameters
    "a tie of different shapes": (network("output x -> a: Linear(8) -> b: Linear(4)", "tie a.weight = b.weight"), "shape-mismatch"),
    "an init that matches nothing": (network("output x -> a: Linear(8)", "init { b.* = zeros }"), "no-parameter"),
    "a freeze that matches nothing": (network("output x -> a: Linear(8)", "freeze b.*"), "no-parameter"),
    "a pattern of stars": (network(f"output x -> {'a' * 60}: Linear(8)", f"freeze {'*a' * 60}*b"), "no-parameter"),
    "a use of itself": ('use "net.net"\n' + network("output x -> Linear(8)"), "use"),
}  # fmt: skip


def _late(*_: object) -> None:
    raise TimeoutError


def _load_first() -> None:
    """What is imported or read once is nobody's bad input: the grammar, and torch for names that netc does not know."""
    import netc

    for end in ("Lineer(2)", "ReLU"):
        with contextlib.suppress(netc.NetError):
            netc.load(network(f"output x -> {end}"))


def measured() -> Iterator[dict[str, object]]:
    """For each case what netc says, the seconds of the processor, and the megabytes by which the process grew."""
    import netc

    _load_first()
    signal.signal(signal.SIGPROF, _late)
    for name, (text, code) in CASES.items():
        memory, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        codes, shown, placed = [], 0, False
        signal.setitimer(signal.ITIMER_PROF, 20)  # of the processor: what hangs is a `TimeoutError`, and the others are measured too
        try:
            netc.load(text)
        except netc.NetError as problem:
            signal.setitimer(signal.ITIMER_PROF, 0)
            codes, shown = [d.code for d in problem.diagnostics], len(str(problem))
            placed = all(d.span is not None for d in problem.diagnostics if d.code == code)
        except BaseException as crash:
            codes = [repr(crash)[:200]]
        signal.setitimer(signal.ITIMER_PROF, 0)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
        yield {"name": name, "codes": codes[:30], "shown": shown, "placed": placed, "seconds": time.process_time() - start,
               "megabytes": grown}  # fmt: skip


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for row in measured():
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
