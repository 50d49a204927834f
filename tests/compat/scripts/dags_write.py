"""Dags write."""

import tempfile
from pathlib import Path

import htcondor
from htcondor import dags

d = dags.DAG(
    dagman_config={"DAGMAN_MAX_JOBS": 5},
    dagman_job_attributes={"Foo": '"x"'},
    max_jobs_by_category={"cat": 2},
    dot_config=dags.DotConfig(Path("dag.dot"), update=True),
    jobstate_log=Path("js.log"),
    node_status_file=dags.NodeStatusFile(Path("ns"), update_time=30, always_update=True),
)
sub = htcondor.Submit({"executable": "/bin/true", "arguments": "$(x)"})
a = d.layer(
    name="a",
    submit_description=sub,
    vars=[{"x": str(i)} for i in range(3)],
    retries=2,
    retry_unless_exit=3,
    pre=dags.Script("pre.sh", ["1", "2"]),
    post=dags.Script("post.sh", retry=True, retry_status=4, retry_delay=5),
    pre_skip_exit_code=7,
    priority=4,
    category="cat",
    abort=dags.DAGAbortCondition(1, 2),
)
b = a.child_layer(
    name="b",
    submit_description=sub,
    vars=[{"x": 'q"uote\\'}] * 3,
    noop={1: True},
    done={0: True},
    edge=dags.OneToOne(),
    dir=Path("sub/dir"),
)
c = b.child_layer(name="c", submit_description=Path("/x/other.sub"))
e = c.child_layer(name="e", submit_description=sub, vars=[{"y": str(i)} for i in range(4)])
f = e.child_layer(name="f", submit_description=sub, vars=[{"y": str(i)} for i in range(4)], edge=dags.Grouper(2, 2))
g = f.child_layer(
    name="g",
    submit_description=sub,
    vars=[{"y": str(i)} for i in range(4)],
    edge=dags.Slicer(slice(None, None, 2), slice(1, None, 2)),
)
g.child_subdag(name="sd", dag_file=Path("inner.dag"))
d.layer(name="h", submit_description=sub, vars=[{}, {}]).add_parents(
    c
)  # v1 has the children of a node in no certain order
d.layer(name="k", submit_description=sub)
d.final(name="fin", submit_description=sub)

print(sorted(n.name for n in d.walk()), sorted(n.name for n in d.walk(dags.WalkOrder.BREADTH_FIRST)))
print(sorted(n.name for n in d.roots), sorted(n.name for n in d.leaves), [n.name for n in d.glob("[ab]")])
print([n.name for n in c.walk_ancestors()], sorted(n.name for n in c.walk_descendants()), len(list(d.edges)))
folder = Path(tempfile.mkdtemp())
print("\n".join(sorted(dags.write_dag(d, folder).read_text().splitlines())))
print((folder / "a.sub").read_text().split(), (folder / "dagman.config").read_text().split())
named = dags.write_dag(d, folder / "two", "z.dag", dags.SimpleFormatter("-", "{:03d}", 1)).read_text()
print("\n".join(sorted(line for line in named.splitlines() if line.startswith(("JOB ", "PARENT ")))))
(folder / "z.dag.rescue002").write_text("# Rescue\n\nDONE a:0\nDONE b:1\n")
print(dags.find_rescue_file(folder, "z.dag").name)
other = dags.DAG()
layer = other.layer(name="a", submit_description=sub, vars=[{"x": "1"}, {"x": "2"}])
dags.rescue(other, folder / "z.dag.rescue002")
print(layer.done, dags.SimpleFormatter().parse("ab:7"), dags.SimpleFormatter().generate("q", 3))
try:
    other.layer(name="a")
except dags.exceptions.DAGsException as error:
    print(type(error).__name__)
