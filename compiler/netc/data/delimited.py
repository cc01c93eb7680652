"""CSV: two passes over the file, the first to find the types of the columns, the second to read them.

Neither holds more than a few blocks of the file in memory.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as pacsv

from netc.data.arrow import columns_of, pc, unusable
from netc.data.columns import EMPTY, Columns
from netc.data.table import Table
from netc.diagnostics import NetError, count_of, error
from netc.ops.op import value_text
from netc.source import Span

BLOCK = 2**20  # bytes that are read at a time; Arrow holds some dozens of them
NUMBER = r"^\s*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|[iI]nf(inity)?)\s*$"
TYPES = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.dictionary(pa.int32(), pa.string())}
LOOKED_AT = 100_000  # texts of a column among which numbers are looked for


@dataclass(frozen=True, slots=True)
class Format:
    """How the file is written."""

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf8"
    decimal: str = "."


def read(path: Path, form: Format, span: Span, kinds: Mapping[str, str]) -> Table:
    """The table of a CSV file. Raises NetError `data` with the line where it cannot be read."""
    names = _header(path, form, span)
    first_line = 2 if form.header else 1
    try:
        guesses = [_Guess("text" if kinds.get(name) == "category" else "bool") for name in names]
        rows = 0
        for batch in _batches(path, form, names, dict.fromkeys(names, pa.string())):
            for guess, array in zip(guesses, batch.columns, strict=True):
                guess.look(array, rows, form.decimal)
            rows += len(batch)
        if not rows:
            raise error("data", f"`{path.name}` has a header and no rows" if form.header else f"`{path.name}` has no rows", span)
        told = {n: TYPES["float"] for n, g in zip(names, guesses, strict=True) if n in kinds and not g.count and not g.is_told}
        others = {n: c for n, g in zip(names, guesses, strict=True) if n not in told and (c := g.unusable(n, first_line)) is not None}
        types = {n: pa.null() if n in others else told.get(n, TYPES[g.kind]) for n, g in zip(names, guesses, strict=True)}

        def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
            return _batches(path, form, names, types, columns)

        size = path.stat().st_size
        parts = columns_of(pa.schema(list(types.items())), batches, rows, size, kinds)
    except (pa.ArrowException, UnicodeDecodeError) as e:
        raise _explained(e, path, form, len(names), span) from e
    if any("\n" in text for part in parts for text in part.categories) and (quote := _open_quote(path, form, span)):
        raise quote
    return Table(tuple(others.get(part.names[0], part) for part in parts), (), span, first_line)


def _batches(
    path: Path, form: Format, names: Sequence[str], types: Mapping[str, pa.DataType], columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    reading = pacsv.ReadOptions(block_size=BLOCK, encoding=form.encoding, column_names=list(names), skip_rows=int(form.header))
    parsing = pacsv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True)
    converting = pacsv.ConvertOptions(column_types=dict(types), strings_can_be_null=True, decimal_point=form.decimal,
                                      include_columns=list(columns) if columns is not None else None)  # fmt: skip
    with pacsv.open_csv(path, reading, parsing, converting) as reader:
        yield from reader


def _header(path: Path, form: Format, span: Span) -> list[str]:
    """The names of the columns; numbered ones where the file gives none."""
    if len(form.delimiter) != 1 or len(form.decimal) != 1:
        raise error("data", "`delimiter` and `decimal` are one character each", span, 'e.g. `delimiter=";"`')
    try:
        with path.open(encoding="utf-8-sig" if form.encoding in ("utf8", "utf-8") else form.encoding, newline="") as file:
            first = next(csv.reader(file, delimiter=form.delimiter), [])
    except LookupError:
        raise error("data", f"there is no encoding `{form.encoding}`", span, 'e.g. `encoding="latin1"`') from None
    except (UnicodeDecodeError, csv.Error) as e:
        raise _explained(e, path, form, 0, span) from e
    if not form.header:
        return [f"x{i}" for i in range(len(first))]
    other = next((mark for mark in ";\t|" if len(first) == 1 and mark in first[0]), None)
    if other is not None:
        message = f"`{path.name}` has a single column, `{first[0].strip()}`, as its values are not separated by `{form.delimiter}`"
        raise error("data", message, span, f"write `delimiter={value_text(other)}`".replace("\t", "\\t"))
    names = [name.strip() or f"column{i}" for i, name in enumerate(first)]
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise error("data", f"`{path.name}` has more than one column `{twice}`", span, "each column needs a name of its own")
    if not names:
        raise error("data", f"`{path.name}` begins with an empty line", span, "the first line has the names of the columns")
    return names


# --- types --------------------------------------------------------------------------------------------------------


class _Guess:
    """The narrowest type that all values of a column have: bool, int, float or text."""

    def __init__(self, kind: str) -> None:
        self.kind, self.is_told = kind, kind == "text"
        self.count = self.numbers = 0  # values that are not missing, and those that are numbers
        self.first: tuple[int, str] | None = None  # the row and text of the first that is no number
        self.says_yes_or_no = True  # whether all are true or false, in words or as 1 and 0

    def look(self, array: pa.StringArray, row: int, decimal: str) -> None:
        """Goes on with the values of a batch that begins with that row."""
        count = len(array) - array.null_count
        if not count or self.is_told:
            self.count += count
            return
        texts = array if decimal == "." else pc.replace_substring(array, decimal, ".")
        self.says_yes_or_no = self.says_yes_or_no and _are_all(texts, "true", "false", "0", "1")
        if self.kind == "bool" and not _are_all(texts, "true", "false"):
            self.kind = "text" if self.count else "int"
        if self.kind == "int" and not _casts(texts, pa.int64()):
            self.kind = "float"
        if self.kind == "float" and not _casts(texts, pa.float64()):
            self.kind = "text"
            self.numbers = self.count
        if (self.kind == "text" and self.count < LOOKED_AT) or (self.first is None and self.kind == "text"):
            self._count_numbers(array, texts, row)
        self.count += count

    def _count_numbers(self, array: pa.StringArray, texts: Any, row: int) -> None:
        are = pc.fill_null(pc.match_substring_regex(texts, NUMBER), True)
        self.numbers += pc.sum(are).as_py() - array.null_count
        at = pc.index(are, False).as_py()
        if self.first is None and at >= 0:
            self.first = row + at, array[at].as_py()

    def unusable(self, name: str, first_line: int) -> Columns | None:
        """The column as one that cannot be used, if it is empty, or holds numbers but for some values."""
        if not self.count:
            return unusable(name, EMPTY, f'leave it out: `ignore = ["{name}"]`')
        if self.kind != "text" or self.is_told or self.first is None:
            return None
        row, text = self.first
        if self.says_yes_or_no:
            problem = f"holds true and false both in words and as 1 and 0, e.g. `{text}` in line {row + first_line}"
            return unusable(name, problem, "write all of them in one way")
        if self.numbers * 2 <= min(self.count, LOOKED_AT):
            return None
        problem = f"holds numbers, but `{text}` in line {row + first_line}"
        return unusable(name, problem, "correct it, or leave the place empty and say `missing = …`")


def _are_all(texts: Any, *words: str) -> bool:
    return bool(pc.all(pc.is_in(pc.utf8_lower(texts.drop_null()), pa.array(words))).as_py())


def _casts(texts: Any, kind: pa.DataType) -> bool:
    for values in (texts, None):
        try:
            pc.cast(pc.utf8_trim_whitespace(texts) if values is None else values, kind)
            return True
        except pa.ArrowInvalid:
            continue
    return False


# --- what is wrong with a file ------------------------------------------------------------------------------------


def _explained(e: Exception, path: Path, form: Format, columns: int, span: Span) -> NetError:
    """Why a file cannot be read, with the first line that is at fault."""
    encoding = "utf-8" if form.encoding == "utf8" else form.encoding
    with path.open("rb") as file:
        line = next((i for i, raw in enumerate(file, 1) if not _is_in(raw, encoding)), 0)
    if line:
        message = f"`{path.name}` is not written in {form.encoding}: line {line} cannot be read"
        with path.open("rb") as file:
            other = "utf16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "latin1"
        return error("data", message, span, f'say in what it is written, e.g. `encoding="{other}"`')
    if quote := _open_quote(path, form, span):
        return quote
    with suppress(csv.Error):
        for line, row in _rows(path, form):
            if row and len(row) != columns:
                message = f"line {line} of `{path.name}` has {count_of(len(row), 'value')}, and there are {count_of(columns, 'column')}"
                return error("data", message, span, f"values are separated by `{form.delimiter}`; one that contains it stands in quotes")
    return error("data", f"`{path.name}` cannot be read as CSV: {str(e).splitlines()[0]}", span)


def _rows(path: Path, form: Format) -> Iterator[tuple[int, list[str]]]:
    """The rows with the lines that they begin in."""
    with path.open(encoding="utf-8" if form.encoding == "utf8" else form.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=form.delimiter)
        line = 1
        for row in reader:
            yield line, row
            line = reader.line_num + 1


def _open_quote(path: Path, form: Format, span: Span) -> NetError | None:
    """Where a quote opens that nothing closes, or only the quote that should open the next text; None where all is well.

    A row of one line with such a slip is read as it stands, as a text may contain a quote.
    """
    lines = list[str]()  # of the row that is being read

    def kept(file: Iterator[str]) -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line

    start = 1
    with path.open(encoding="utf-8-sig" if form.encoding in ("utf8", "utf-8") else form.encoding, newline="") as file:
        reader = csv.reader(kept(file), delimiter=form.delimiter, strict=True)
        while True:
            try:
                if next(reader, None) is None:
                    return None
            except csv.Error as e:
                if len(lines) > 1 or "end of data" in str(e):
                    message = f"a quote opens in line {start + _opening(lines)} of `{path.name}` that is not closed"
                    return error("data", message, span, 'close it; a quote within a text is written twice, `""`')
            start += len(lines)
            lines.clear()


def _opening(lines: Sequence[str]) -> int:
    """The line of a row in which the first quote opens that is not closed in the same line."""
    return next((i for i, line in enumerate(lines) if line.count('"') % 2), 0)


def _is_in(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
