"""Runs inside the interpreter of HTCondor's own Python modules: evaluates expressions, says what came out.

Reads one JSON object per line, ``{"x": text, "ad": text or null, "target": text or null}``, and writes one JSON string
per line: ``P`` (does not parse), ``X`` (the evaluation failed), ``U`` (Undefined), ``E`` (Error), ``D`` (a text that is
not UTF-8), or a letter for the type, a colon, and what ``string()`` of the value gives.  The value never becomes a
Python object: converting lists and ads that functions build crashes these modules.
"""

import json
import sys
import warnings

KINDS = [
    ("isString", "S"), ("isInteger", "I"), ("isReal", "R"), ("isBoolean", "B"), ("isAbsTime", "A"), ("isRelTime", "T"),
    ("isList", "L"), ("isClassAd", "C"),
]  # fmt: skip


def probe(text):
    kind = '"?"'
    for function, letter in reversed(KINDS):
        kind = f'ifThenElse({function}({text}),"{letter}",{kind})'
    value = f'strcat({kind},":",string({text}))'
    return f'ifThenElse(isUndefined({text}),"U",ifThenElse(isError({text}),"E",{value}))'


def evaluate(classad, case):
    try:
        classad.ExprTree(case["x"])
    except classad.ClassAdParseError:
        return "P"
    tree = classad.ExprTree(probe(case["x"]))
    try:
        if case.get("target") is not None:
            result = tree.simplify(classad.ClassAd(case["ad"]), classad.ClassAd(case["target"]))
            result = result.eval() if isinstance(result, classad.ExprTree) else result
        elif case.get("ad") is not None:
            result = tree.eval(classad.ClassAd(case["ad"]))
        else:
            result = tree.eval()
    except classad.ClassAdEvaluationError:
        return "X"
    except UnicodeDecodeError:
        return "D"
    if isinstance(result, str):
        return result
    return "U" if str(result) == "Undefined" else "E"


def run():
    warnings.simplefilter("ignore")
    import classad
    import htcondor  # noqa: F401 - it changes the language

    for line in sys.stdin.buffer:
        answer = evaluate(classad, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run()
