"""Compiler options for our own code (third_party headers are system headers)."""

LEADGATEWAY_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wnon-virtual-dtor",
    "-Wshadow",
    "-Wno-sign-compare",  # gtest and protobuf macros compare int with size_t.
]
