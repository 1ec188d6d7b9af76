"""C++ code from .proto files, by Debian's protoc and grpc_cpp_plugin."""

_IMPORT_ROOTS = ["proto", "third_party/googleapis"]

def cc_proto_genrule(name, src, import_root, deps = [], grpc = False, visibility = None):
    """Generates and compiles one .proto file.

    Args:
      name: the cc_library; "<name>_src" is the .proto file with all it imports.
      src: the file, from this package.
      import_root: the folder that the file's own import path starts at.
      deps: cc_proto_genrule targets of the imported files.
      grpc: whether to generate a service's stubs as well.
      visibility: of both targets.
    """
    if import_root not in _IMPORT_ROOTS:
        fail("import_root must be one of %s" % _IMPORT_ROOTS)
    stem = src[:-len(".proto")]
    hdrs = [stem + ".pb.h"]
    srcs = [stem + ".pb.cc"]
    flags = "--cpp_out=$(GENDIR)/" + import_root
    if grpc:
        hdrs.append(stem + ".grpc.pb.h")
        srcs.append(stem + ".grpc.pb.cc")
        flags += " --grpc_out=$(GENDIR)/" + import_root
        flags += " --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin"
    native.filegroup(
        name = name + "_src",
        srcs = [src] + [d + "_src" for d in deps],
        visibility = visibility,
    )
    native.genrule(
        name = name + "_gen",
        srcs = [src] + [d + "_src" for d in deps],
        outs = hdrs + srcs,
        cmd = "/usr/bin/protoc %s %s $(location %s)" % (
            " ".join(["-I" + root for root in _IMPORT_ROOTS if root == import_root or deps]),
            flags,
            src,
        ),
    )
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = ["-w"],  # Generated code answers to its generator's warnings.
        strip_include_prefix = "/" + import_root,
        visibility = visibility,
        deps = deps + ["//third_party:protobuf"] + (["//third_party:grpc"] if grpc else []),
    )
