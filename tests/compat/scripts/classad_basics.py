"""Classad basics."""

import classad

ad = classad.ClassAd({"a": 1, "B": "text", "c": [1, 2], "d": classad.ExprTree("a + 1")})
print(repr(ad), ad["d"], ad.eval("d"), ad["b"], sorted(ad.keys()))
print(classad.ExprTree("1 + 2").eval(), classad.quote('a"b'), classad.unquote('"x"'))
print(classad.ClassAd("[x = 5]").lookup("x"), ad.get("nosuch", 3))
