"""Holds the findings of one run against the reviewed list of a server.

An expected file has one line for each finding (level, rule, where it was seen first) and below it, indented, why the
server deserves it. Lines with `#` in front are comments for the whole file and stay at its top.
"""

import argparse
import difflib
import json
import pathlib
import sys

UNREVIEWED = "NOT REVIEWED: say which paragraph the server breaks, or fix the rule."
LEVELS = ["must", "idp", "should", "note"]


def findings(report):
    """One line for each finding, in a fixed order."""
    seen = {(f["level"], f["rule"], f"{f['scenario']} › {f['step']}") for f in report["findings"]}
    return [f"{level:<6} {rule:<38} {place}" for level, rule, place in sorted(seen, key=lambda f: (LEVELS.index(f[0]), *f[1:]))]


def read_expected(path):
    """Comment lines, and the reviewed reason of each finding in file order."""
    head, reasons, current = [], {}, None
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.startswith("#"):
            head.append(line)
        elif line.startswith(" "):
            reasons[current].append(line.strip())
        elif line:
            current = line
            reasons[current] = []
    return head, reasons


def inherit(line, reasons, today):
    """The reason of a finding whose place moved: the one expected line of the same rule that is seen no more."""
    rule = line.split()[:2]
    gone = [old for old in reasons if old.split()[:2] == rule and old not in today]
    return reasons[gone[0]] if len(gone) == 1 else [UNREVIEWED]


def bless(path, head, reasons, today):
    """Write today's findings with the reasons that are known."""
    text = list(head)
    for line in today:
        text += ["", line, *("    " + reason for reason in reasons.get(line) or inherit(line, reasons, today))]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bless", action="store_true")
    parser.add_argument("server")
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("expected", type=pathlib.Path)
    options = parser.parse_args()

    report = json.loads(options.report.read_text(encoding="utf-8"))
    today = findings(report)
    head, reasons = read_expected(options.expected)
    if options.bless:
        bless(options.expected, head, reasons, today)
        head, reasons = read_expected(options.expected)

    problems = list(difflib.unified_diff(list(reasons), today, f"expected/{options.server}.txt", "this run", lineterm="", n=0))
    problems += [f"no reason given: {line}" for line, reason in reasons.items() if not reason or UNREVIEWED in reason]
    if report["summary"]["errors"] or report["partial"] or report["left_behind"]:
        problems.append(f"the run was not clean: {report['summary']}, left behind: {report['left_behind']}")
    summary = report["summary"]
    counts = ", ".join(f"{count} {level}" for level, count in summary["findings_by_level"].items())
    print(f"interop: {options.server}: {'FAILED' if problems else 'ok'}, {len(today)} findings ({counts}), {summary['requests']} requests in {summary['duration_ms'] / 1000:.0f} s")
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
