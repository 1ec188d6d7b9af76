"""Transcripts in a document: takes them out, compares them, writes them anew.

A transcript is an indented block whose first line begins with "$ ": commands
for a shell, each followed by what it prints. In what is printed
  <time>, <duration>, <number>, <id>, <address>   stand for any such value,
  <...>                                           for any text on that line,
  ...                                             as a line for any lines.
A line "<!-- scene: NAME -->" says in which situation the commands after it are
run; readers do not see it.

  transcripts.py split DOCUMENT DIRECTORY    one folder a step: scene, or command
                                             and expected, and the line number
  transcripts.py compare EXPECTED ACTUAL     says where they differ
  transcripts.py join                        standard input, with messages joined
                                             as `compare` does
  transcripts.py update DOCUMENT DIRECTORY   puts each step's `actual` into the
                                             document where it differs
"""

import pathlib
import re
import shlex
import sys

INDENT = "    "
SCENE = re.compile(r"^<!-- scene: ([a-z-]+) -->$")
PLACEHOLDERS = {
    "<time>": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)",
    "<duration>": r"(?:[0-9.]+(?:h|ms|us|ns|m|s))+",
    "<number>": r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?",
    "<id>": r"[0-9a-zA-Z-]{8,}",
    "<address>": r"(?:[0-9.]+|\[[0-9a-f:]+\]|localhost):[0-9]+",
    "<...>": r".*",
}
PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
# What differs from run to run wherever it stands, for `update`.
VOLATILE = [
    (re.compile(r"\b" + PLACEHOLDERS["<time>"]), "<time>"),
    (re.compile(r'(?<=")[0-9]+(?:\.[0-9]+)?s(?=")'), "<duration>"),
    (re.compile(r"\b127\.0\.0\.1:[0-9]+"), "<address>"),
    (re.compile(r"(?<=x-request-id: )[0-9a-f]{16}\b"), "<id>"),
    (re.compile(r'(?<="request_id":")[0-9a-f]{16}\b'), "<id>"),
    (re.compile(r'(?<="trace_id":")[0-9a-f]+\b'), "<id>"),
    (re.compile(r'(?<=_s":)[0-9.e-]+'), "<number>"),
]


def is_whole(command):
    """Whether a shell would not wait for another line."""
    if command.endswith("\\"):
        return False
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


class Step:
    """A scene, or a command with the lines of its output."""

    def __init__(self, line, scene=None):
        self.line = line  # of the command or scene, from 1
        self.scene = scene
        self.command = None
        self.first = None  # lines of the output, from 0: first to last - 1
        self.last = None


def steps_of(lines):
    steps = []
    at = 0
    while at < len(lines):
        scene = SCENE.match(lines[at])
        if scene:
            steps.append(Step(at + 1, scene[1]))
        # An indented block begins after an empty line.
        begins = at == 0 or not lines[at - 1].strip()
        if not (begins and lines[at].startswith(INDENT + "$ ")):
            at += 1
            continue
        end = at
        while end < len(lines) and (
            lines[end].startswith(INDENT)
            or (
                not lines[end].strip()
                and any(
                    later.startswith(INDENT)
                    for later in next_text(lines, end)
                )
            )
        ):
            end += 1
        while at < end:
            step = Step(at + 1)
            step.command = lines[at][len(INDENT) + 2 :]
            at += 1
            while not is_whole(step.command):
                if at == end:
                    sys.exit(f"line {step.line}: the command has no end")
                step.command += "\n" + lines[at][len(INDENT) :]
                at += 1
            step.first = at
            while at < end and not lines[at].startswith(INDENT + "$ "):
                at += 1
            step.last = at
            # Empty lines before the next command are for the eye.
            while step.last > step.first and not lines[step.last - 1].strip():
                step.last -= 1
            steps.append(step)
    return steps


def next_text(lines, at):
    """The next line that is not empty, if any."""
    for line in lines[at:]:
        if line.strip():
            return [line]
    return []


def pattern(line):
    parts = []
    at = 0
    for match in PLACEHOLDER.finditer(line):
        parts.append(re.escape(line[at : match.start()]))
        parts.append(PLACEHOLDERS[match[0]])
        at = match.end()
    parts.append(re.escape(line[at:]))
    return re.compile("".join(parts))


def difference(expected, actual):
    """None, or what of `expected` is not there."""
    reached = {0}  # how much of `actual` may be used up
    for number, line in enumerate(expected):
        if line.strip() == "...":
            reached = set(range(min(reached), len(actual) + 1))
            continue
        matches = pattern(line).fullmatch
        after = {at + 1 for at in reached if at < len(actual) and matches(actual[at])}
        if not after:
            at = max(reached) if len(reached) == 1 else None
            found = "" if at is None else actual[at] if at < len(actual) else "(the end)"
            return f"line {number + 1} of the answer: expected {line!r}" + (
                f", found {found!r}" if found else ", found it nowhere"
            )
        reached = after
    if len(actual) not in reached:
        return f"more came than expected: {actual[max(reached)]!r}"
    return None


def tidy(text):
    """As a terminal shows it."""
    lines = [line.expandtabs().rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


BETWEEN = r"\n\}\n(?:\nResponse contents:\n)?\{\n"
RESULTS_GO_ON = re.compile(r"\n    \}\n  \]" + BETWEEN + r'  "results": \[\n')
THEN_SUMMARY = re.compile(r"\n  \]" + BETWEEN + '(?=  "summary": {)')
RECEIVED = re.compile(r"(?<= and received )[0-9]+ responses?(?=\n|$)")


def joined(lines):
    """Messages with results, and the summary, as one: whether they come together is
    a matter of who is faster, and both are right."""
    text = "\n".join(lines)
    text = RESULTS_GO_ON.sub("\n    },\n", text)
    text = THEN_SUMMARY.sub("\n  ],\n", text)
    return RECEIVED.sub("(some)", text).split("\n")


def differ(expected, actual):
    return difference(joined(expected), joined(actual))


def split(document, directory):
    lines = document.read_text().split("\n")
    for number, step in enumerate(steps_of(lines)):
        folder = directory / f"{number:03}"
        folder.mkdir(parents=True)
        (folder / "line").write_text(str(step.line))
        if step.scene:
            (folder / "scene").write_text(step.scene)
            continue
        (folder / "command").write_text(step.command)
        expected = [line[len(INDENT) :] for line in lines[step.first : step.last]]
        (folder / "expected").write_text("\n".join(expected))


def compare(expected, actual):
    what = differ(tidy(expected.read_text()), tidy(actual.read_text()))
    if what:
        print(what)
    return 1 if what else 0


def update(document, directory):
    lines = document.read_text().split("\n")
    for number, step in reversed(list(enumerate(steps_of(lines)))):
        actual = directory / f"{number:03}" / "actual"
        if step.scene or not actual.exists():
            continue
        expected = [line[len(INDENT) :] for line in lines[step.first : step.last]]
        new = tidy(actual.read_text())
        if differ(expected, new) is None:
            continue
        for volatile, placeholder in VOLATILE:
            new = [volatile.sub(placeholder, line) for line in new]
        lines[step.first : step.last] = [
            (INDENT + line) if line else "" for line in new
        ]
    document.write_text("\n".join(lines))


def main():
    match sys.argv[1:]:
        case ["split", document, directory]:
            split(pathlib.Path(document), pathlib.Path(directory))
        case ["compare", expected, actual]:
            sys.exit(compare(pathlib.Path(expected), pathlib.Path(actual)))
        case ["join"]:
            print("\n".join(joined(sys.stdin.read().rstrip("\n").split("\n"))))
        case ["update", document, directory]:
            update(pathlib.Path(document), pathlib.Path(directory))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
