"""From a source to arrays: what a table goes through before a network sees it, in this order.

- ``sources``: any source, told apart; ``images``, ``sounds`` and ``texts`` are read by packages of their own.
- ``folder``, ``files``: which files of a kind a folder holds; reading many, and what becomes of broken ones.
- ``series``: a table of regular times as windows of the past, by a package of its own.
- ``read``: a file or the name of a bundled data set becomes a DataFrame, with notes.
- ``encodings``, ``letters``: bytes as text; one form for texts that look alike.
- ``numerals``, ``dates``, ``alike``: how people write numbers and dates, and which spellings are one value.
- ``headers``: a second line of column names, of units.
- ``reading``, ``frames``: the cells of a table, read by what all of them say; repeated on later tables.
- ``cells``: what one column holds, whatever its type; the rules shared by all the others.
- ``columns``: what each column is, and which are left out.
- ``targets``: which column is predicted, the task it sets, labels and standardized values.
- ``goals``: columns that one head of a network predicts, as the data has them and as the network sees them.
- ``codes``: rows of codes, for estimators whose first layer is an embedding.
- ``splits``: which rows train, validate and test.
- ``copies``: which columns say the target alone.
- ``canonical``: weights become copies of rows, and rows get a fixed order.
- ``encoding``: learned from the training rows, turns any rows into float32 numbers and int32 codes.
"""

from phalanx.data.columns import Column, infer_columns
from phalanx.data.encoded import Encoded
from phalanx.data.goals import Goal, each_column
from phalanx.data.read import BUNDLED, Source, load_source, read_table
from phalanx.data.reading import Reading
from phalanx.data.splits import Split, split_rows
from phalanx.data.targets import (
    ClassTarget,
    NumberTarget,
    Task,
    check_target,
    holds_whole_numbers,
    infer_task,
    target_present,
)

__all__ = [
    "BUNDLED",
    "ClassTarget",
    "Column",
    "Encoded",
    "Goal",
    "NumberTarget",
    "Reading",
    "Source",
    "Split",
    "Task",
    "check_target",
    "each_column",
    "holds_whole_numbers",
    "infer_columns",
    "infer_task",
    "load_source",
    "read_table",
    "split_rows",
    "target_present",
]
