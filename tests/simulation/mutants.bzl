"""Tests that run the simulated world against a gateway with one bug."""

load("//bazel:cc.bzl", "lg_cc_binary", "lg_cc_test")

def mutant_test(name, source, breaks):
    """Changes a copy of one source file and checks that the auditor notices.

    Args:
      name: of the bug; mutants/<name>.sed makes it. The build fails if that
        script no longer finds what it changes.
      source: the label of the file. Its own library is linked, too, but gives
        way: all that it defines is there already.
      breaks: the invariants that must be found broken.
    """
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = [source, "mutants/" + name + ".sed"],
        outs = ["mutants/" + name + ".cc"],
        cmd = "sed -f $(location mutants/%s.sed) $(location %s) >$@ && " % (name, source) +
              "! cmp -s $(location %s) $@" % source,
    )
    lg_cc_test(
        name = name + "_mutant_test",
        size = "medium",
        srcs = [
            "mutant_test.cc",
            ":" + name + "_source",
        ],
        copts = ["-DMUTANT_BREAKS='\"%s\"'" % ",".join(breaks)],
        # What the changed file includes are dependencies of its own library.
        features = ["-layering_check"],
        tags = ["no_tsan"],
        deps = [
            ":world",
            ":world_auditor",
            "//third_party:absl",
            "//third_party:gtest",
        ],
    )

def mutant_binary(name, mutant, srcs, deps):
    """The same over real sockets: a program with that bug, built when asked for.

    Args:
      name: of the program.
      mutant: the name of a mutant_test of //tests/simulation.
      srcs: of the program.
      deps: of the program.
    """
    lg_cc_binary(
        name = name,
        testonly = True,
        srcs = srcs + ["//tests/simulation:" + mutant + "_source"],
        # What the changed file includes are dependencies of its own library.
        features = ["-layering_check"],
        tags = ["manual"],
        deps = deps,
    )
