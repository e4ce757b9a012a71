"""coverage.py BUILD: which lines of each reader the mutated corpus reaches, in a build of the `coverage` preset.

Runs the replay of the fuzzing targets, adds up gcov's counts, prints a table and exits non-zero when a reader stays below its
bar.
"""
import fnmatch
import json
import os
import subprocess
import sys
from pathlib import Path

LEAST = 0.85
MUTATIONS = "300"  # a seed
READERS = {
    "pare": ["core/format/pare_file.cpp", "core/format/encoding*.cpp", "core/format/layout.cpp", "core/format/bits.cpp",
             "core/format/cells.cpp", "core/format/golden.cpp"],
    "safetensors": ["core/format/safetensors.cpp"],
    "graph": ["core/format/graph_text.cpp", "core/format/json_text.cpp", "core/graph/json_read.cpp", "core/graph/dim_parse.cpp"],
    "onnx": ["core/import/onnx_*.cpp"],
    "pt2": ["core/import/pt2_import.cpp", "core/import/aten_*.cpp", "core/import/zip_archive.cpp"],
    "pth": ["core/import/state_dict.cpp", "core/import/pickle.cpp"],
}
ROOT = Path(__file__).resolve().parents[2]


def counts(build):
    """Times that each line of each file of the project ran."""
    out = {}
    notes = [p for part in ("core/format", "core/graph", "core/import") for p in sorted((build / part).rglob("*.gcda"))]
    text = subprocess.run(["gcov", "--json-format", "--stdout", *notes], capture_output=True, text=True, cwd=build,
                          check=True).stdout
    for line in filter(None, text.splitlines()):
        report = json.loads(line)
        for file in report["files"]:
            path = os.path.relpath(os.path.join(report["current_working_directory"], file["file"]), ROOT)
            lines = out.setdefault(path, {})
            for entry in file["lines"]:
                lines[entry["line_number"]] = max(lines.get(entry["line_number"], 0), entry["count"])
    return out


def main():
    build = Path(sys.argv[1]).resolve()
    for path in build.rglob("*.gcda"):
        path.unlink()
    subprocess.run([build / "tests/fuzz/test_fuzz"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, PARE_FUZZ_MUTATIONS=MUTATIONS))
    found, low = counts(build), []
    print("| reader | lines | reached |\n|---|---|---|")
    for reader, patterns in READERS.items():
        files = [path for path in found if any(fnmatch.fnmatch(path, p) for p in patterns) and found[path]]
        total = sum(len(found[path]) for path in files)
        reached = sum(count > 0 for path in files for count in found[path].values())
        print(f"| {reader} | {total} | {100 * reached / total:.1f} % |")
        if reached < LEAST * total:
            low.append(reader)
        for path in sorted(files):
            mine = found[path]
            if sum(count > 0 for count in mine.values()) < LEAST * len(mine):
                missed = ", ".join(str(line) for line in sorted(mine) if mine[line] == 0)
                print(f"  {path}: not {missed}", file=sys.stderr)
    sys.exit(f"coverage: below {100 * LEAST:.0f} %: {', '.join(low)}" if low else 0)


if __name__ == "__main__":
    main()
