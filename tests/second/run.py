"""Measures scimproof with a server it has never seen: silent when it is correct, loud on each known bug.

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
import legal

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.txt"
LEVELS = ("nothing", "note", "should", "idp", "must")
TOKENS = {"SECOND_TOKEN": "first-tenant-secret", "SECOND_OTHER_TOKEN": "second-tenant-secret"}
RULES_KEPT = 4
AT_ONCE = 2
PATIENCE = 300


class Server:
    """The server in a process of its own, for as long as the block lasts."""

    def __init__(self, switch):
        self.command = [sys.executable, str(HERE / "server.py"), "--port", "0", "--token", TOKENS["SECOND_TOKEN"],
                        "--other-token", TOKENS["SECOND_OTHER_TOKEN"], *switch]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        return self.process.stdout.readline().strip()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def play(kind, name, keep=None):
    """One run of scimproof: its exit status, its findings as bare facts, and what it said of trouble."""
    with Server([f"--{kind}", name] if kind else []) as base, tempfile.TemporaryDirectory() as folder:
        report = Path(keep or folder).absolute() / f"{name}.json"
        command = [str(Path(os.environ["SCIMPROOF"]).absolute()), "run", "--base-url", base,
                   "--token-env", "SECOND_TOKEN", "--other-token-env", "SECOND_OTHER_TOKEN",
                   "--quiet", "--seed", "1", "--journal-dir", folder, "--json", str(report)]
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


def accused(name, outcome):
    """Whether a correct server is called wrong, with a line that says by what."""
    status, findings, said = outcome
    level, rules = strongest(findings)
    if status == 0 and level not in ("must", "idp"):
        return False
    print(f"{name}: correct, but exit {status}, {level}: {', '.join(rules) or said}", flush=True)
    return True


def expected():
    """The reviewed file: what each bug is seen by."""
    if not EXPECTED.exists():
        return {}
    lines = [line.split() for line in EXPECTED.read_text().splitlines() if line and not line.startswith("#")]
    return {words[0]: (words[1], words[2:]) for words in lines}


def judged(bug, outcome, seen, known):
    """What is wrong with the outcome of one bug, or None."""
    level, rules = seen
    if outcome[0] not in (0, 1) and not outcome[1]:
        return outcome[2] or f"exit {outcome[0]}"
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
    parser.add_argument("--only", nargs="+", metavar="BUG", help="play these bugs (or legal choices) only")
    parser.add_argument("--legal", action="store_true", help="play the legal choices: nobody may be accused")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="play every N-th of them only")
    parser.add_argument("--bless", action="store_true", help=f"write {EXPECTED.name} from this run")
    parser.add_argument("--keep", metavar="DIR", help="keep the JSON reports here")
    given = parser.parse_args()
    table = legal.TABLE if given.legal else bugs.TABLE
    unknown = [name for name in given.only or () if name not in table]
    if unknown:
        parser.error(f"not known: {', '.join(unknown)}")
    if not os.environ.get("SCIMPROOF"):
        parser.error("the environment variable SCIMPROOF must hold the path of scimproof")
    if given.only or given.legal or given.bless:
        return given, (given.only or list(table))[::given.every]
    reviewed = [bug for bug in table if bug in expected()]
    if len(reviewed) < len(table):
        print(f"{len(table) - len(reviewed)} bugs have no line in {EXPECTED.name} yet and are left out", flush=True)
    return given, reviewed[::given.every]


def outcomes(kind, chosen, keep):
    """The outcome of every switch, two at a time, in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(chosen, pool.map(lambda name: play(kind, name, keep), chosen))


def play_bugs(given, chosen, base):
    """Every bug against the reviewed file; the number of surprises."""
    known, seen, wrong = expected(), {}, 0
    for bug, outcome in outcomes("bug", chosen, given.keep):
        seen[bug] = strongest([f for f in outcome[1] if f not in base])
        problem = judged(bug, outcome, seen[bug], {bug: seen[bug]} if given.bless else known)
        wrong += problem is not None
        if given.only or problem:
            level, rules = seen[bug]
            print(f"{bug}: {problem or 'as expected'} [exit {outcome[0]}, {level}: {', '.join(rules[:RULES_KEPT])}]",
                  flush=True)
    if given.bless:
        bless(seen)
    levels = Counter(level for level, _ in seen.values())
    print(f"{len(seen)} bugs: " + ", ".join(f"{levels[level]} {level}" for level in reversed(LEVELS)))
    return wrong


def main():
    """The whole measure."""
    given, chosen = options()
    outcome = play(None, "healthy", given.keep)
    wrong = accused("healthy", outcome)
    if given.legal:
        wrong += sum(accused(*pair) for pair in outcomes("legal", chosen, given.keep))
        print(f"{len(chosen) + 1} correct servers: {wrong} accused")
    else:
        wrong += play_bugs(given, chosen, outcome[1])
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
