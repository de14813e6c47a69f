#!/usr/bin/env python3
"""The rules of this house that no compiler checks. Run by ctest and by ./dev test --lint.

usage: lint.py [--list] [FILE…]      without FILE: every file that git knows

Each finding is one line, PLACE: RULE: what is wrong, and what to do instead. lint_test.py shows each rule going red.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

import layers
from source import Source

ROOT = pathlib.Path(__file__).resolve().parents[2]

LINE_MAX = 120
FUNCTION_MAX = 70
FILE_MAX = 700

# (rule, path pattern, reason). One that no longer excuses anything is itself reported.
ALLOWED = [
    ("printf", "framework/daybook/base/check.cc", "the last words before an abort go past every buffer and lock"),
    ("printf", "framework/daybook/base/config.cc", "--help goes to standard output, before there is anything to log"),
    ("exit", "framework/daybook/base/config.cc", "--help and a wrong setting end the program before it has begun"),
    ("printf", "framework/daybook/store/rocks/internal/*.cc", "RocksDB hands its log lines over as a va_list"),
    ("exit", "framework/daybook/base/check.cc", "a broken invariant of the program ends it: DAYBOOK_CHECK"),
    ("clock", "framework/daybook/base/clock.cc", "the one place that reads the machine's clock"),
    ("raw_id", "framework/daybook/cdc/*.h", "Kafka's partitions are not ours, and are signed 32-bit numbers there"),
]

# name: (pattern on code without comments and literals, where it does not apply, what to do instead)
BASE = ("framework/daybook/base/",)
MAINS = ("framework/daybook/tool/", "*/main.cc", "*_main.cc", "bench/")
IN_TESTS = ("*/tests/*", "tests/*", "*_test.cc", "framework/daybook/*/testing/*")
FORBIDDEN = {
    "coroutine": (r"\bco_(?:await|return|yield)\b", (), "plain threads and handlers: GCC 12 destroys captures twice"),
    "thread": (r"\bstd::thread\b(?!::)|\bstd::async\b|\bpthread_create\b", (), "use std::jthread with a stop_token"),
    "detach": (r"(?:\.|->)detach\(\)", (), "keep the std::jthread and join it"),
    "sleep": (
        r"\bsleep_(?:for|until)\b|\bu?sleep\(|\bnanosleep\(|\babsl::SleepFor\b",
        (),
        "wait on a condition with a limit (absl::Mutex::AwaitWithTimeout, CondVar, a file descriptor)",
    ),
    "TempDir": (
        r"\bTempDir\(\)",
        ("framework/daybook/testing/temporary_directory.h",),
        "tests run side by side: daybook::testing::TemporaryDirectory",
    ),
    "getenv": (r"\bgetenv\b|\benviron\b", BASE, "the environment is read in base/ only (flags)"),
    "clock": (
        r"\b(?:system|steady|high_resolution)_clock\b|\bstd::time\(|(?<![\w.>:])time\((?:NULL|nullptr|0)\)|"
        r"\bgettimeofday\b|\bclock_gettime\b|\babsl::Now\(",
        ("bench/", *IN_TESTS),
        "take a daybook::Clock (base/clock.h): Now() or Monotonic()",
    ),
    "random": (
        r"(?<![\w:.>])s?rand\(|\brandom_device\b|\bmt19937(?:_64)?\b|\babsl::(?:Insecure)?BitGen\b",
        (*BASE, "bench/", *IN_TESTS),
        "take a daybook::UuidSource (base/uuid_source.h), or have the number given to you",
    ),
    "rand": (r"(?<![\w:.>])s?rand\(", (), "a std::mt19937_64 with a seed that the test prints"),
    "mutex": (
        r"\bstd::(?:recursive_|shared_|timed_)*mutex\b|\bstd::condition_variable(?:_any)?\b|"
        r"\bstd::(?:lock_guard|unique_lock|scoped_lock|shared_lock)\b",
        (),
        "use absl::Mutex, absl::MutexLock and ABSL_GUARDED_BY: clang then checks who holds what",
    ),
    "optimize": (
        r"\b__OPTIMIZE__\b",
        ("tests/cdc/fixtures.cc",),
        "a test's own source is compiled without optimisation in every build: ask cdc_test::CaseShare (cdc/fixtures.h)",
    ),
    "rd_kafka_assign": (
        r"\brd_kafka_assign\(",
        ("framework/daybook/bus/kafka/internal/client.cc", "framework/daybook/bus/kafka/tests/lost_answers.cc"),
        "Client::Assign waits until what was assigned before has been let go of; else the process is aborted",
    ),
    "spdlog": (r"\bspdlog::", ("framework/daybook/base/log.cc",), "use daybook::Log (base/log.h)"),
    "printf": (
        r"\b(?:std::)?(?:f|v|vf|s|sn|vsn|d)?printf\(|\b(?:std::)?f?puts\(|\bstd::(?:cout|cerr|clog)\b",
        (*MAINS, *IN_TESTS),
        "use daybook::Log (base/log.h) to tell, absl::StrCat or absl::StrFormat to format",
    ),
    "void_cast": (
        r"\(void\)\s*[\w:*]",  # (void)(… || …) is what a fold over side effects needs
        (),
        "handle the value; an unused parameter has no name, a variable [[maybe_unused]]",
    ),
    "ignore_error": (r"\bIgnoreError\(\)", IN_TESTS, "handle the status, or return it"),
    "throw": (r"\bthrow\b(?!\s*\()", IN_TESTS, "return an absl::Status; the framework throws nothing"),
    "exit": (
        r"\b(?:std::)?(?:abort|_?exit|quick_exit|terminate)\(",
        (*MAINS, *IN_TESTS),
        "return an absl::Status; for a broken invariant DAYBOOK_CHECK (base/check.h)",
    ),
    "assert": (r"(?<![\w_])assert\(", (), "DAYBOOK_CHECK (base/check.h): it also holds in release builds"),
    "typeid": (r"\btypeid\(", (), "names on disk are protobuf's full type names, never C++ ones"),
    "regex": (r"\bstd::regex\b", ("bench/",), "check by hand: std::regex recurses, and overflows the stack"),
    "using_namespace": (r"\busing\s+namespace\s+(?!.*literals)", IN_TESTS, "name what you use"),
    "atoi": (
        r"\b(?:std::)?(?:ato[ifl]+|strto\w+|sto(?:i|l|ll|ul|ull|d|f))\(",
        ("bench/", *IN_TESTS),
        "use absl::SimpleAtoi or std::from_chars, which report errors",
    ),
}


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, p) if "*" in p else path.startswith(p) for p in patterns)


def check_forbidden(source):
    if not source.is_cpp:
        return
    for rule, (pattern, elsewhere, instead) in FORBIDDEN.items():
        if matches(source.path, elsewhere):
            continue
        for m in re.finditer(pattern, source.code):
            yield source.line_at(m.start()), rule, f"{m.group().strip()} is not used here: {instead}"


def check_includes(source):
    if not source.is_cpp:
        return
    for line, include, is_angled in source.includes:
        why = layers.check_include(source, include, is_angled)
        if why:
            yield line, "layers", why


def guard_of(path):
    path = re.sub(r"^(?:framework|examples|proto)/", "", path)
    if not path.startswith(("daybook/", "beneficiary/", "payee/")):
        path = "daybook/" + path
    return re.sub(r"[^A-Z0-9]", "_", path.upper()) + "_"


def check_guard(source):
    if not source.is_header:
        return
    guard = guard_of(source.path)
    code = source.code.strip()
    if not re.match(rf"#ifndef {guard}\n#define {guard}\n", code) or not code.endswith("#endif"):
        yield 1, "guard", f"begins with #ifndef {guard}, #define {guard} and ends with #endif  // {guard}"


def check_lengths(source):
    if len(source.lines) > FILE_MAX and source.path.endswith((".h", ".cc", ".py")):
        yield FILE_MAX + 1, "file_length", f"{len(source.lines)} lines, more than {FILE_MAX}: split it by subject"
    if source.path.endswith((".h", ".cc", ".py", ".proto", ".cmake", "CMakeLists.txt", "dev")):
        for number, line in enumerate(source.lines, 1):
            if len(line) > LINE_MAX and 'R"' not in line:  # a raw literal cannot be broken
                yield number, "line_length", f"{len(line)} characters, more than {LINE_MAX}"
            if line != line.rstrip():
                yield number, "trailing_blanks", "blanks at the end of the line"
    if source.is_cpp:
        for function in source.functions():
            if function.lines > FUNCTION_MAX:
                message = f"{function.name} has {function.lines} lines, more than {FUNCTION_MAX}: name its parts"
                yield function.line, "function_length", message


# After "(" or ",", up to a name that ends the parameter.
BOOL_PARAMETER = re.compile(r"[(,]\s*(?:const\s+)?bool\s*&?\s*(\w+)\s*(?=[,)=])")
RAW_ID = re.compile(
    r"\b(?:std::)?u?(?:int(?:32|64)?(?:_t)?|size_t)\s+(\w*_)?(revision|position|partition)(?:_id)?\s*(?=[,)=;{])"
)


def check_parameters(source):
    if not source.is_public_header:
        return
    for m in BOOL_PARAMETER.finditer(source.code):
        before = source.code[source.code.rfind("\n", 0, m.start() + 1) + 1 : m.start()]
        if re.search(r"(?:function|Function|Invocable|FunctionRef)<[^>]*$", before) or "template" in before:
            continue  # a signature of its own, or a template argument
        message = f"bool {m.group(1)} says nothing at the call: use an enum class"
        yield source.line_at(m.end()), "bool_parameter", message
    for m in RAW_ID.finditer(source.code):
        yield source.line_at(m.start()), "raw_id", f"{m.group().strip()}: use the strong type of core/strong.h"


def check_todo(source):
    where = source.comments if source.is_cpp else source.text
    if source.path.endswith((".h", ".cc", ".proto", ".cmake", "CMakeLists.txt")):
        for m in re.finditer(r"\b(?:TODO|FIXME|XXX|HACK)\b", where):
            yield source.line_at(m.start()), "todo", "do it, or return kUnimplemented and say what is not built"


def check_listed(source, list_of):
    """Public headers are in their module's HEADERS, sources in some CMakeLists.txt: else nothing compiles them."""
    if not source.is_cpp or not source.path.startswith(("framework/", "examples/", "bench/")):
        return
    if source.is_header and not source.is_public_header:
        return
    folder, parts = source.path, []
    while "/" in folder:
        folder, last = folder.rsplit("/", 1)
        parts.insert(0, last)
        listed = list_of(folder + "/CMakeLists.txt")
        if listed is not None and re.search(rf"(?<![\w/]){re.escape('/'.join(parts))}(?![\w])", listed):
            return
    yield 1, "unlisted", "is in no CMakeLists.txt above it: nothing compiles it, and a header would not be installed"


def read_list(path):
    file = ROOT / path
    return file.read_text("utf-8") if file.is_file() else None


def findings_in(source, list_of=read_list):
    """(line, rule, message) of one file, before the allow-list."""
    for check in (check_includes, check_forbidden, check_guard, check_lengths, check_parameters, check_todo):
        yield from check(source)
    yield from check_listed(source, list_of)


def files_of_git():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:  # not a clone: every file outside the build folder
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if not {"build", ".cache"} & set(p.parts)]
    return sorted(n for n in names if n and (ROOT / n).is_file())


def is_linted(path):
    if path.startswith(("tests/must_not_compile/cases/", "tests/packaging/")) and path.endswith((".h", ".cc")):
        return False  # wrong on purpose; a user's project, with a root of its own
    return path.endswith((".h", ".cc", ".py", ".proto", ".cmake", "CMakeLists.txt")) or path == "dev"


def lint(paths, allowed=ALLOWED):
    """Every finding as text, and the number of files read."""
    used, found, count = set(), [], 0
    for path in filter(is_linted, paths):
        count += 1
        source = Source(path, (ROOT / path).read_text("utf-8", "replace"))
        for line, rule, message in findings_in(source):
            excuses = [a for a in allowed if a[0] == rule and fnmatch.fnmatch(path, a[1])]
            used.update(excuses)
            if not excuses:
                found.append(f"{path}:{line}: {rule}: {message}")
    return found, used, count


def main(arguments):
    if "--list" in arguments:
        for rule, (_, _, instead) in FORBIDDEN.items():
            print(f"{rule}: {instead}")
        return 0
    paths = [str(pathlib.Path(a).resolve().relative_to(ROOT)) for a in arguments] or files_of_git()
    found, used, count = lint(paths)
    if not arguments:
        for entry in ALLOWED:
            if entry not in used:
                found.append(f"tests/lint/lint.py: ALLOWED: {entry[0]} in {entry[1]} excuses nothing: remove it")
    for line in found:
        print(line)
    print(f"lint: {count} files, {len(found)} findings")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
