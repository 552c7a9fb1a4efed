"""Input that cannot be used: exit status 2, one line that says what, where, and what to do, and nothing written."""

import numpy as np
import pytest

from phalanx.data.read import BUNDLED
from phalanx.kinds.images.file import SUFFIXES


def replace_line(lines, number, line):
    return "\n".join([*lines[: number - 1], line, *lines[number:]]) + "\n"


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("bad")
    lines = table.to_csv(index=False).splitlines()
    texts = {
        "good.csv": "\n".join(lines) + "\n",
        "empty.csv": "",
        "header.csv": "a,b,y\n",
        "one.csv": "a,b,y\n1,2,yes\n",
        "long_row.csv": replace_line(lines, 6, lines[5] + ",7"),
        "short_row.csv": replace_line(lines, 8, "1.0,2"),
        "sheet.xlsx": "",
        "tables/inside.csv": "a,y\n1,yes\n",
        "nothing/notes.md": "no table",
        "negative.yaml": "layers: [{Dense: {units: 8}}, {Dropout: {rate: -0.1}}]",
        "misspelt_option.yaml": "trails: 3",
        "misspelt_part.yaml": "layers: [{Dens: {units: 8}}]",
        "misspelt_field.yaml": "layers: [{Dense: {unit: 8}}]",
        "no_yaml.yaml": "a: [1, 2",
        "list.yaml": "- 1",
        "types.yaml": "source: [1]",
        "heads.yaml": "likelihood: {Joint: {heads: [{Head: {likelihood: Gaussian}}, {Head: {likelihood: Bernoulli}}]}}",
        "after.yaml": "likelihood: {Joint: {heads: [{Head: {likelihood: Bernoulli, after: dense_9}}]}}\n"
        "layers: [{Dense: {units: 8}}]",
        "of_other.yaml": "likelihood: {Joint: {heads: [{Head: {likelihood: Bernoulli, targets: [z]}}]}}",
        "endless.yaml": "stopping: null",
        "bootstrap.yaml": "bootstrap: 3",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "binary.csv").write_bytes(np.random.default_rng(0).bytes(5000))
    made = {
        "constant": table.assign(y="yes"),
        "constant_number": table.assign(y=3.5),
        "missing": table.assign(y=np.nan),
        "dates": table.assign(y="2020-01-01"),
        "all_different": table.assign(y=[f"name {i}" for i in range(len(table))]),
        "only_target": table[["y"]],
        "counts": table.assign(n=np.arange(60) % 7, f=np.arange(60) % 7 / 2, low=np.arange(60) % 7 - 1),
        "apart": table.assign(
            b=np.where(table.index % 2, table.b, np.nan), a=np.where(table.index % 2, np.nan, table.a)
        ),
        "infinite": table.assign(a=np.where(table.index == 4, np.inf, table.a)),
        # the rows that have no target count too
        "infinite_below": table.assign(
            y=np.where(table.index < 3, None, table.y), a=np.where(table.index == 4, -np.inf, table.a)
        ),
    }
    for name, frame in made.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


NOTHING = "there is nothing to predict; choose another target"
CASES = [
    (
        "",
        "no source given: name a table such as data.csv, a folder of images, sounds or texts, or one of "
        f"{' '.join(BUNDLED)}",
    ),
    ("goood.csv", "no such file: 'goood.csv'; did you mean 'good.csv'?"),
    ("digit", "no such file: 'digit'; did you mean 'digits'?"),
    (
        "nothing",
        f"'nothing' holds no images ({', '.join(SUFFIXES)})",
    ),
    ("tables", "'tables' is a folder; did you mean 'tables/inside.csv'?"),
    ("empty.csv --target y", "'empty.csv' is empty"),
    ("header.csv --target y", "'header.csv' holds column names only, no rows"),
    ("sheet.xlsx --target y", "'sheet.xlsx' is not a kind of table that can be read (.csv, .tsv, .parquet)"),
    ("good.csv", "no target given: name the column to predict, likely 'y'"),
    ("good.csv --target Y", "no column 'Y' for the target; did you mean 'y'?"),
    ("good.csv --target price", "no column 'price' for the target; there are 'a', 'b', 'c', 'y'"),
    ("constant.csv --target y", f"target 'y' has one class only, 'yes': {NOTHING}"),
    ("constant_number.csv --target y", f"target 'y' is always 3.5: {NOTHING}"),
    ("missing.csv --target y", "target 'y' has no value in any row; choose another target or table"),
    ("dates.csv --target y", "target 'y' holds dates, which are neither classes nor numbers; choose another target"),
    (
        "all_different.csv --target y",
        "no row is left for the test part, since each of 60 classes needs one to train on; "
        "choose a target of fewer classes, or of numbers to regress",
    ),
    (
        "one.csv --target y",
        "one.csv: 1 row that has a target is too few; there must be at least 2 to train on, 1 to validate on, "
        "1 to test on",
    ),
    ("long_row.csv --target y", "line 6 of 'long_row.csv' has 5 cells, but the header has 4 (comma separated)"),
    ("short_row.csv --target y", "line 8 of 'short_row.csv' has 2 cells, but the header has 4 (comma separated)"),
    ("binary.csv --target y", "'binary.csv' is not a text file, though it is named .csv: it holds zero bytes"),
    (
        "infinite.csv --target y",
        "column 'a' holds an infinite value in row 5; correct it or leave the cell empty",
    ),
    (
        "infinite_below.csv --target y",
        "column 'a' holds an infinite value in row 5; correct it or leave the cell empty",
    ),
    ("only_target.csv --target y", "only_target.csv has no column left to learn from besides the target 'y'"),
    (
        "good.csv --target y --ignore a --ignore b --id c",
        "good.csv has no column left to learn from besides the target 'y'",
    ),
    ("good.csv --target y --trials -3", "trials is -3, but must be a whole number from 1 to 100,000"),
    ("good.csv --target y --minutes nan", "minutes is nan, but must be a number above 0"),
    ("good.csv --target y --minutes inf", "minutes is inf, but must be a number above 0"),
    ("good.csv --target y --minutes -1", "minutes is -1.0, but must be a number above 0"),
    ("good.csv --target y --seed x", "Invalid value for '--seed': 'x' is not a whole number"),
    ("good.csv --target y --seed -1", "seed is -1, but must be a whole number from 0 to 4,294,967,295"),
    ("good.csv --target y --test 1.5", "test is 1.5, but must be a number at least 0 and below 1"),
    ("good.csv --target y --test 20%", "test is '20%', but must be a share of the rows, such as 0.2, or a source"),
    ("good.csv --target y --test qqqqq.csv", "no such file: 'qqqqq.csv'"),
    ("good.csv --target y --test header.csv", "'header.csv' holds column names only, no rows"),
    ("good.csv --target y --test tables/inside.csv", "tables/inside.csv: the table lacks the columns 'b', 'c'"),
    ("good.csv --target a --test only_target.csv", "only_target.csv: no column 'a' for the target; there are 'y'"),
    ("good.csv --target y --valid 0", "valid is 0.0, but must be a number above 0 and below 1"),
    ("good.csv --target y --ignore q", "no column 'q' for --ignore; there are 'a', 'b', 'c', 'y'"),
    ("good.csv --target y --id y", "id names the target 'y'; give another column"),
    ("good.csv --target y --group q", "no column 'q' for --group; there are 'a', 'b', 'c', 'y'"),
    ("good.csv --target y --task guess", "task is 'guess', but must be one of classify, regress"),
    (
        "good.csv --target y --task regress",
        "column 'y' must hold numbers, but row 1 holds 'yes'; --task classify predicts classes",
    ),
    (
        "good.csv --target y --metric rmse",
        "metric rmse is for regression, but this is classification; "
        "use one of accuracy, balanced_accuracy, f1, log_loss, roc_auc, average_precision",
    ),
    ("good.csv --target y --metric acuracy", "metric: unknown metric `acuracy`; did you mean `accuracy`?"),
    (
        "good.csv --target y --likelihood gaussian",
        "likelihood gaussian does not fit a target of 2 classes (y); use bernoulli",
    ),
    (
        "good.csv --target y --likelihood gausian",
        "likelihood: unknown likelihood `gausian`; did you mean `gaussian`?",
    ),
    (
        "good.csv --target y --likelihood hetero-gausian",
        "likelihood: unknown likelihood `hetero-gausian`; did you mean `heteroscedastic_gaussian`?",
    ),
    (
        "counts.csv --target n --likelihood poisson --task classify",
        "--task classify contradicts likelihood poisson, which is of counts; leave one of the two out",
    ),
    (
        "counts.csv --target n --likelihood multinoulli --task regress",
        "--task regress contradicts likelihood multinoulli, which is of classes; leave one of the two out",
    ),
    (
        "counts.csv --target f --likelihood poisson",
        "target 'f' holds 1.5, but counts are 0, 1, 2, ...; use another likelihood",
    ),
    (
        "counts.csv --target low --likelihood poisson",
        "target 'low' holds -1, but counts are 0, 1, 2, ...; use another likelihood",
    ),
    (
        "counts.csv --target f --likelihood multinoulli",
        "likelihood multinoulli does not fit a target of numbers (f); use gaussian",
    ),
    ("good.csv --target y --target y", "target names 'y' 2 times; once is enough"),
    ("good.csv --target y --target a --ignore a", "ignore names the target 'a'; give another column"),
    ("good.csv --target y --target a --id a", "id names the target 'a'; give another column"),
    ("good.csv --target y --target a --group a", "group names the target 'a'; give another column"),
    ("good.csv --target y --target A", "no column 'A' for the target; did you mean 'a'?"),
    (
        "good.csv --target y --target a --task regress",
        "column 'y' must hold numbers, but row 1 holds 'yes'; --task classify predicts classes",
    ),
    (
        "good.csv --target a --target b --target c --target y",
        "good.csv has no column left to learn from besides the targets 'a', 'b', 'c', 'y'",
    ),
    (
        "apart.csv --target a --target b",
        "apart.csv: 0 rows that have every target are too few; there must be at least 2 to train on, "
        "1 to validate on, 1 to test on",
    ),
    (
        "good.csv --target y --target a --metric accuracy",
        "metric: unknown metric `accuracy`; did you mean `y.accuracy`?",
    ),
    (
        "good.csv --target y --target c --likelihood multinoulli",
        "the likelihood has 1 head for 2 targets; give a Joint with a head for each",
    ),
    (
        "good.csv --target y --config heads.yaml",
        "Joint has 2 heads for the target y; each target needs one head",
    ),
    (
        "good.csv --target y --target c --config heads.yaml",
        "likelihood gaussian does not fit a target of 2 classes (y); use bernoulli",
    ),
    (
        "good.csv --target y --config of_other.yaml",
        "Head: targets: unknown target `z`; known: y",
    ),
    (
        "good.csv --target y --config after.yaml",
        "Head: after: unknown layer `dense_9`; did you mean `dense_1`?",
    ),
    ("good.csv --target y --refit twice", "refit is 'twice', but must be one of steps, continue, none"),
    (
        "good.csv --target y --refit steps --config endless.yaml",
        "refit is 'steps', which needs early stopping to say how long; set stopping",
    ),
    ("good.csv --target y --samples -1", "samples is -1, but must be a whole number from 0 to 2,147,483,647"),
    ("good.csv --target y --config bootstrap.yaml", "bootstrap.yaml: bootstrap is 3, but must be true or false"),
    ("good.csv --target a --vote", "vote is for classes, but every target holds numbers; leave it out"),
    ("good.csv --target y --design sobl", "design is 'sobl', but must be one of random, sobol, grid"),
    ("good.csv --target y --out nothing", "nothing exists already; choose another --out, or remove it first"),
    (
        "good.csv --target y --out good.csv/run",
        "good.csv/run cannot be made: Not a directory; choose another --out",
    ),
    ("good.csv --target y --config gone.yaml", "gone.yaml: no such file"),
    (
        "good.csv --target y --config negative.yaml",
        "negative.yaml: layers, item 2: Dropout: rate is -0.1, but must be at least 0 and below 1",
    ),
    (
        "good.csv --target y --config misspelt_option.yaml",
        "misspelt_option.yaml: unknown option `trails`; did you mean `trials`?",
    ),
    (
        "good.csv --target y --config misspelt_part.yaml",
        "misspelt_part.yaml: layers, item 1: unknown part `Dens`; did you mean `Dense`?",
    ),
    (
        "good.csv --target y --config misspelt_field.yaml",
        "misspelt_field.yaml: layers, item 1: Dense: unknown field `unit`; did you mean `units`?",
    ),
    (
        "good.csv --target y --config list.yaml",
        "list.yaml: should be a map of options, such as `target: price`",
    ),
    ("--target y --config types.yaml", "types.yaml: source is [1], but must be text"),
]


@pytest.mark.parametrize(("words", "error"), CASES, ids=[words for words, _ in CASES])
def test_one_line_and_nothing_written(in_folder, bad_folder, words, error):
    before = sorted(bad_folder.rglob("*"))
    assert in_folder(bad_folder, "train", *words.split()) == (2, "", f"error: {error}\n")
    assert sorted(bad_folder.rglob("*")) == before


def test_what_is_not_yaml(in_folder, bad_folder):
    ended = in_folder(bad_folder, "train", "good.csv", "--target", "y", "--config", "no_yaml.yaml")
    assert ended.status == 2
    assert ended.err.startswith("error: no_yaml.yaml: not valid YAML: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("predict gone good.csv", "no such run folder: 'gone'"),
        ("predict good.csv good.csv", "good.csv is not a run folder"),
        ("predict gone good.csv --level 1", "level is 1.0, but must be a number above 0 and below 1"),
        ("predict gone good.csv --level nan", "level is nan, but must be a number above 0 and below 1"),
        ("evaluate nothing good.csv", "nothing is not a run folder: model/model.json is missing"),
    ],
)
def test_runs_that_are_none(in_folder, bad_folder, words, error):
    assert in_folder(bad_folder, *words.split()) == (2, "", f"error: {error}\n")
