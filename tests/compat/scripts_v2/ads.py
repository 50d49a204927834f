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

nested = classad2.ClassAd('[ b = 7; Aa = {1, b + 1, "x"}; A = [ x = relTime("1:00:00"); y = b ]; e = b + 1 ]')
print(nested)
print(repr(nested), list(nested), list(nested.items()), nested["A"]["x"], nested["A"])
print(nested["e"].eval(), nested["e"].eval(nested), nested["Aa"], nested.lookup("Aa"), repr(nested.lookup("Aa")))
print(classad2.ExprTree("TARGET.b + b").eval(scope=classad2.ClassAd({"b": 5}), target=nested))
print(classad2.ExprTree("TARGET.b + b").simplify(classad2.ClassAd({"b": 5}), nested), classad2.ExprTree())
print(classad2.ExprTree("a+1") == classad2.ExprTree("a + 1"), classad2.ExprTree("a") == 1, bool(classad2.ExprTree("0")))
print(classad2.ClassAd('[ t = absTime("2020-01-01T00:00:00+0500") ]')["t"], classad2.parseNext(""))
print(nested == {"b": 7}, nested == classad2.ClassAd(repr(nested)), nested.flatten(classad2.ExprTree("{b, q}")))


def failure(operation):
    try:
        return operation()
    except TypeError as error:
        return str(error)


print(failure(lambda: classad2.ClassAd([("a", 1)])), failure(lambda: ad[1]), failure(lambda: 1 in ad))
print(failure(lambda: ad.flatten("A")), failure(lambda: ad.matches({})), failure(lambda: ad.externalRefs("A")))
print(failure(lambda: nested["e"].eval({})), failure(lambda: nested["e"].eval(nested, 1)))
