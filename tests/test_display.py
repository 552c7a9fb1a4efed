import io
import re
import time

from rich.console import Console

from phalanx.data import Column
from phalanx.display import Display, columns_table, make_console
from phalanx.population.train import Clock


def printed(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_table_of_columns():
    columns = (Column("age", "number", "17 to 90"), Column("unit", "constant", "is always '1'", "left out"))
    assert printed(columns_table(columns)) == [
        "Columns",
        "name  kind                holds",
        "─" * len("unit  constant, left out  is always '1'"),
        "age   number              17 to 90",
        "unit  constant, left out  is always '1'",
    ]


def test_many_columns_are_cut_and_counted():
    columns = [Column(f"x{i}", "number", "") for i in range(40)] + [Column("k", "constant", "")]
    lines = printed(columns_table(columns))
    assert len(lines) == 3 + 20 + 1
    assert lines[-1].split("  ")[0] == "... 21 more"
    assert lines[-1].endswith("20 of kind number, 1 of kind constant")


def test_where_there_is_no_room_the_last_column_gets_more_lines():
    lines = printed(columns_table([Column("n" * 60, "identifier", "many values: " + "value, " * 10)]))
    assert max(map(len, lines)) <= 80
    assert lines[3].startswith("n" * 29 + "...  identifier, left out  many values: ")
    assert "".join(line[54:] for line in lines[3:]).count("value,") == 10


def test_long_lines_are_not_broken_in_a_pipe(capsys):
    with Display(make_console(), Clock()) as display:
        display.line("word " * 100)
        display.warn("[red]" + "word " * 100)
    assert capsys.readouterr().out.splitlines() == ["word " * 100, "warning: [red]" + "word " * 100]


def test_silence_is_broken_in_a_pipe(capsys, monkeypatch):
    monkeypatch.setattr("phalanx.display._LONGEST_SILENCE", 0.1)
    with Display(make_console(), Clock(time.monotonic() + 60)) as display:
        display.stage("reading table.csv")
        time.sleep(0.7)
    assert re.match(r"reading table\.csv: \d s so far, 5\d s left\n", capsys.readouterr().out)


def test_what_else_goes_on_is_said_with_every_stage(capsys, monkeypatch):
    monkeypatch.setattr("phalanx.display._LONGEST_SILENCE", 0.1)
    left = ["compiling, 2 of 3 programs left"]
    with Display(make_console(), Clock()) as display:
        with display.beside(lambda: left[0]):
            display.stage("baseline linear")
            time.sleep(0.8)
            left[0] = ""
            display.stage("baseline random_forest")
            time.sleep(0.8)
        left[0] = "compiling"
        display.stage("round 1")
        time.sleep(0.8)
    said = [re.sub(r": \d s so far$", "", line) for line in capsys.readouterr().out.splitlines()]
    assert list(dict.fromkeys(said)) == [
        "baseline linear (compiling, 2 of 3 programs left)",
        "baseline random_forest",
        "round 1",
    ]


def test_a_terminal_gets_a_live_view():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Display(console, Clock()) as display:
        display.stage("compiling 3 programs")
        time.sleep(0.4)
        display.line("a line")
    assert "compiling 3 programs, 0 s" in console.file.getvalue()
    assert "a line" in console.file.getvalue()
