"""Measures scimproof with a server it has never seen: silent on the healthy one, loud on each known bug.

The path of scimproof stands in the environment variable SCIMPROOF. Exit status: 0 all as expected, 1 something is
not, 2 wrong arguments.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bugs

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.txt"
LEVELS = ("nothing", "note", "should", "idp", "must")
TOKENS = {"SECOND_TOKEN": "first-tenant-secret", "SECOND_OTHER_TOKEN": "second-tenant-secret"}
RULES_KEPT = 4
AT_ONCE = 2
PATIENCE = 300


class Server:
    """The server in a process of its own, for as long as the block lasts."""

    def __init__(self, bug):
        self.command = [sys.executable, str(HERE / "server.py"), "--port", "0", "--token", TOKENS["SECOND_TOKEN"],
                        "--other-token", TOKENS["SECOND_OTHER_TOKEN"], *(["--bug", bug] if bug else [])]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        return self.process.stdout.readline().strip()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def play(bug, keep=None):
    """One run of scimproof: its exit status and its findings, bare facts only."""
    with Server(bug) as base, tempfile.TemporaryDirectory() as folder:
        report = Path(keep or folder) / f"{bug or 'healthy'}.json"
        command = [os.environ["SCIMPROOF"], "run", "--base-url", base, "--token-env", "SECOND_TOKEN",
                   "--other-token-env", "SECOND_OTHER_TOKEN", "--quiet", "--seed", "1", "--journal-dir", folder,
                   "--json", str(report)]
        try:
            done = subprocess.run(command, env={**os.environ, **TOKENS}, cwd=folder, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return None, [], f"no end after {PATIENCE} s"
        found = json.loads(report.read_text())["findings"] if report.exists() else []
    return done.returncode, [(f["level"], f["rule"], f["scenario"], f["step"]) for f in found], done.stderr.strip()


def strongest(findings):
    """The strongest level of some findings and the rules that speak at it, the most frequent first."""
    if not findings:
        return "nothing", []
    level = max((f[0] for f in findings), key=LEVELS.index)
    rules = Counter(f[1] for f in findings if f[0] == level)
    return level, [rule for rule, _ in sorted(rules.items(), key=lambda pair: (-pair[1], pair[0]))]


def healthy(keep):
    """The findings on the healthy server, and whether it was let pass."""
    status, findings, said = play(None, keep)
    level, rules = strongest(findings)
    accused = level in ("must", "idp")
    print(f"healthy: exit {status}, {len(findings)} findings, strongest {level}")
    if accused or status != 0:
        print(f"  the healthy server is accused: {', '.join(rules)} {said}")
    return findings, status == 0 and not accused


def expected():
    """The reviewed file: what each bug is seen by."""
    if not EXPECTED.exists():
        return {}
    lines = [line.split() for line in EXPECTED.read_text().splitlines() if line and not line.startswith("#")]
    return {words[0]: (words[1], words[2:]) for words in lines}


def judged(bug, seen, known):
    """What is wrong with the outcome of one bug, or None."""
    level, rules = seen
    if bug not in known:
        return f"is not in {EXPECTED.name}"
    was, named = known[bug]
    if LEVELS.index(level) < LEVELS.index(was):
        return f"was seen at {was} ({', '.join(named)}), now {level} ({', '.join(rules) or 'no rule'})"
    return None


def bless(outcome):
    """Writes the file anew, in the order of the table; bugs that were not played keep their line."""
    lines = {**expected(), **{bug: (level, rules[:RULES_KEPT]) for bug, (level, rules) in outcome.items()}}
    text = "".join(" ".join([bug, lines[bug][0], *lines[bug][1]]) + "\n" for bug in bugs.TABLE if bug in lines)
    EXPECTED.write_text("# bug, strongest level, rules at that level (most frequent first); "
                        "written by run.py --bless, read before it is committed\n" + text)


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="BUG", help="play these bugs only")
    parser.add_argument("--bless", action="store_true", help=f"write {EXPECTED.name} from this run")
    parser.add_argument("--keep", metavar="DIR", help="keep the JSON reports here")
    given = parser.parse_args()
    unknown = [bug for bug in given.only or () if bug not in bugs.TABLE]
    if unknown:
        parser.error(f"no such bug: {', '.join(unknown)}")
    if not os.environ.get("SCIMPROOF"):
        parser.error("the environment variable SCIMPROOF must hold the path of scimproof")
    return given


def main():
    """The whole measure."""
    given = options()
    base, clean = healthy(given.keep)
    chosen, known, outcome, wrong = given.only or list(bugs.TABLE), expected(), {}, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for bug, (status, findings, said) in zip(chosen, pool.map(lambda b: play(b, given.keep), chosen)):
            outcome[bug] = strongest([f for f in findings if f not in base])
            problem = said if status not in (0, 1) and not findings else judged(bug, outcome[bug], known)
            wrong += problem is not None and not given.bless
            if given.only or (problem and not given.bless):
                level, rules = outcome[bug]
                print(f"{bug}: {problem or 'as expected'} [exit {status}, {level}: {', '.join(rules[:RULES_KEPT])}]",
                      flush=True)
    if given.bless:
        bless(outcome)
    levels = Counter(level for level, _ in outcome.values())
    print(f"{len(outcome)} bugs: " + ", ".join(f"{levels[level]} {level}" for level in reversed(LEVELS)))
    sys.exit(0 if clean and not wrong else 1)


if __name__ == "__main__":
    main()
