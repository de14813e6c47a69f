"""Who may include what. docs/reference/layers.md shows the same table to people; lint_test.py compares the two."""

import re

# A module of framework/daybook may include itself and these.
LAYERS = {
    "core": set(),
    "base": {"core"},
    "codec": {"core", "base"},
    "store": {"core", "base", "codec"},
    "cloudevents": {"core", "base", "codec"},
    "runtime": {"core", "base", "codec", "store"},
    "projection": {"core", "base", "codec", "store"},
    "bus": {"core", "base", "codec", "store", "cloudevents", "runtime", "projection"},
    "cdc": {"core", "base", "codec", "store", "runtime", "projection"},
    "grpc": {"core", "base", "codec", "store", "runtime", "projection"},
    "http": {"core", "base", "codec", "store", "runtime", "projection"},
    "observe": {"core", "base", "codec", "store", "runtime", "projection"},
    "testing": {"core", "base", "codec", "store", "runtime", "projection", "cloudevents", "bus", "cdc", "grpc", "http",
                "observe"},
    "tool": {"core", "base", "codec", "store", "runtime", "projection", "observe"},
}

# Internal headers that other modules of the framework may include too.
SHARED_INTERNAL = {"daybook/base/internal/seeded_bugs.h"}

# A folder of examples/beneficiary may include itself and these; "daybook:x" is a module of the framework.
# app/ puts the engine together, api/ serves it; main.cc joins them into the process.
EXAMPLE_LAYERS = {
    "domain": {"daybook:core"},
    "gateway": {"domain", *(f"daybook:{m}" for m in ("core", "base", "codec", "store", "runtime", "cdc"))},
    "projections": {"domain", *(f"daybook:{m}" for m in ("core", "base", "codec", "store", "projection"))},
    "app": {
        "domain", "gateway", "projections",
        *(f"daybook:{m}" for m in ("core", "base", "codec", "store", "runtime", "projection", "cdc", "bus")),
    },
    # What every process shows to operators.
    "admin": {f"daybook:{m}" for m in ("core", "base", "bus", "http", "observe")},
    # The gateway over live topics: joins cdc/ and bus/, which do not know each other.
    "gateway_service": {
        "gateway", "app", "admin",
        *(f"daybook:{m}" for m in ("core", "base", "store", "cloudevents", "bus", "cdc", "http", "observe")),
    },
    "api": {
        "domain", "projections", "app",
        *(f"daybook:{m}" for m in LAYERS if m not in ("cdc", "testing", "tool")),
    },
    "command_service": {
        "domain", "app", "admin",
        *(f"daybook:{m}" for m in LAYERS if m not in ("projection", "cdc", "grpc", "testing", "tool")),
    },
    # What the processes that serve the API have in common, and the query side as such a process.
    "serving": {
        "domain", "projections", "app", "admin", "api",
        *(f"daybook:{m}" for m in LAYERS if m not in ("cdc", "testing", "tool")),
    },
    "query_service": {
        "domain", "projections", "app", "admin", "api", "serving",
        *(f"daybook:{m}" for m in LAYERS if m not in ("cdc", "testing", "tool")),
    },
    # Stands in front of two services and knows the inside of neither.
    "switch": {"admin", *(f"daybook:{m}" for m in ("core", "base", "http", "observe"))},
}

STANDARD = set(
    """
    algorithm any array atomic barrier bit bitset cassert cctype cerrno charconv chrono cinttypes cmath compare
    concepts condition_variable coroutine csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime deque
    exception filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd iostream
    istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional
    ostream queue random ranges ratio regex semaphore set shared_mutex source_location span sstream stack
    stdexcept stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex
    typeinfo unordered_map unordered_set utility valarray variant vector version
    """.split()
)

POSIX = re.compile(
    r"^(?:sys/\w+|netinet/\w+|arpa/\w+|linux/\w+|unistd|fcntl|dirent|dlfcn|errno|pthread|sched|signal|stdint|stdlib|"
    r"malloc|poll|pwd|time)\.h$"
)

EXAMPLE = "examples/beneficiary/"
TESTS = "tests"  # any test source

# (headers, library, where a .cc or internal header may include them). A public header includes none of them, except
# those marked PUBLIC.
THIRD_PARTY = [
    (r"^rocksdb/", "RocksDB",
     ["framework/daybook/store/rocks/", "framework/daybook/testing/fault_file_system.cc", "bench/"]),
    (r"^(?:grpcpp|grpc)/|\.grpc\.pb\.h$|^google/rpc/", "gRPC",
     ["framework/daybook/grpc/", EXAMPLE + "api/", "bench/", TESTS]),
    (r"^boost/(?:beast|asio)(?:/|\.hpp)", "Boost.Beast and Asio", ["framework/daybook/http/", "bench/"]),
    (r"^boost/uuid/", "Boost.UUID", ["framework/daybook/base/"]),
    (r"^librdkafka/", "librdkafka", ["framework/daybook/bus/kafka/"]),
    (r"^boost/(?:json|url)(?:/|\.hpp)|^boost/system/", "Boost.JSON and URL",
     ["framework/daybook/base/log.cc", "framework/daybook/http/", "framework/daybook/observe/",
      "framework/daybook/cdc/", "framework/daybook/bus/kafka/",
      EXAMPLE + "gateway/", EXAMPLE + "gateway_service/", EXAMPLE + "projections/", EXAMPLE + "api/",
      EXAMPLE + "switch/", "bench/", TESTS]),
    (r"^boost/", "Boost", []),
    (r"^simdjson", "simdjson", ["framework/daybook/cdc/", "bench/"]),
    (r"^prometheus/", "prometheus-cpp", ["framework/daybook/observe/"]),
    (r"^unicode/", "ICU",
     ["framework/daybook/base/", "framework/daybook/http/", EXAMPLE + "projections/", EXAMPLE + "api/"]),
    (
        r"^openssl/",
        "OpenSSL",
        ["framework/daybook/base/", "framework/daybook/http/", "framework/daybook/store/rocks/", TESTS],
    ),
    (r"^xxhash\.h$", "xxHash", ["framework/daybook/base/"]),
    (r"^z(?:lib|conf)\.h$", "zlib", ["framework/daybook/cdc/", EXAMPLE + "gateway/", TESTS]),
    (r"^(?:spdlog|fmt)/", "spdlog", ["framework/daybook/base/log.cc"]),
    (r"^jemalloc/", "jemalloc", ["bench/", EXAMPLE + "api/"]),
    (r"^sanitizer/", "the sanitizers' interface", ["framework/daybook/base/"]),
    (r"^benchmark/", "Google Benchmark", ["bench/"]),
]
# Libraries that public headers may name, and the modules from which on.
ABSEIL_FROM = {m for m in LAYERS if m != "core"}
PROTOBUF_FROM = {m for m in LAYERS if m not in ("core", "base")}
GTEST_IN = ["framework/daybook/testing/", TESTS]


def module_of(path):
    m = re.match(r"framework/daybook/(\w+)/", path)
    return m.group(1) if m else None


def example_folder_of(path):
    m = re.match(r"examples/beneficiary/(\w+)/", path)
    return m.group(1) if m else None


def _may(source, places):
    return any(source.is_test if place == TESTS else source.path.startswith(place) for place in places)


def _check_daybook(source, target, module, folder):
    """Why `source` may not include "daybook/TARGET/…", or None."""
    if source.is_test or source.path.startswith(("bench/", "tests/", "docs/")):
        return None
    if module and target != module and target not in LAYERS.get(module, set()):
        allowed = ", ".join(sorted(LAYERS.get(module, set()))) or "nothing of the framework"
        return f"{module}/ may not include daybook/{target}: it may include {allowed}"
    if folder and f"daybook:{target}" not in EXAMPLE_LAYERS.get(folder, {f"daybook:{target}"}):
        allowed = ", ".join(sorted(EXAMPLE_LAYERS[folder]))
        return f"{folder}/ may not include daybook/{target}: it may include {allowed}"
    return None


def _check_private(source, include, target, module):
    """Another module's internal/ is promised to nobody, and its testing/ only to tests."""
    if (include in SHARED_INTERNAL and module) or source.path.startswith("bench/floors/"):
        return None  # a floor is the bare thing with our layout
    if re.match(r"daybook/\w+/(?:\w+/)*internal/", include) and module != target:
        return f"{include} is internal to {target}/: use its public headers"
    if re.match(r"daybook/\w+/testing/", include) and not source.is_test and not source.path.startswith("bench/"):
        return f"{include} is for tests only"
    return None


def _check_example(source, include, folder):
    target = include.split("/")[1] if include.count("/") > 1 else ""
    if target in ("types", "events", "commands", "state", "query", "v1", "command") or include.endswith(".pb.h"):
        return None
    if source.path.startswith("framework/"):
        return f"the framework may not include {include}, its own example"
    if folder and not source.is_test and target != folder and target not in EXAMPLE_LAYERS.get(folder, {target}):
        return f"{folder}/ may not include beneficiary/{target}: {', '.join(sorted(EXAMPLE_LAYERS[folder]))}"
    return None


def _check_common_library(source, include, module, folder):
    """Abseil, protobuf and googletest, which public headers may name. (handled?, why not)."""
    if include.startswith("absl/"):
        low = module == "core" or (folder == "domain" and not source.is_test)
        return True, "core/ and domain/ know the standard library only, no Abseil" if low else None
    if include.startswith("google/protobuf/"):
        if module and module not in PROTOBUF_FROM and not source.is_test:
            return True, f"{module}/ knows no protobuf: that begins with codec/"
        return True, None
    if re.match(r"g(?:test|mock)/", include):
        return True, None if _may(source, GTEST_IN) else "GoogleTest is for tests and daybook/testing only"
    return False, None


def _check_third_party(source, include):
    for pattern, library, places in THIRD_PARTY:
        if re.search(pattern, include):
            if not _may(source, places):
                return f"{library} is not used here; it belongs to: {', '.join(places) or 'nowhere'}"
            if source.is_public_header:
                return f"{library} may not show in a public header: hide it behind struct Impl"
            return None
    if "/" not in include:
        return f'"{include}": name it from its root, as in "daybook/store/event_store.h"'
    return f"unknown header <{include}>: add its library to tests/lint/layers.py with the folders that may use it"


def check_include(source, include, is_angled):
    """Why `source` may not include `include`, or None."""
    module, folder = module_of(source.path), example_folder_of(source.path)
    if is_angled and include in STANDARD:
        return None
    if is_angled and POSIX.match(include):
        if source.is_public_header or module == "core" or folder == "domain":
            return f"<{include}> belongs in a .cc file, not here"
        return None
    if include.endswith(".pb.h") and not include.startswith("google/"):
        if include.endswith(".grpc.pb.h"):
            return _check_third_party(source, include)
        if module in ("core", "base") and not source.is_test:
            return f"{module}/ knows no messages: that begins with codec/"
    m = re.match(r"daybook/(\w+)/", include)
    if m and not include.endswith(".pb.h"):
        return _check_daybook(source, m.group(1), module, folder) or _check_private(source, include, m.group(1), module)
    if include.startswith("beneficiary/"):
        return _check_example(source, include, folder)
    if include.endswith(".pb.h") and not include.startswith("google/"):
        return None
    handled, why = _check_common_library(source, include, module, folder)
    if handled:
        return why
    if not is_angled and "/" in include and source.path.startswith(("bench/", "tests/", "examples/")):
        if not any(re.search(pattern, include) for pattern, _, _ in THIRD_PARTY):
            return None  # a header of its own folder, found from its own root
    return _check_third_party(source, include)
