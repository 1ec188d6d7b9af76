"""Fuzz targets: a libFuzzer binary, and a test that replays what was found."""

load("//bazel:cc.bzl", "lg_cc_library", "lg_cc_test")

def fuzz_target(name, deps):
    """A target NAME.cc that defines LLVMFuzzerTestOneInput.

    Args:
      name: makes NAME_replay_test, which feeds it corpus/NAME/ with any
        compiler, and NAME_fuzz, the fuzzer (--config=fuzz only).
      deps: of NAME.cc.
    """
    lg_cc_library(
        name = name,
        testonly = True,
        srcs = [name + ".cc"],
        alwayslink = True,
        deps = deps,
    )
    lg_cc_test(
        name = name + "_replay_test",
        srcs = ["replay_test.cc"],
        copts = ['-DLEADGATEWAY_CORPUS=\\"tests/fuzz/corpus/%s\\"' % name],
        data = native.glob(["corpus/%s/**" % name]),
        deps = [
            ":" + name,
            "//third_party:gtest",
        ],
    )
    native.cc_binary(
        name = name + "_fuzz",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],  # gcc has no libFuzzer.
        deps = [":" + name],
    )
