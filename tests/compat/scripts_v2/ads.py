"""Ads."""

import classad2

ad = classad2.ClassAd({"A": 1, "b": "text", "List": [1, 2.5, "x"], "Flag": True})
ad["Expr"] = classad2.ExprTree("A + 41")
print(ad["a"], ad["B"], ad["list"], ad["flag"], len(ad), "EXPR" in ad, "none" in ad)
print(ad["Expr"], ad.eval("Expr"), ad.lookup("A"), ad.get("none", 7))
print(sorted(ad.keys()), ad.pop("Flag"), "Flag" in ad)
ad.update({"More": 5})
print(ad.setdefault("More", 6), ad.setdefault("Else", 6))
print(classad2.parseOne("X = 1\nY = X + 1\n").eval("Y"))
print([one["N"] for one in classad2.parseAds("[ N = 1 ] [ N = 2 ]")])
print(classad2.quote('a "b"'), classad2.unquote('"c"'))
print(classad2.ClassAd("[ a = 1; b = a ]") == classad2.ClassAd({"a": 1, "b": classad2.ExprTree("a")}))
print(ad.flatten(classad2.ExprTree("A + Unknown")), sorted(ad.externalRefs(classad2.ExprTree("A + Unknown"))))
print(classad2.ExprTree("1 +  2").eval(), classad2.ExprTree("[ x = 3 ].x").eval(), classad2.Value.Undefined)
