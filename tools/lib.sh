# Shared by the scripts in this folder; sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# What is worth keeping between runs, outside the tree.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/lead-gateway
mkdir -p "$cache"

# Prints the project's files whose names match one of the patterns: what Git
# knows or could come to know, so that build output and caches are left out.
our_files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
      [[ -f $file ]] && echo "$file"
    done
  else
    local pattern tests=()
    for pattern in "$@"; do tests+=(-o -name "$pattern"); done
    find . -path ./node_modules -prune -o -path './bazel-*' -prune -o \
      -type f \( -false "${tests[@]}" \) -print | sed 's#^\./##'
  fi
}

# run_bazel FLAVOUR COMMAND ARGUMENT...
#
# A flavour is gcc, clang, asan or tsan. Each has an output base of its own: in a
# shared one every change of compiler or flags throws the analysis away and
# overwrites the other flavour's objects. All share one disk cache, so a fresh
# checkout compiles only what has not been compiled here before.
#
# Bazel does not notice that headers outside the tree change. Everything that it
# keeps therefore lies in a folder named after the versions of the development
# packages.
run_bazel() {
  local flavour=$1 command=$2 options=()
  shift 2
  # A link that a plain `bazel build` made: "//..." would go through it, since
  # this output base does not know it as its own.
  [[ ! -L bazel-${root##*/} ]] || rm "bazel-${root##*/}"
  local kept
  kept=$cache/bazel-$(dpkg-query -W -f '${Package} ${Version}\n' \
    'lib*-dev' 'g++*' 'clang*' prometheus-cpp-dev rapidjson-dev 'protobuf-compiler*' \
    2>/dev/null | sha256sum | cut -c1-12)
  mkdir -p "$kept"
  case $command in
    build | test | aquery)
      options+=(--disk_cache="$kept/disk")
      [[ $flavour == gcc ]] || options+=(--config="$flavour")
      [[ -z ${CI-} ]] || options+=(--config=ci)
      ;;
  esac
  case $command in
    build | test) options+=(--experimental_convenience_symlinks=ignore) ;;
  esac
  # A server that has had nothing to do for a while goes: several at once would
  # fill a small machine's memory.
  bazel --output_base="$kept/$flavour" --max_idle_secs=60 \
    "$command" "${options[@]}" "$@"
}
