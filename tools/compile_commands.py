"""Makes a compile database out of `bazel aquery --output=jsonproto`.

Usage: compile_commands.py SOURCE_ROOT EXECUTION_ROOT < AQUERY > compile_commands.json

Commands are to be run in the source tree, not in Bazel's execution root, where
only the folders of the last build are; what was generated lies in the latter.
"""

import json
import sys

GENERATED = ("bazel-out/", "external/")


def main():
    source_root, execution_root = sys.argv[1:]

    def absolute(argument):
        for flag in ("", "-I"):
            for folder in GENERATED:
                if argument.startswith(flag + folder):
                    return flag + execution_root + "/" + argument[len(flag) :]
        return argument

    commands = {}
    for action in json.load(sys.stdin).get("actions", []):
        arguments = action.get("arguments", [])
        sources = [a for a in arguments if a.endswith((".cc", ".cpp"))]
        if sources and not sources[-1].startswith(GENERATED):
            commands[sources[-1]] = {
                "directory": source_root,
                "file": sources[-1],
                "arguments": [absolute(a) for a in arguments],
            }
    json.dump(list(commands.values()), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
