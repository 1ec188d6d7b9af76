"""Makes a compile database out of `bazel aquery --output=jsonproto`.

Usage: compile_commands.py EXECUTION_ROOT < AQUERY > compile_commands.json
"""

import json
import sys


def main():
    directory = sys.argv[1]
    commands = []
    for action in json.load(sys.stdin).get("actions", []):
        arguments = action.get("arguments", [])
        sources = [a for a in arguments if a.endswith((".cc", ".cpp"))]
        if sources:
            commands.append({"directory": directory, "file": sources[-1], "arguments": arguments})
    json.dump(commands, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
