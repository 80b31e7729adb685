"""Holds the automatons of Host/Constraints to the JSON Schema Test Suite.

    swift build -c release --product schema-suite
    python3 Tests/schema_suite.py SUITE [--draft draft2020-12] [--verbose]

SUITE is a checkout of https://github.com/json-schema-org/JSON-Schema-Test-Suite, or a folder that holds its `tests`.
A case is applicable where its schema has only supported keywords. Of those, no invalid instance may be accepted. A valid one
may be refused, as an automaton leaves out some spellings (members in another order, 1.0 for a whole number): these are
counted. Instances are asked as compact JSON, objects in the orders that a schema could name their members in.
"""

import argparse
import collections
import itertools
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = ROOT / ".build" / "release" / "schema-suite"


def orders(value):
    """Texts of a value with the members of its objects in all orders, as far as they are few."""
    if isinstance(value, list):
        parts = itertools.islice(itertools.product(*map(orders, value)), 200)
        return ["[" + ",".join(items) + "]" for items in parts]
    if isinstance(value, dict):
        members = list(value.items())
        texts = []
        arrangements = itertools.permutations(members) if len(members) <= 4 else [members]
        for arrangement in arrangements:
            names = [json.dumps(name, ensure_ascii=False) for name, _ in arrangement]
            for values in itertools.islice(itertools.product(*(orders(item) for _, item in arrangement)), 200):
                texts.append("{" + ",".join(f"{name}:{item}" for name, item in zip(names, values)) + "}")
        return texts
    return [json.dumps(value, ensure_ascii=False)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("--draft", default="draft2020-12")
    parser.add_argument("--verbose", action="store_true", help="print every unsupported schema and refused instance")
    options = parser.parse_args()
    folder = options.suite / "tests" / options.draft
    if not folder.is_dir():
        sys.exit(f"{folder}: no such folder: SUITE is a checkout of the JSON Schema Test Suite")

    questions, keys = [], []
    for file in sorted([*folder.glob("*.json"), *(folder / "optional" / "format").glob("*.json")]):
        for group in json.loads(file.read_text()):
            for test in group["tests"]:
                try:
                    texts = orders(test["data"])
                    for text in texts:
                        json.dumps(text).encode()
                except UnicodeEncodeError:
                    continue
                for text in texts:
                    questions.append(json.dumps({"schema": group["schema"], "text": text}))
                    keys.append((file.relative_to(folder).with_suffix("").as_posix(), group["description"],
                                 test["description"], test["valid"]))
    answers = subprocess.run([TOOL], input="\n".join(questions) + "\n", capture_output=True, text=True, check=True)
    lines = answers.stdout.splitlines()
    if len(lines) != len(questions):
        sys.exit(f"{TOOL} answered {len(lines)} of {len(questions)} questions: {answers.stderr}")

    verdicts = collections.defaultdict(list)
    for key, line in zip(keys, lines):
        verdicts[key].append(line)
    table = collections.defaultdict(collections.Counter)
    wrong = []
    for (file, group, test, valid), found in verdicts.items():
        name = f"{file}: {group}: {test}"
        if found[0].startswith("unsupported"):
            table[file]["unsupported"] += 1
            if options.verbose:
                print(f"unsupported  {name}: {found[0].removeprefix('unsupported ')}")
        elif valid:
            accepted = "accepted" in found
            table[file]["valid, accepted" if accepted else "valid, refused"] += 1
            if not accepted and options.verbose:
                print(f"refused      {name}")
        else:
            accepted = "accepted" in found
            table[file]["invalid, accepted" if accepted else "invalid, refused"] += 1
            if accepted:
                wrong.append(name)
    columns = ["valid, accepted", "valid, refused", "invalid, refused", "invalid, accepted", "unsupported"]
    total = collections.Counter()
    print(f"{'file':40}" + "".join(f"{column:>19}" for column in columns))
    for file, counts in sorted(table.items()):
        if sum(counts.values()) > counts["unsupported"]:
            print(f"{file:40}" + "".join(f"{counts[column]:>19}" for column in columns))
        total += counts
    print(f"{'all':40}" + "".join(f"{total[column]:>19}" for column in columns))
    for name in wrong:
        print(f"accepted although invalid: {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
