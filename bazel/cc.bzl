"""cc_library, cc_binary and cc_test with this project's options."""

load("//bazel:copts.bzl", "LEADGATEWAY_COPTS")

def lg_cc_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = LEADGATEWAY_COPTS + copts, **kwargs)

def lg_cc_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = LEADGATEWAY_COPTS + copts, **kwargs)

def lg_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    native.cc_test(
        name = name,
        size = size,
        copts = LEADGATEWAY_COPTS + copts,
        deps = deps + ["//third_party:gtest_main"],
        **kwargs
    )
