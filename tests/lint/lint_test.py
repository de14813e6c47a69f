"""Shows every rule of lint.py going red, and what is right staying green. Run by ctest; by hand: lint_test.py"""

import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layers  # noqa: E402
import lint  # noqa: E402
from source import Source  # noqa: E402

STORE = "framework/daybook/store/memory/log.cc"


def rules(path, text):
    """The rules broken by a file of this path and text, which its CMakeLists.txt names."""
    parent, name = path.rsplit("/", 1)
    listed = {parent + "/CMakeLists.txt": name}.get
    return [rule for _, rule, _ in lint.findings_in(Source(path, text), listed)]


def header(path, body):
    guard = lint.guard_of(path)
    return f"#ifndef {guard}\n#define {guard}\n{body}\n#endif  // {guard}\n"


class LayersTest(unittest.TestCase):
    def red(self, path, include):
        self.assertEqual(rules(path, f"#include {include}\n"), ["layers"], f"{include} in {path}")

    def green(self, path, include):
        self.assertEqual(rules(path, f"#include {include}\n"), [], f"{include} in {path}")

    def test_a_layer_includes_only_those_before_it(self):
        self.red("framework/daybook/core/x.cc", '"daybook/base/clock.h"')
        self.red(STORE, '"daybook/runtime/executor.h"')
        self.red("framework/daybook/runtime/x.cc", '"daybook/projection/projector.h"')
        self.green("framework/daybook/runtime/x.cc", '"daybook/store/event_store.h"')

    def test_the_edges_never_include_each_other(self):
        edges = ["cdc", "grpc", "http", "observe"]
        for one in edges:
            for other in edges:
                check = self.green if one == other else self.red
                check(f"framework/daybook/{one}/x.cc", f'"daybook/{other}/server.h"')

    def test_the_kit_may_use_all_and_nobody_but_tests_the_kit(self):
        self.green("framework/daybook/testing/x.cc", '"daybook/http/server.h"')
        self.red(STORE, '"daybook/testing/spec.h"')
        self.green("framework/daybook/store/tests/x_test.cc", '"daybook/testing/spec.h"')

    def test_internal_headers_stay_inside_their_module(self):
        self.red("framework/daybook/runtime/x.cc", '"daybook/store/internal/keys.h"')
        self.green(STORE, '"daybook/store/internal/keys.h"')
        self.red("examples/beneficiary/api/x.cc", '"daybook/http/internal/parser.h"')
        self.red("framework/daybook/http/x.cc", '"daybook/http/testing/client.h"')

    def test_the_domain_knows_core_and_its_messages_only(self):
        domain = "examples/beneficiary/domain/x.cc"
        self.green(domain, '"daybook/core/aggregate.h"')
        self.green(domain, '"beneficiary/events/v1/events.pb.h"')
        self.red(domain, '"daybook/base/clock.h"')
        self.red(domain, '"absl/strings/str_cat.h"')
        self.red(domain, '"beneficiary/api/rest.h"')
        self.green("examples/beneficiary/domain/tests/x_test.cc", '"daybook/testing/spec.h"')

    def test_the_examples_folders_are_layers_too(self):
        self.red("examples/beneficiary/gateway/x.cc", '"beneficiary/projections/render.h"')
        self.red("examples/beneficiary/projections/x.cc", '"daybook/cdc/row_store.h"')
        self.green("examples/beneficiary/api/x.cc", '"beneficiary/projections/render.h"')
        self.red(STORE, '"beneficiary/domain/beneficiary.h"')

    def test_third_party_headers_stay_in_their_folders(self):
        places = {
            '"rocksdb/db.h"': "store/rocks",
            "<grpcpp/grpcpp.h>": "grpc",
            "<boost/beast.hpp>": "http",
            "<boost/asio/io_context.hpp>": "http",
            "<simdjson.h>": "cdc",
            "<prometheus/registry.h>": "observe",
            "<unicode/uchar.h>": "base",
            "<openssl/sha.h>": "base",
            "<xxhash.h>": "base",
            "<zlib.h>": "cdc",
        }
        for include, place in places.items():
            self.green(f"framework/daybook/{place}/x.cc", include)
            self.red("framework/daybook/runtime/x.cc", include)
        self.red("framework/daybook/base/clock.cc", "<spdlog/spdlog.h>")
        self.green("framework/daybook/base/log.cc", "<spdlog/spdlog.h>")

    def test_third_party_headers_never_show_in_public_headers(self):
        for include, place in [('"rocksdb/db.h"', "store/rocks"), ("<grpc/grpc.h>", "grpc"), ("<simdjson.h>", "cdc")]:
            path = f"framework/daybook/{place}/x.h"
            self.assertEqual(rules(path, header(path, f"#include {include}")), ["layers"])
            path = f"framework/daybook/{place}/internal/x.h"
            self.assertEqual(rules(path, header(path, f"#include {include}")), [])

    def test_core_is_standard_only_and_messages_begin_with_codec(self):
        self.green("framework/daybook/core/x.cc", "<variant>")
        self.red("framework/daybook/core/x.cc", '"absl/status/status.h"')
        self.red("framework/daybook/core/x.cc", "<unistd.h>")
        self.red("framework/daybook/base/x.cc", "<google/protobuf/message.h>")
        self.red("framework/daybook/base/x.cc", '"daybook/v1/envelope.pb.h"')
        self.green("framework/daybook/codec/x.cc", '"daybook/v1/envelope.pb.h"')

    def test_a_header_that_nobody_placed_is_named(self):
        self.red(STORE, "<folly/String.h>")
        self.red(STORE, '"log.h"')
        self.red(STORE, "<gtest/gtest.h>")
        self.green("framework/daybook/store/tests/x_test.cc", "<gtest/gtest.h>")

    def test_the_reference_page_shows_the_same_table(self):
        page = (lint.ROOT / "docs/reference/layers.md").read_text("utf-8")
        shown = dict(re.findall(r"^\| `(\w+)/` \| ([^|]*) \|", page, flags=re.MULTILINE))
        names = list(layers.LAYERS)
        expected = {name: ", ".join(m for m in names if m in layers.LAYERS[name]) for name in names}
        self.assertEqual({name: text.replace("`", "").strip() for name, text in shown.items() if name in expected},
                         {name: text or "nothing" for name, text in expected.items()})


# rule: (what breaks it, what does not)
FORBIDDEN_CASES = {
    "coroutine": ("co_await f();", "int co_awaited = 1;"),
    "thread": ("std::thread t(f);", "std::jthread t(f); std::thread::id id; std::this_thread::get_id();"),
    "detach": ("t.detach();", "t.detached();"),
    "sleep": ("std::this_thread::sleep_for(1ms);", "mu.AwaitWithTimeout(condition, limit);"),
    "getenv": ('std::getenv("HOME");', '// getenv("HOME")'),
    "clock": ("auto t = std::chrono::steady_clock::now();", "auto t = clock.Now(); source_time(0); r.time(1);"),
    "random": ("std::mt19937_64 rng(1);", "Grand(1); operand(2);"),
    "rand": ("int n = rand();", "int n = Grand();"),
    "mutex": ("std::mutex mu;", "absl::Mutex mu; absl::MutexLock lock(&mu);"),
    "TempDir": ("auto path = ::testing::TempDir();", "testing::TemporaryDirectory directory;"),
    "optimize": ("#ifdef __OPTIMIZE__", "int optimize = cdc_test::CaseShare();"),
    "rd_kafka_assign": ("rd_kafka_assign(client, list);", "client->Assign(list); rd_kafka_assignment(client, &list);"),
    "spdlog": ('spdlog::info("x");', 'Log(LogLevel::kInfo, "spdlog::info");'),
    "printf": ('printf("x");', 'absl::StrFormat("x"); my_printf_like(1);'),
    "void_cast": ("(void)store.Append(b);", "int f(void); void* p; Get<void>(x);"),
    "ignore_error": ("s.IgnoreError();", "s.ok();"),
    "throw": ('throw std::runtime_error("x");', "may_throw(1); noexcept(true);"),
    "exit": ("std::abort();", "writer.Abort(); on_exit(1);"),
    "assert": ("assert(x);", "static_assert(true);"),
    "typeid": ("typeid(x).name();", "x.GetTypeName();"),
    "regex": ("std::regex r(p);", "bool matches = Matches(p);"),
    "using_namespace": ("using namespace std;", "using namespace std::string_literals;"),
    "atoi": ("int n = std::stoi(text);", "absl::SimpleAtoi(text, &n); restore(1);"),
}


class ForbiddenTest(unittest.TestCase):
    def test_each_forbidden_word_goes_red_and_its_neighbours_do_not(self):
        self.assertEqual(set(FORBIDDEN_CASES), set(lint.FORBIDDEN), "every rule has a case here")
        for rule, (bad, good) in FORBIDDEN_CASES.items():
            self.assertIn(rule, rules(STORE, f"void F() {{ {bad} }}\n"), bad)
            self.assertEqual(rules(STORE, f"void F() {{ {good} }}\n"), [], good)

    def test_comments_and_literals_are_not_code(self):
        text = 'void F() {\n  // std::mutex\n  Use("std::mutex", R"(assert(x))", 1\'000);  /* rand() */\n}\n'
        self.assertEqual(rules(STORE, text), [])

    def test_what_is_the_work_of_one_place_is_allowed_there(self):
        self.assertEqual(rules("framework/daybook/base/x.cc", 'auto* v = std::getenv("A");\n'), [])
        self.assertEqual(rules("framework/daybook/tool/main.cc", 'int main() { printf("x"); }\n'), [])
        self.assertEqual(rules("framework/daybook/store/tests/a_test.cc", "std::mt19937_64 rng(seed);\n"), [])


class ShapeTest(unittest.TestCase):
    def test_long_functions_lines_and_files(self):
        body = "  Step();\n" * 69
        self.assertEqual(rules(STORE, "void F() {\n" + body + "}\n"), ["function_length"])
        self.assertEqual(rules(STORE, "void F() {\n" + body[10:] + "}\n"), [])
        self.assertEqual(rules(STORE, "// " + "x" * 118 + "\n"), ["line_length"])
        self.assertEqual(rules(STORE, "// " + "ü" * 117 + "\n"), [])
        self.assertEqual(rules(STORE, 'auto x = R"(' + "x" * 120 + ')";\n'), [])
        self.assertEqual(rules(STORE, "int a; \n"), ["trailing_blanks"])
        self.assertEqual(rules(STORE, "// x\n" * 701), ["file_length"])

    def test_what_counts_as_a_function(self):
        text = """
namespace a {
#if defined(X) && (Y > 1)
#endif
struct S final : Base<int> {
  explicit S(int a) : a_(a), b_{1} {
    Use([] { return 1; });
  }
  bool operator==(const S&) const { return true; }
  int a_ = F({1, 2});
  int b_{0};
};
enum class E { kA };
const std::map<int, int> kTable = {{1, 2}, {3, 4}};
template <class T>
  requires(sizeof(T) > 1)
auto G(T t, int x = 3) -> int {
  if (t) {
    return 1;
  }
  return 2;
}
TEST(A, B) {}
}  // namespace a
"""
        found = [(f.name, f.lines) for f in Source(STORE, text).functions()]
        self.assertEqual([name for name, _ in found], ["S", "operator==", "G", "TEST"])
        self.assertEqual(found[2][1], 8)

    def test_include_guards_name_the_path(self):
        path = "framework/daybook/core/x.h"
        self.assertEqual(lint.guard_of(path), "DAYBOOK_CORE_X_H_")
        self.assertEqual(lint.guard_of("examples/beneficiary/domain/iban.h"), "BENEFICIARY_DOMAIN_IBAN_H_")
        self.assertEqual(lint.guard_of("bench/harness/report.h"), "DAYBOOK_BENCH_HARNESS_REPORT_H_")
        self.assertEqual(rules(path, header(path, "int F();")), [])
        self.assertEqual(rules(path, "#pragma once\nint F();\n"), ["guard"])
        self.assertEqual(rules(path, header("framework/daybook/base/x.h", "int F();")), ["guard"])

    def test_public_headers_take_enums_for_bools_and_strong_types_for_numbers(self):
        path = "framework/daybook/store/x.h"
        for bad in ["void F(int a, bool sync);", "void F(const bool sync = true);", "void F(int a,\n       bool b);"]:
            self.assertEqual(rules(path, header(path, bad)), ["bool_parameter"], bad)
        goods = ["bool F();", "bool a = true;", "std::function<void(bool ok)> f;", "std::variant<int, bool, char> v;",
                 "template <bool kX> void F();"]
        for good in goods:
            self.assertEqual(rules(path, header(path, good)), [], good)
        self.assertEqual(rules(path, header(path, "void F(std::uint64_t position);")), ["raw_id"])
        self.assertEqual(rules(path, header(path, "void F(Position position);")), [])
        self.assertEqual(rules(STORE, "void F(bool sync);\n"), [], "a .cc file is its own business")

    def test_notes_to_oneself(self):
        self.assertEqual(rules(STORE, "// TO" + "DO: later\n"), ["todo"])
        self.assertEqual(rules(STORE, 'Use("TO' + 'DO");\n'), [])

    def test_what_no_cmakelists_names_is_not_compiled(self):
        source = Source(STORE, "int a;\n")
        self.assertEqual([r for _, r, _ in lint.findings_in(source, lambda _: None)], ["unlisted"])
        listed = {"framework/daybook/store/CMakeLists.txt": "SOURCES memory/log.cc"}.get
        self.assertEqual(list(lint.findings_in(source, listed)), [])
        other = {"framework/daybook/store/CMakeLists.txt": "SOURCES memory/other_log.cc"}.get
        self.assertEqual([r for _, r, _ in lint.findings_in(source, other)], ["unlisted"])


class AllowedTest(unittest.TestCase):
    def test_an_entry_excuses_only_its_rule_in_its_place_and_says_why(self):
        self.assertTrue(all(len(reason) > 10 for _, _, reason in lint.ALLOWED))
        with tempfile.TemporaryDirectory() as folder:
            root, lint.ROOT = lint.ROOT, pathlib.Path(folder)
            try:
                (lint.ROOT / "CMakeLists.txt").write_text("a.cc\n")
                (lint.ROOT / "a.cc").write_text("std::mutex mu;\n")
                excuse = ("mutex", "a.cc", "the reason why it must be so")
                self.assertEqual(lint.lint(["a.cc"], [excuse]), ([], {excuse}, 1))
                found, used, _ = lint.lint(["a.cc"], [("mutex", "b.cc", "the reason why it must be so")])
                self.assertEqual((len(found), used), (1, set()))
            finally:
                lint.ROOT = root


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
