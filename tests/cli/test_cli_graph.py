"""`phalanx graph`: of a run, and of a configuration."""

from xml.etree import ElementTree

import pytest


def names(file):
    root = ElementTree.parse(file).getroot()
    space = "{http://www.w3.org/2000/svg}"
    return [text.text for text in root.iter(f"{space}text") if text.get("class") == "name"]


@pytest.mark.row("E1")
def test_a_configuration_and_its_run_have_the_same_graph(phalanx, tmp_path):
    (tmp_path / "all.yaml").write_text((tmp_path / "tiny.yaml").read_text() + "source: good.csv\ntarget: y\n")
    said = phalanx("graph", "all.yaml", "--out", "planned.svg")
    assert said.status == 0, said.err
    assert said.out.startswith("the network that all.yaml trains: ")
    assert phalanx("train", "--config", "all.yaml", "--out", "run").status == 0
    said = phalanx("graph", "run", "--values")
    assert said.status == 0, said.err
    assert said.out.rstrip().endswith("written to run/graph.svg")
    assert names(tmp_path / "planned.svg") == names(tmp_path / "run" / "graph.svg")
    assert {"dense_1", "dense_1.weight", "tanh_1", "output", "J"} <= set(names(tmp_path / "planned.svg"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nothing",), "no such run folder or configuration: 'nothing'"),
        ((".",), ". is not a run folder: model/model.json is missing"),
        (("tiny.yaml",), "no source given"),
        (("all.yaml", "--steps", "2"), "steps is 2, but the network has no recurrent layer; leave it out"),
        (("all.yaml", "--unfold", "tanh_2"), "unfold: unknown layer `tanh_2`"),
        (("all.yaml", "--out", "no/such/place.svg"), "no/such/place.svg cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(phalanx, tmp_path, words, sentence):
    (tmp_path / "all.yaml").write_text((tmp_path / "tiny.yaml").read_text() + "source: good.csv\ntarget: y\n")
    said = phalanx("graph", *words)
    assert said.status == 2
    assert said.err.startswith(f"error: {sentence}")


def test_data_that_changed_since_are_told(phalanx, tmp_path):
    phalanx("train", "good.csv", "--config", "tiny.yaml", "--out", "run")
    lines = (tmp_path / "good.csv").read_text().splitlines()
    (tmp_path / "good.csv").write_text("\n".join(f"{line},{'more' if i == 0 else i}" for i, line in enumerate(lines)))
    said = phalanx("graph", "run")
    assert said.status == 2
