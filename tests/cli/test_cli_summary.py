def test_of_a_run(in_folder, folder_with_run):
    ended = in_folder(folder_with_run, "summary", "run")
    assert (ended.status, ended.err) == (0, "")
    first, *lines = ended.out.splitlines()
    assert first == "m001, the best network of run"
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.split()}
    # two numbers and two of the three categories' signs that a code becomes, one-hot
    assert cells["dense_1"][:4] == ["Dense", "4", "24", "5"]
    assert cells["output"][:4] == ["Dense", "1", "5", "4"]
    assert cells["total"] == ["29", "24", "116", "B"]
    assert "2 layers with weights, one after the other: no deep network, which has five or more" in lines


def test_of_a_configuration(phalanx, tmp_path):
    (tmp_path / "many.yaml").write_text(
        "source: good.csv\ntarget: y\ntrials: 2\ndesign: grid\nlayers: [{Dense: {units: {choice: [3, 6]}}}, Tanh]\n"
    )
    ended = phalanx("summary", "many.yaml")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "the largest of the 2 networks that many.yaml trains"
    assert lines[-1] == "1 more network is planned, of 22 parameters and 2 layers with weights"


def test_what_cannot_be_summarized(phalanx, tmp_path):
    (tmp_path / "none.yaml").write_text("trials: 2\n")
    for words, said in (
        (("summary", "nosuch"), "error: no such run folder or configuration: 'nosuch'\n"),
        (("summary", "."), "error: . is not a run folder: model/model.json is missing\n"),
    ):
        assert phalanx(*words) == (2, "", said)
    assert phalanx("summary", "none.yaml").err.startswith("error: no source given: name a table")
    assert phalanx("summary", "good.csv").err.startswith("error: good.csv: should be a map of options")
