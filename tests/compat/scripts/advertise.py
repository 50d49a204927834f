"""Advertise."""

import time
import uuid

import classad
import htcondor
from _common import outcome

name = uuid.uuid4().hex
c = htcondor.Collector()
c.advertise([classad.ClassAd({"MyType": "Generic", "Name": name, "Answer": 42})], "UPDATE_AD_GENERIC")
until = time.time() + 20
found = []
while not found and time.time() < until:
    found = c.query(htcondor.AdTypes.Generic, f'Name == "{name}"')
print([ad["Answer"] for ad in found])
outcome(c.advertise, [], "UPDATE_AD_GENERIC")
outcome(c.advertise, [classad.ClassAd()], "NOSUCH")
outcome(c.advertise, classad.ClassAd())
