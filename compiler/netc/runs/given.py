"""A file of rows for the model of a run, read and prepared exactly as the data of its training was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from netc.data.preprocessing import Applied, Preprocessing
from netc.data.sources import load_table
from netc.data.table import Table
from netc.diagnostics import error, listed
from netc.pipeline import Network
from netc.runs.folder import RECORD, Run
from netc.settings import Made


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of a file as the source gives them, what the training did to its data, and how a text file is written."""

    path: Path
    table: Table
    done: Preprocessing
    like: Made | None

    @property
    def delimiter(self) -> str:
        """What stands between the cells of a text file."""
        return str(self.like.values["delimiter"]) if self.like else "\t" if self.path.suffix.lower() == ".tsv" else ","

    def inputs(self) -> Applied:
        """What the network takes; what the file has for the targets is not looked at. Raises NetError."""
        return replace(self.done, targets=()).apply(self.table)

    def inputs_and_targets(self) -> Applied:
        """What the network and its losses take. Raises NetError, also where columns of the targets are missing."""
        absent = [name for fitted in self.done.targets for name in fitted.columns if name not in self.table.names]
        if absent:
            raise error("data", f"`{self.path.name}` has no column {listed(absent)} to compare the predictions with",
                        hint="`netc predict` needs none")  # fmt: skip
        return self.done.apply(self.table)


def given(run: Run, network: Network, path: Path) -> Given:
    """The rows of a file for the network of a run. Raises NetError where the file or the record of the run cannot be read."""
    run.check_ended()
    done = preprocessing_of(run)
    source = network.data.made("source") if network.data is not None else None
    is_alike = source is not None and source.recipe.name == "csv" and Path(source.values["file"]).suffix.lower() == path.suffix.lower()
    like = source if is_alike else None
    return Given(path, load_table(path, done, like), done, like)


def preprocessing_of(run: Run) -> Preprocessing:
    """What the training did to its data, of the run's record. Raises NetError."""
    try:
        return Preprocessing.from_record(run.record["preprocessing"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise error("file", f"`{run.path / RECORD}` does not say what was done to the data",
                    hint="a training writes it at its end; `netc train --resume` ends one") from None  # fmt: skip
