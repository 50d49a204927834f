"""Dags bytes: the files of a DAG as they are, with each kind of edge; what goes wrong, and how it is called."""

import tempfile
from pathlib import Path

import htcondor
from htcondor import dags

sub = htcondor.Submit({"executable": "/bin/true", "arguments": "$(x)"})


def written(dag):
    folder = Path(tempfile.mkdtemp())
    dags.write_dag(dag, folder)
    return [(file.name, file.read_text()) for file in sorted(folder.iterdir())]


def failed(function, *args):
    try:
        print(function(*args))
    except Exception as error:
        print(type(error).__name__, isinstance(error, dags.exceptions.DAGsException))


def two(edge):
    dag = dags.DAG()
    first = dag.layer(name="a", submit_description=sub, vars=[{"x": "1"}, {"x": "2"}])
    first.child_layer(name="b", submit_description=sub, vars=[{}, {}], edge=edge)
    return written(dag)


for edge in (None, dags.OneToOne(), dags.ManyToMany(), dags.Grouper(1, 1), dags.Grouper(2, 2), dags.Slicer()):
    print(two(edge))
for edge in (dags.Grouper(1, 2), dags.Grouper(3, 3)):
    failed(two, edge)
for settings in (
    {"dot_config": dags.DotConfig("x")},
    {"dot_config": dags.DotConfig(Path("x"), True, include_file=Path("y"))},
    {"dagman_config": {"A": 1, "B": "x"}},
):
    dag = dags.DAG(**settings)
    layer = dag.layer(name="n", submit_description=sub)
    print(written(dag), layer in dag, "n" in dag, "m" in dag)
failed(dags.SimpleFormatter().generate, "a:b", 1)
failed(dags.SimpleFormatter().parse, "abc")
failed(dags.SimpleFormatter().parse, "a:b")
failed(dags.find_rescue_file, Path(tempfile.mkdtemp()))
