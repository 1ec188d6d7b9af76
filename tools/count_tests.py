"""Counts the test cases of one `bazel test`, from its build events.

Usage: count_tests.py EVENTS BAZEL_EXIT_STATUS

EVENTS is what --build_event_json_file wrote. A target that did not build, or
ended without saying which case failed (a crash, a time-out), is one failed case.
The last line is "N passed, N failed"; the exit status is 0 when nothing failed.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


def read_events(path):
    try:
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError):
        return []


def count_cases(path):
    """Returns (passed, failed, skipped) of a test.xml, or None."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    passed = failed = skipped = 0
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif (
            case.find("skipped") is not None
            or case.get("result") in ("skipped", "suppressed")
            or case.get("status") == "notrun"
        ):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    events = read_events(sys.argv[1])
    bazel_status = int(sys.argv[2])
    passed = failed = skipped = 0
    bad = []

    attempts = {}
    for event in events:
        identity = event.get("id", {})
        if "testResult" in identity:
            key = identity["testResult"]
            # Of several attempts the last one counts.
            attempts[(key["label"], key.get("shard"), key.get("run"))] = event["testResult"]
        elif "targetCompleted" in identity and identity["targetCompleted"].get("label"):
            if not event.get("completed", {}).get("success"):
                label = identity["targetCompleted"]["label"]
                failed += 1
                bad.append((label, "did not build"))

    for (label, _, _), result in sorted(attempts.items(), key=lambda item: item[0][0]):
        status = result.get("status", "NO_STATUS")
        counts = None
        for output in result.get("testActionOutput", []):
            if output.get("name") == "test.xml" and "uri" in output:
                counts = count_cases(urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path))
        if counts is None or counts == (0, 0, 0):
            counts = (1, 0, 0) if status == "PASSED" else (0, 1, 0)
        if status not in ("PASSED", "FLAKY"):
            counts = (counts[0], max(counts[1], 1), counts[2])
        passed += counts[0]
        failed += counts[1]
        skipped += counts[2]
        if counts[1]:
            bad.append((label, status))

    # Bazel's status 4: there were no tests to run.
    if bazel_status not in (0, 4) and failed == 0:
        failed = 1
        bad.append(("bazel test", "exit status %d" % bazel_status))
    for label, why in bad:
        print("FAILED: %s (%s)" % (label, why))
    if skipped:
        print("%d skipped" % skipped)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
