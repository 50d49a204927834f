"""Unused lines: what a submission warns of."""

import warnings

import htcondor
from _common import MINE, description, schedd

s = schedd()


def warned(submitted, **how):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        how["itemdata"] = iter(how["itemdata"]) if "itemdata" in how else None
        s.submit(submitted, **how)
    print([str(one.message) for one in caught if issubclass(one.category, UserWarning)])


warned(description())
warned(description(requirments="true", typo="x"))
warned(description(typo="x", MyThing="$(typo)"))
warned(description(arguments="$(foo)", foo="x"))
warned(description(My__Foo="1", tmp__foo="1", DAG_STATUS="0", request_thing="1"))
warned(description(arguments="$(x)"), itemdata=[{"x": "1", "y": "2"}])
warned(description(arguments="$(x)", foo="$(y)"), itemdata=[{"x": "1", "y": "2"}])
warned(description(), itemdata=["a", "b"])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    list(description(typo="x").jobs())
print(len(caught))
s.act(htcondor.JobAction.Remove, MINE)
