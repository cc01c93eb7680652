"""The usual slips, a row each: what was written, what is wrong with it, what to write, and the repair where it is certain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

STATEMENT_WORDS = "input|target|output|loss|metric|layer|param|buffer|tie|init|freeze|assert|in|out"
W = r"[^\W\d]\w*"
DTYPE = r"(?:u?int|b?float|complex)\d+|bool"

# Signs that look or are meant like one of the language's, by what is written here.
CHARACTERS: dict[str, str] = {
    "⟶": "->", "➔": "->", "➜": "->", "➝": "->", "➞": "->", "⇒": "->", "⟹": "->", "⇨": "->", "►": "->", "▶": "->",
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "∗": "*", "⋅": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=",
    "∥": "||", "∣": "||", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "…": "...", "：": ":", "，": ",",
    "（": "(", "）": ")", "［": "[", "］": "]", "｛": "{", "｝": "}", "＝": "=", "＋": "+", "－": "-", "；": "",
    "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "",
    "\ufeff": "", "\u00ad": "", "\v": " ", "\f": " ",
}  # fmt: skip

# Words that open a statement elsewhere, and how netc writes it.
FOREIGN: dict[str, str] = {
    "def": "a function is written `fn f(x) = …`, a layer made of others `block Name(width) = { … }`",
    "class": "a network is written `network Name { … }`, a layer made of others `block Name(width) = { … }`",
    "for": "layers are repeated with `repeat 3 { … }` or `repeat i in 0..3 { … }`, inside a pipeline",
    "while": "layers are repeated with `repeat 3 { … }`, inside a pipeline",
    "return": "a network says `output p`, a block `out y`",
    "import": "another file is used with `use \"blocks.net\"`, at the top; PyTorch's layers are there already",
    "from": "another file is used with `use \"blocks.net\"`, at the top; PyTorch's layers are there already",
    "let": "a value is named with `h = …` alone", "var": "a value is named with `h = …` alone",
    "val": "a value is named with `h = …` alone", "const": "a value is named with `h = …` alone",
    "if": "`if` is part of a value: `h = if deep { x -> Linear(8) } else { x }`",
    "elif": "write `else if c { … }`", "else": "`else` follows the `}` of its `if { … }`",
    "repeat": "`repeat` is part of a pipeline: `h = x -> repeat 3 { … }`",
    "residual": "`residual` is part of a pipeline: `h = x -> residual { … }`",
    "raise": "a condition is checked with `assert width > 0, \"why\"`",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slip:
    """A row: a pattern that matches around the place where the parser stops. `{name}` in the texts is a group of the pattern.

    The group `at` is what the carets stand under and, with a `fix`, what is replaced (else the whole match). `needs` are
    terminals that the parser would take there, `kinds` the places where the row counts; with `here` the parser stops within `at`.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str = ""
    fix: str | None = None
    needs: str = ""
    kinds: tuple[str, ...] = ()
    here: bool = False


def row(pattern: str, message: str, hint: str = "", fix: str | None = None, **more: Any) -> Slip:
    """A row whose pattern is a text."""
    return Slip(re.compile(pattern), message, hint, fix, **more)


NETWORK, BODY = ("network",), ("network", "block")

SLIPS: tuple[Slip, ...] = (
    row(r"^(?P<word>data|train)[ \t]*(?P<at>=)\s*\{[\s\S]*", "a section has no `=` before its brace", "write `{word} { … }`", "",
        kinds=("item",)),
    row(r"^(?P<at>missing)[ \t]*=?[ \t]*\{[\s\S]*", "what is missing in single columns is said of a `group` of them",
        "write `group age, \"sale price\" { missing = median }`", kinds=("data",)),
    row(r"^(?P<at>normalize(?:_target)?)[ \t]*=?[ \t]*\{[\s\S]*", "how single columns are scaled is said of a `group` of them",
        "write `group age, \"sale price\" { {at} = minmax }`", kinds=("data",)),
    row(r"^group[ \t]+(?:[^{\n]*,[ \t]*)?(?P<at>[^\W\d]\w*(?:[ \t]+\w+)+)[ \t]*[,{]", "the name of a column with blanks stands in quotes",
        fix='"{at}"', kinds=("data",)),
    row(r"^metrics[ \t]*=[ \t]*(?P<at>[a-z]\w*(?:[ \t]*,[ \t]*[a-z]\w*)+)[ \t]*$", "several metrics stand in a list",
        "write `metrics = [{at}]`", "[{at}]",
        kinds=("train",)),
    # signs and words of other languages
    row(r"\blambda\b[^\n]*", "there is no `lambda`", "a function is written `fn f(x) = …`, outside of the network"),
    row(r"(?P<at>\bself\.)[^\n]*", "there is no `self`", "layers get labels where they are used: `x -> hidden: Linear(8)`"),
    row(r"\bif\b[^{}\n]*?(?P<at>\|\||‖)", "`or` is the word between conditions", fix="or", here=True),
    row(r"\bif\b[^{}\n]*?[^=!<>{}\n](?P<at>=)(?!=)", "two values are compared with `==`", fix="==", here=True),
    row(r"\bif\b[^{}\n]*?(?P<at>:)", "the choices of an `if` stand in braces", "write `if c { a } else { b }`", here=True),
    row(r"“(?P<text>[^“”\"\r\n]*)[”“]|„(?P<text2>[^“”\"\r\n]*)[”“]", "strings stand in plain quotes", fix='"{text}{text2}"'),
    row(r"(?P<at>-->|==>|=>|~>|\|>|>>|-[ \t]+>|[–—−=][ \t]*>|→>|-→|->>)", "`{at}` is no arrow", "a value is sent on with `->`", "->"),
    row(r"^(?P<at>=)", "a name is missing before the `=`", "write `h = …`", kinds=BODY),
    row(r"\n[ \t]*(?P<at>>|-|=)(?=[ \t]*[^\W\d])", "`{at}` is no arrow", "a line that goes on begins with `->` or `||`", "->"),
    row(rf"(?<![-<=>])(?P<at>[->])[ \t]*[\w.]+[ \t]*:(?=[ \t]*{W})", "`{at}` is no arrow", "a value is sent on with `->`", "->"),
    row(r"(?P<at>&&)", "`and` is the word for `&&`", fix="and"),
    row(r"(?P<at>~[ \t]*(?P<name>[\w.]+))(?![\w(\[])", "`~` has no meaning here", "of tensors it is `logical_not`", "logical_not({name})"),
    row(r"(?P<at>!)(?!=)[ \t]*", "`not` is the word for `!`", "of tensors it is `logical_not(…)`", "not "),
    row(r"(?P<at>\^)", "the power is written `**`", fix="**"),
    row(r"(?P<at><>)", "`<>` is written `!=`", fix="!="),
    row(r"(?<!\|)(?P<at>\|)(?!\|)", "`|` alone has no meaning", "branches are separated by `||`, as in `(A || B)`", "||"),
    row(r"\|\|(?P<at>\|+)", "branches are separated by `||`", fix=""),
    row(rf"^(?P<name>{W})[ \t]*(?P<at>:=|<-|==|:[ \t]*=)", "a value is named with `=`, as in `{name} = …`", fix="="),
    row(rf"^(?P<name>{W})[ \t]*(?P<at>[-+*/]=)", "`{at}` has no meaning here",
        "a value gets its name once; give the new one a name of its own"),
    row(r"(?P<at>;)[ \t]*$", "a statement ends with its line, without `;`", fix=""),
    row(r"(?P<at>;[ \t]*)(?=[^\s;])", "each statement has a line of its own", "a `;` separates rules of an `init` or `group`", "\n  "),
    row(r"^(?:init|group)\b[^{]*\{(?:[^{}(),]|\([^()]*\)|,(?![ \t]*[\w.*?]+[ \t]*=))*?(?P<at>,)(?=[ \t]*[\w.*?]+[ \t]*=)",
        "what stands in the braces of an `init` or `group` is separated by `;`", fix=";", here=True),
    row(rf"(?P<at>,[ \t]*)(?={W}[ \t]*=(?!=))", "each setting has a line of its own", fix="\n  ", kinds=("data", "train"), here=True),
    row(r"(?P<at>,)[ \t]*$", "a statement ends with its line, without `,`", fix="", kinds=("network", "block", "data", "train")),
    row(r"(?P<at>\?)[^:\n]*:", "a choice is written `if c { a } else { b }`"),
    row(r"(?P<number>\d{1,3}(?:_\d{3})+)\b", "numbers are written without `_`"),
    # declarations
    row(rf"^(?P<at>{W})[ \t]*:[ \t]*(?:{DTYPE}[ \t]*)?\[", "a word is missing before `{at}`", "write `input {at}: [B, 5]`", kinds=NETWORK),
    row(rf"^(?P<at>{W})[ \t]*:[ \t]*(?:{DTYPE}[ \t]*)?\[", "a word is missing before `{at}`", "write `in {at}: [B, 5]`", kinds=("block",)),
    row(rf"^layer[ \t]+{W}(?P<at>[ \t]*:)", "the name of a `layer` is followed by `=`", "write `layer tower = Linear(8)`", " ="),
    row(r"^(?:loss|metric)[ \t]+(?P<name>[A-Z]\w*)(?P<at>[ \t]+)", "arguments stand in brackets: `{name}(…)`", here=True),
    row(rf"^(?P<kind>input|target|in)[ \t]+(?P<name>{W})[ \t]*(?P<at>=)(?=[ \t]*(?:{W}[ \t]*)?\[)",
        "a `:` stands between the name and the shape", "write `{kind} {name}: [B, 5]`", ":"),
    row(rf"^(?P<kind>input|target|in)[ \t]+(?P<name>{W})(?P<at>)[ \t]*(?=(?:{W}[ \t]*)?\[)",
        "a `:` stands between the name and the shape", "write `{kind} {name}: [B, 5]`", ":"),
    row(rf"^(?P<kind>input|target)[ \t]*(?P<at>:)[ \t]*{W}[ \t]*[:=\[]", "the name stands between `{kind}` and the `:`",
        "write `{kind} x: [B, 5]`"),
    row(rf"^(?P<kind>input|target|in)[ \t]+{W}[ \t]*:[ \t]*(?:{DTYPE}[ \t]*)?(?P<at>\((?P<sizes>[^()\n]*)\))[ \t]*$",
        "a shape stands in `[ ]`", fix="[{sizes}]"),
    row(rf"^(?P<kind>input|target|in|param|buffer)[ \t]+{W}[ \t]*:[ \t]*(?P<at>)[^\[\]\n]*\]",
        "a shape stands in `[ ]`, and the `[` is missing", fix="["),
    row(rf"^(?P<kind>input|target|in)[ \t]+{W}[ \t]*:[ \t]*(?P<at>{W}[ \t]*\([^\n]*\)|[^\[\]\n]*)$",
        "a shape stands in `[ ]`", "write `{kind} x: [B, 5]`"),
    row(r"^(?P<kind>input|target)[ \t][^\n]*\](?P<at>[ \t]*,)", "each `{kind}` has a line of its own"),
    row(r"^(?P<at>input|target)\b[^\[\n]*", "`{at}` is followed by a name, `:` and a shape", "write `{at} x: [B, 5]`"),
    row(r"^(?P<kind>output|loss|metric|out|layer|tie|freeze|init|assert)[ \t]*(?P<at>:)", "`{kind}` is not followed by `:`", fix=""),
    row(rf"^(?P<at>(?P<kind>param|buffer)[ \t]+{W}[ \t]*:[^\n=]*\])[ \t]*$", "a `{kind}` says what it begins with",
        "write `{at} = zeros`, or `= normal(std=0.02)`"),
    row(r"^(?P<kind>param|buffer)[ \t]", "a `{kind}` has a name, a shape and what it begins with",
        "write `{kind} scale: [8] = ones`"),
    # values and labels
    row(r"(?P<name>\bresidual)(?P<at>[ \t]+)(?=[^\s{=,)])", "what a `{name}` does stands in braces",
        "write `residual { Linear(8) -> ReLU }`",
        here=True),
    row(rf"(?:->|→|\|\||‖|\(|\{{)\s*(?P<name>(?!(?:if|else|repeat|residual)\b){W})[ \t]*(?P<at>=)(?!=|[ \t]*\()",
        "a label is followed by `:`, as in `{name}: Linear(8)`", "`=` names a value, at the start of a line", ":", here=True),
    row(rf"^(?P<name>{W})(?P<at>[ \t]*:)(?!:)", "a value is named with `=`, as in `{name} = …`",
        "`:` stands behind the label of a layer, inside a pipeline", " =", needs="EQUAL", kinds=BODY),
    row(rf"^(?P<name>{W})(?P<at>[ \t]*:)", "a setting is given with `=`, as in `{name} = …`", fix=" =", kinds=("data", "train")),
    row(r"(?P<at>\b(?:residual|repeat|if|else))[ \t]*:", "`{at}` is a word of the language, and cannot be a label",
        "write `residual { … }`, `repeat 3 { … }`, `if c { a } else { b }`, with a label before it if need be: `tail: residual { … }`"),
    row(r"^(?P<at>and|or|not|true|false|none|if|else|repeat)[ \t]*(?:=|,)", "`{at}` is a word of the language, and cannot name a value"),
    row(r"^(?P<at>->|→)", "nothing stands before this `{at}`", "a pipeline begins with a value: `h = x -> Linear(8)`"),
    row(r"(?P<at>\|\||‖)", "branches stand in brackets: `(A || B)`", "`or` is the word between conditions", here=True),
    row(r"(?P<at>\bif)\b[^{}\n]*\belse\b", "a choice is written `if c { a } else { b }`", needs="_ARROW"),
    row(r"\}\s*(?P<at>elif)\b", "`elif` is written `else if`", fix="else if"),
    row(rf"(?P<at>\b(?!in\b)(?:{STATEMENT_WORDS}))[ \t]+[\w\[(]", "each statement has a line of its own", fix="\n  {at}",
        kinds=BODY, here=True),
    row(rf"(?:->|→|\|\||‖|\(|\{{)\s*(?P<name>{W})(?P<at>[ \t]+)(?=[A-Z]\w*)", "a `:` is missing behind the label `{name}`", fix=": ",
        needs="_ARROW", here=True),
    row(rf"(?P<name>\b{W})(?P<at>[ \t]+)(?=[^()\n]*\))", "a `(` is missing behind `{name}`", fix="(", needs="LPAR STRAY", here=True),
    row(r"\b\d+(?P<at>[ \t]+)(?=[^\W\d]\w*(?![ \t]*=))", "a `,` or an operator is missing here", needs="COMMA", here=True),
    row(r"(?<=[\w)\]}\"'])(?P<at>[ \t]+)(?=[\w(\"'\[])", "a `,` or a `=` is missing here", needs="COMMA EQUAL RPAR", here=True),
    row(r"(?<=[\w)\]}\"'])(?P<at>(?P<blank>\s+))(?=[\w(\"'\[])", "a `,` is missing here", fix=",{blank}", needs="COMMA RPAR", here=True),
    row(r"(?<=[\w)\]}\"'])(?P<at>(?P<blank>\s+))(?=[\w(\"'\[])", "a `,` is missing here", fix=",{blank}", needs="COMMA RSQB", here=True),
    row(r"(?P<at>(?P<name>\b[A-Z]\w*)[ \t]+(?P<value>\d[\w.]*))(?=\s*(?:->|→|\|\||‖|[)}\]]|$))",
        "arguments stand in brackets: `{name}({value})`", fix="{name}({value})", needs="_ARROW"),
    row(r"(?P<name>\b[A-Z]\w*)(?P<at>[ \t]*\{)", "arguments stand in `( )`: `{name}(…)`", needs="_ARROW"),
    row(rf"(?<=[\w)\]}}\"'])\s+(?P<at>)(?=[\w.]+[ \t]*:[ \t]*(?:{W}|\{{))", "a `->` is missing before this label", fix="-> ",
        needs="_ARROW"),
    # statements
    row(rf"^(?P<name>{W})(?P<at>[ \t]+)(?:{W}[ \t]*,[ \t]*)*{W}[ \t]*=", "names on the left are separated by `,`", fix=", ",
        needs="EQUAL", kinds=BODY),
    row(rf"^(?P<name>{W})(?P<at>[ \t]+)(?={W}(?![ \t]*=)|\()", "a `=` is missing behind `{name}`", fix=" = ", needs="EQUAL",
        here=True, kinds=BODY),
    row(rf"^(?P<name>{W})(?P<at>[ \t]+)(?!{W}[ \t]*=)", "a `=` is missing behind `{name}`", fix=" = ", here=True, needs="EQUAL",
        kinds=("data", "train")),
    row(r"^(?P<at>[a-z]\w*)\s*(?:->|→|[-+*/@%\[])", "this value gets no name", "write `name = {at} …`, or `output {at} …`",
        needs="EQUAL", kinds=NETWORK),
    row(r"^(?P<at>[a-z]\w*)\s*(?:->|→|[-+*/@%\[])", "this value gets no name", "write `name = {at} …`, or `out {at} …`",
        needs="EQUAL", kinds=("block",)),
    row(r"^(?P<at>[A-Z]\w*)\b", "a statement does not begin with a layer", "send it a value: `h = x -> {at}…`", needs="EQUAL",
        kinds=NETWORK),
    row(r"^(?P<at>[A-Z]\w*)\b", "a statement does not begin with a layer",
        "a block of one pipeline has `=` before its brace: `block Name = { {at} … }`", needs="EQUAL", kinds=("block",)),
    row(rf"^(?P<at>{W}(?:\.\w+)*\()", "a statement begins with a name and `=`, or with a word such as `output`",
        "write `h = …` to name the value", needs="EQUAL", kinds=BODY),
    # items
    row(r"(?P<name>\b(?:repeat|residual)\b)[^{}\n]*", "what a `{name}` does stands in braces", "write `repeat 3 { Linear(8) -> ReLU }`",
        needs="LBRACE NOVALUE"),
    row(r"^use[ \t]+(?P<at>[^\"'\s]+)", "the name of a file stands in quotes", fix='"{at}"', kinds=("item",)),
    row(r"^(?P<word>network|block|fn)[ \t]*(?P<at>)(?=[({=]|$)", "the `{word}` has no name", "write `{word} Name …`"),
    row(rf"^fn[ \t]+(?P<name>{W})[ \t]*(?P<at>)=", "a function has its parameters in brackets", "write `fn {name}(x) = …`"),
    row(rf"^fn[ \t]+(?P<name>{W})[ \t]*\([^()]*\)[ \t]*(?P<at>[{{:]|->)", "a function is one expression, behind `=`",
        "write `fn {name}(x) = …`"),
    row(rf"^fn[ \t]+(?P<name>{W})[ \t]*\([^()]*\)(?P<at>)[ \t]+", "a `=` is missing", "write `fn {name}(x) = …`", " ="),
    row(rf"(?P<name>\b{W})[ \t]*(?P<at>:)[ \t]*(?:{W}|[\d.]+)?", "a parameter is given as `{name} = …`", "it has a default, and no type",
        kinds=("head",)),
)  # fmt: skip


def filled(text: str, match: re.Match[str]) -> str:
    """A text of a row with the groups of its match."""
    groups = match.groupdict()
    return re.sub(r"\{(\w+)\}", lambda m: (groups[m[1]] or "") if m[1] in groups else m[0], text)
