"""Runs the script through the stock cqlsh and prints one JSON line per step.

usage: run.py --cqlsh PATH --host H --port P --script script.json --extra cqlsh.json
Bound parameters become literals, a repeated insert becomes COPY FROM, a step that binds "unset" is
left out. A `PAGING` command before each step, which cqlsh answers itself, marks where its output
begins. What a step with "keep" printed is kept in that file for a later one; of a DESCRIBE with
"definition" the options of a table are left out; of a trace only what every trace has is compared:
that it begins, ends, and has events between. "files" are written before a step into the folder that
statements call `$FOLDER`. The text of warnings is not compared.
Lines: {"name", "output": [...]}, or {"name", "count", "sha256"} for a step with "summary".
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

BATCHES = {"logged": "", "unlogged": "UNLOGGED ", "counter": "COUNTER "}
MARK = 100000
NUMBERS = ("tinyint", "smallint", "int", "bigint", "varint", "counter", "timestamp", "float",
           "double", "boolean", "blob", "uuid", "timeuuid")


def literal(kind, value):
    if value is None:
        return "null"
    if isinstance(kind, list):
        return composite(kind, value)
    if kind in NUMBERS:
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "decimal":
        return f"{value[0]}e{-int(value[1])}"
    if kind == "duration":
        parts = [int(part) for part in value]
        sign = "-" if min(parts) < 0 else ""
        return "{}{}mo{}d{}ns".format(sign, *map(abs, parts))
    return "'" + value.replace("'", "''") + "'"


def composite(kind, value):
    name = kind[0]
    if name in ("list", "set"):
        inner = ", ".join(literal(kind[1], v) for v in value)
        return f"[{inner}]" if name == "list" else "{" + inner + "}"
    if name == "map":
        pairs = (f"{literal(kind[1], k)}: {literal(kind[2], v)}" for k, v in value)
        return "{" + ", ".join(pairs) + "}"
    if name == "tuple":
        return "(" + ", ".join(map(literal, kind[1:], value)) + ")"
    return "{" + ", ".join(f"{f}: {literal(k, value[f])}" for f, k in kind[3:]) + "}"


def with_literals(cql, parameters):
    values = iter([literal(kind, value) for kind, value in parameters])
    texts = re.split(r"('(?:[^']|'')*')", cql)
    marked = lambda text: re.sub(r"\?|(?<![\w:]):[a-z]\w*", lambda _: next(values), text)
    done = "".join(text if text.startswith("'") else marked(text) for text in texts)
    # A list that was bound to `IN ?` is written with parentheses.
    return re.sub(r"IN (\[[^\]]*\])", lambda m: "IN (" + m.group(1)[1:-1] + ")", done)


def statement(step, folder):
    """What cqlsh is to run for a step, or None."""
    if "batch" in step:
        parts = (with_literals(s["cql"], s["params"]) + ";" for s in step["statements"])
        return f"BEGIN {BATCHES[step['batch']]}BATCH {' '.join(parts)} APPLY BATCH;"
    parameters = step.get("params", [])
    if any(isinstance(value, dict) and "unset" in value for _, value in parameters):
        return None
    if "repeat" not in step:
        return with_literals(step["cql"], parameters) + ";"
    file = os.path.join(folder, "rows.csv")
    with open(file, "w", encoding="utf-8") as rows:
        for turn in range(step["repeat"]):
            cells = (str(v).replace("$i%10", str(turn % 10)).replace("$i", str(turn))
                     for _, v in parameters)
            rows.write(",".join(cells) + "\n")
    table, columns = re.match(r"INSERT INTO (\S+) (\([^)]*\))", step["cql"]).groups()
    return f"COPY {table} {columns} FROM '{file}';"


def run(arguments, steps, folder):
    """Runs steps in one cqlsh and returns the lines of each."""
    path = os.path.join(folder, "steps.cql")
    with open(path, "w", encoding="utf-8") as file:
        for number, (_, cql) in enumerate(steps):
            pages = f"PAGING {steps[number][0].get('page_size', 5000)};"
            file.write(f"PAGING {MARK + number};\n{pages}\n{cql}\n")
    command = [sys.executable, arguments.cqlsh, arguments.host, str(arguments.port), "--no-color",
               "--request-timeout=60", "--cqlshrc", os.path.join(folder, "none"), "-f", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "PYTHONUNBUFFERED": "1"}, timeout=300, check=False)
    outputs = [[] for _ in steps]
    place = None
    for line in done.stdout.splitlines():
        mark = re.fullmatch(r"Page size: (\d+)", line)
        if mark and int(mark.group(1)) >= MARK:
            place = int(mark.group(1)) - MARK
        elif mark:
            continue  # the page size of the step itself
        elif place is not None:
            outputs[place].append(line)
    if place is None:
        sys.exit(f"cqlsh did not begin:\n{done.stdout}")
    return outputs


def error_line(line, step):
    """The class of an error and its code; its message only where the script says so."""
    found = re.fullmatch(r"\S+\.cql:\d+:(.*)", line)
    if not found or step.get("message"):
        return found.group(1) if found else line
    return re.sub(r' message=".*|^(SyntaxException): .*', lambda m: m.group(1) or "", found.group(1))


def trace(lines):
    """The lines of a trace without times, addresses, and events that only one server has."""
    shown, events = [], None
    for line in lines:
        cells = [cell.strip() for cell in line.rsplit("|", 4)]
        if line.startswith("Tracing session: "):
            line = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "a uuid", line)
        elif cells[0] == "activity":
            line, events = " | ".join(cells), 0
        elif events is not None and re.fullmatch(r"-+(\+-+)+", line):
            continue
        elif events is not None and len(cells) == 5:
            events += 1
            if cells[0] not in ("Execute CQL3 query", "Request complete"):
                continue
            line = cells[0] if cells[0] == "Execute CQL3 query" or events > 2 else "no events"
        elif events is not None:
            events = None
        shown.append(line)
    return shown


def outcome(step, lines):
    if "Warnings :" in lines:
        lines = lines[: lines.index("Warnings :")]
    lines = [error_line(line.rstrip(), step) for line in lines
             if not line.startswith("WARNING: cqlsh was built against")]
    if "COPY" in step["cql"] or "repeat" in step:
        lines = [re.sub(r" in \d.*| \(\d+ skipped\).*", "", line) for line in lines
                 if not line.startswith(("Using ", "Processed: ", "Starting copy"))
                 and not re.match(r"\[?[\w: \[\]]*'(?:COPY|copy)'", line) and line]
    if step.get("trace"):
        lines = trace(lines)
    if step.get("definition"):
        lines = [re.sub(r"^\) WITH (?!CLUSTERING).*", ")", line) for line in lines
                 if not re.match(r" {4}AND (?!CLUSTERING)", line)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    if not step.get("summary"):
        return {"output": lines}
    rows = [line.replace(" ", "") for line in lines if re.search(r"\d\s*$", line)]
    digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return {"count": lines[-1] if lines else "", "sha256": digest}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cqlsh", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--script", required=True)
    parser.add_argument("--extra", required=True)
    arguments = parser.parse_args()
    script = []
    for path in (arguments.script, arguments.extra):
        with open(path, encoding="utf-8") as file:
            script += json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        part = []
        for step in script + [{"sleep_ms": 0}]:
            if "sleep_ms" in step:
                for (done, _), lines in zip(part, run(arguments, part, folder)):
                    if "keep" in done:
                        with open(os.path.join(folder, done["keep"]), "w") as kept:
                            kept.write("\n".join(lines) + "\n")
                    line = {"name": done["name"], **outcome(done, lines)}
                    print(json.dumps(line, ensure_ascii=False), flush=True)
                part = []
                time.sleep(step["sleep_ms"] / 1000)
                continue
            step.setdefault("cql", "")
            for name, text in step.get("files", {}).items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            cql = statement(step, folder)
            if cql is not None:
                part.append((step, cql.replace("$FOLDER", folder)))


main()
