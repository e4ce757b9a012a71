"""The node tests of the ONNX backend suite, run through the importer and the executor.

Usage: check_backend.py RUN_BACKEND [--write] [--all]. A case counts when the importer has a rule for each of its operators. A
claim is (operator, opset, element type): all of the suite's cases of it pass. The claims lie in onnx_claims.txt; --write
makes that file and the table core/import/ONNX.md from what passes, --all prints every case that is not claimed. Exits non-zero when a claimed case does
not pass, when a case runs to other numbers than the suite's (by its own tolerance), when the file does not list what
passes, or when fewer than 60 % of the cases that count are claimed.

An operand that our graphs hold as an attribute or pack ahead (axes, a target shape, weights) is an input in these models. A case that
is refused for it runs again with such operands, and these only, as initializers of the same content; it is counted
as "with fixed operands".

The suite stamps a model with the opset in which its operator last changed, often by taking on element types alone. What
passes must therefore also pass under the oldest opset in which its operators have the same inputs, outputs and attributes.
"""
import collections
import copy
import functools
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner
from safetensors.numpy import load_file, save_file

CLAIMS = pathlib.Path(__file__).with_name("onnx_claims.txt")
SHARE = 0.60
OLDEST, NEWEST = 11, 28     # opsets that the importer reads
TABLE = pathlib.Path(__file__).parents[2] / "core/import/ONNX.md"
# Formal input names of the operators' schemas that hold structure, and weights: constants in a model that somebody exported.
FIXED = {"axes", "axis", "shape", "repeats", "k", "K", "pads", "split", "starts", "ends", "steps", "scales", "sizes", "roi",
         "min", "max", "ratio", "training_mode", "constant_value", "depth", "values", "limit", "start", "delta", "ConvTranspose.W", "ConvTranspose.B", "ConstantOfShape.input"}


def plain(value):
    """The suite gives some tensors as messages."""
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


class Case:
    def __init__(self, test, index):
        self.name = f"{test.name}.{index}" if len(test.data_sets) > 1 else test.name
        self.model, self.rtol, self.atol = test.model, test.rtol, test.atol
        self.inputs, self.outputs = ([plain(x) for x in values] for values in test.data_sets[index])
        self.opset = next((o.version for o in self.model.opset_import if o.domain in ("", "ai.onnx")), 0)
        self.verdict, self.reason, self.fixed = "refused", "", False

    def operators(self):
        return {n.op_type if n.domain in ("", "ai.onnx") else f"{n.domain}.{n.op_type}" for n in self.model.graph.node}

    def key(self):
        """(operator, opset, element type of the first input, with that of the first output where it differs)"""
        graph = self.model.graph
        names = [onnx.TensorProto.DataType.Name(v.type.tensor_type.elem_type)
                 for values in (graph.input, graph.output) for v in list(values)[:1]]
        return "+".join(sorted(self.operators())), self.opset, "->".join(dict.fromkeys(names)).lower()


@functools.cache
def definition(operator, opset):
    """Inputs, outputs and attributes with their defaults; element types left out."""
    try:
        schema = onnx.defs.get_schema(operator, opset, "")
    except onnx.defs.SchemaError:
        return None
    return ([i.name for i in schema.inputs], [o.name for o in schema.outputs],
            {name: str(a.default_value) for name, a in schema.attributes.items()})


def oldest_opset(case):
    """The oldest opset that is read in which the case's operators are defined as in its own."""
    for opset in range(OLDEST, max(case.opset, OLDEST) + 1):
        if all(definition(n.op_type, opset) == definition(n.op_type, case.opset) for n in case.model.graph.node):
            return opset
    return case.opset


def stamped(model, opset):
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for domain in out.opset_import:
        if domain.domain in ("", "ai.onnx"):
            domain.version = opset
    return out


def structural_inputs(case):
    """Names of graph inputs that are read as operands of structure only."""
    uses = collections.defaultdict(set)
    for node in case.model.graph.node:
        schema = onnx.defs.get_schema(node.op_type, max(case.opset, 1), "")
        for i, name in enumerate(node.input):
            formal = schema.inputs[min(i, len(schema.inputs) - 1)].name
            uses[name].add(bool({formal, f"{node.op_type}.{formal}"} & FIXED))
    return {v.name for v in case.model.graph.input if uses[v.name] == {True}}


def write(case, folder, fixed):
    model = stamped(case.model, case.opset if case.opset >= OLDEST else oldest_opset(case))
    feeds = {v.name: x for v, x in zip(model.graph.input, case.inputs)}
    for name in fixed:
        model.graph.initializer.append(onnx.numpy_helper.from_array(feeds.pop(name), name))
    (folder / f"{case.name}.onnx").write_bytes(model.SerializeToString())
    feeds = {name: np.array(x, order="C") for name, x in feeds.items()}
    save_file(feeds, folder / f"{case.name}.safetensors")


def judge(case, outputs):
    try:
        Runner.assert_similar_outputs(case.outputs, outputs, case.rtol, case.atol)
        return "passes", ""
    except AssertionError as error:
        return "WRONG", " ".join(str(error).split())[:300]


def run(cases, program, fixed):
    """Judges the cases; with `fixed` those only that have operands to fix."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, ran = pathlib.Path(temporary), []
        for case in cases:
            operands = structural_inputs(case) if fixed else set()
            if fixed and not operands:
                continue
            try:
                write(case, folder, operands)
                ran.append(case)
            except Exception as error:  # strings, sequences and element types that a file of tensors cannot hold
                (folder / f"{case.name}.onnx").unlink(missing_ok=True)
                case.reason = f"not plain tensors: {type(error).__name__} {error}"
        report = subprocess.run([program, temporary], check=True, capture_output=True, text=True).stdout
        refused = dict(line.split("\t", 1) for line in report.splitlines() if "\t" in line)
        for case in ran:
            if case.name in refused:
                code, case.reason = refused[case.name].split("\t", 1)
                case.verdict = "refused" if code != "7" else "WRONG"
                continue
            outputs = load_file(folder / f"{case.name}.result")
            case.verdict, case.reason = judge(case, [outputs[str(i)] for i in range(sum(k.isdigit() for k in outputs))])
            case.fixed = fixed


def run_oldest(cases, program):
    """What passes, under the oldest equal definition. Returns how many ran and those that did not pass."""
    copies = []
    for case in cases:
        opset = oldest_opset(case)
        if case.verdict == "passes" and opset < case.opset:
            copies.append(copy.copy(case))
            copies[-1].model, copies[-1].opset = stamped(case.model, opset), opset
    for fixed in (False, True):
        run([c for c in copies if c.fixed == fixed], program, fixed)
    return len(copies), [c for c in copies if c.verdict != "passes"]


def read_claims():
    rows = [line.split() for line in CLAIMS.read_text().splitlines() if line and not line.startswith("#")]
    return {(operator, int(opset), dtype): int(count) for operator, opset, dtype, count in rows}


def write_claims(claims):
    rows = [f"{operator} {opset} {dtype} {count}\n" for (operator, opset, dtype), count in sorted(claims.items())]
    CLAIMS.write_text("# operator(s), opset, element type (first input -> first output), cases: all of them pass\n" + "".join(rows))


def table_of(operators, cases, claims):
    """One row an operator: the opsets in which its definition changed, its one-node cases and the element types claimed."""
    rows = []
    for operator in sorted(operators):
        versions = sorted({onnx.defs.get_schema(operator, v, "").since_version for v in range(OLDEST, NEWEST + 1) if definition(operator, v)})
        own = [c for c in cases if c.operators() == {operator}]
        types = sorted({dtype for name, _, dtype in claims if name == operator})
        passing = sum(c.verdict == "passes" for c in own)
        rows.append(f"| {operator} | {', '.join(map(str, versions))} | {passing} of {len(own)} | {', '.join(types)} |\n")
    return f"""# ONNX operators that are read

Made by `tests/judges/check_backend.py --write`. A model may have any opset from {OLDEST} to {NEWEST}; another one is an error that
names the range. "Definitions" are the opsets in which the standard's text of an operator changed, within that range (the
first one may be older): all of them are read. "Node tests" are the cases of the ONNX backend suite with this operator alone.
A claimed element type (first input -> first output) is one of which every case passes; `tests/judges/onnx_claims.txt` has
them with their opsets. Half floats are computed as 32-bit floats. An attribute, element type or computed operand that cannot be
represented refuses the model, and all such nodes are named at once.

| operator | definitions | node tests | element types claimed |
|---|---|---|---|
""" + "".join(rows)


def main():
    program = sys.argv[1]
    ours = set(subprocess.run([program, "--operators"], check=True, capture_output=True, text=True).stdout.split())
    everything = [Case(t, i) for t in load_model_tests(kind="node") for i in range(len(t.data_sets))]
    cases = [c for c in everything if c.operators() <= ours]
    run(cases, program, fixed=False)
    run([c for c in cases if c.verdict == "refused"], program, fixed=True)

    by_key = collections.defaultdict(list)
    for case in cases:
        by_key[case.key()].append(case)
    passing = {key: len(group) for key, group in by_key.items() if all(c.verdict == "passes" for c in group)}
    if "--write" in sys.argv:
        write_claims(passing)
        TABLE.write_text(table_of(ours, cases, passing))
    claims = read_claims()
    failed = False
    for case in cases:
        if case.verdict == "WRONG" or (case.verdict != "passes" and case.key() in claims):
            print("FAIL", case.name, case.key(), case.verdict, case.reason)
            failed = True
        elif "--all" in sys.argv and case.key() not in claims:
            print(case.verdict, case.name, case.key(), case.reason)
    if claims != passing:
        print("FAIL onnx_claims.txt does not list what passes:", sorted(set(claims.items()) ^ set(passing.items())))
        failed = True
    if TABLE.read_text() != table_of(ours, cases, passing):
        print(f"FAIL {TABLE} is not the table of what passes. Write it again with --write")
        failed = True
    older, broken = run_oldest(cases, program)
    for case in broken:
        print("FAIL", case.name, "under opset", case.opset, case.verdict, case.reason)
    failed = failed or bool(broken)
    claimed = sum(len(group) for key, group in by_key.items() if key in claims)
    verdicts = collections.Counter(c.verdict for c in cases)
    print(f"{len(everything)} node tests, {len(cases)} of them with operators that the importer has: {verdicts['passes']} pass "
          f"({sum(c.fixed for c in cases)} with fixed operands), {verdicts['refused']} are refused, {verdicts['WRONG']} are wrong")
    print(f"{older} of them also under the oldest equal opset, {len(broken)} of these do not pass")
    print(f"{len(claims)} claims cover {claimed} cases, {claimed / len(cases):.1%}")
    if claimed < SHARE * len(cases):
        print(f"FAIL expected at least {SHARE:.0%}")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
