"""Installs Daybook into a prefix of the build folder, and builds and runs projects that use it as users do.

Run by ctest, which passes --source, --build and the compiler: see CMakeLists.txt.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ARGS = None
# What the kernel alone must not need.
PACKAGES = ["absl", "Protobuf", "gRPC", "RocksDB", "Boost", "simdjson", "prometheus-cpp", "spdlog", "OpenSSL", "ICU",
            "ZLIB", "GTest", "xxhash", "RdKafka"]


def run(*command, check=True):
    result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}")
    return result


class PackagingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(ARGS.build) / "packaging"
        cls.prefix = cls.work / "prefix"
        shutil.rmtree(cls.prefix, ignore_errors=True)
        run("cmake", "--install", ARGS.build, "--prefix", cls.prefix)
        cls.package = next(cls.prefix.glob("lib*/**/DaybookConfig.cmake")).parent

    def configure(self, project, *options, check=True):
        build = self.work / project
        shutil.rmtree(build, ignore_errors=True)
        common = [f"-DCMAKE_CXX_COMPILER={ARGS.compiler}", f"-DCMAKE_CXX_COMPILER_LAUNCHER={ARGS.launcher}",
                  "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_PREFIX_PATH={self.prefix}"]
        source = pathlib.Path(ARGS.source) / "tests/packaging" / project
        return build, run("cmake", "-G", "Ninja", "-S", source, "-B", build, *common, *options, check=check)

    def build(self, project, *options):
        build, _ = self.configure(project, *options)
        run("cmake", "--build", build, "--parallel", "2")
        return build

    def test_an_installed_package_serves_an_aggregate_with_its_own_messages(self):
        build = self.build("consumer")
        data = self.work / "consumer-data"
        shutil.rmtree(data, ignore_errors=True)
        first = run(build / "consumer", data).stdout.splitlines()
        self.assertEqual(first, ["install: committed revision=1", "read: committed revision=2",
                                 "read: committed revision=2 duplicate", "state: 42 kWh in the cellar"])
        again = run(build / "consumer", data).stdout.splitlines()
        self.assertEqual(again, ["install: unchanged revision=2", "read: committed revision=2 duplicate",
                                 "read: committed revision=2 duplicate", "state: 42 kWh in the cellar"])
        self.assertIn("[  PASSED  ] 1 test", run(build / "meter_test").stdout)

    def test_a_subdirectory_serves_it_too_also_where_sources_are_compiled_together(self):
        build = self.build("subdirectory", f"-DDAYBOOK_SOURCE_DIR={ARGS.source}", "-DCMAKE_UNITY_BUILD=ON")
        self.assertEqual(run(build / "subdirectory").stdout, "meter.v1.ReadingTaken 42\n")

    def test_the_core_needs_no_other_package(self):
        disabled = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON" for package in PACKAGES]
        build = self.build("core_only", "-DCOMPONENTS=core", *disabled)
        self.assertEqual(run(build / "core_only").stdout, "meter/m-1\n")

    def test_a_component_whose_package_is_missing_names_it(self):
        for component, package in [("base", "absl"), ("rocks", "RocksDB"), ("kafka", "RdKafka"), ("testing", "GTest")]:
            _, result = self.configure("core_only", f"-DCOMPONENTS={component}",
                                       f"-DCMAKE_DISABLE_FIND_PACKAGE_{package}=ON", check=False)
            self.assertNotEqual(result.returncode, 0, component)
            self.assertIn(package, result.stdout)

    def test_an_unknown_component_is_refused_with_those_that_there_are(self):
        _, result = self.configure("core_only", "-DCOMPONENTS=core;sql", check=False)
        self.assertNotEqual(result.returncode, 0)
        said = re.sub(r"\s+", " ", result.stdout)
        self.assertRegex(said, r'no component "sql" here; it has: core base codec .*rocks')

    def test_what_is_installed_names_no_place_of_this_build(self):
        files = [*self.prefix.rglob("*.cmake"), *self.prefix.rglob("*.h"), *self.prefix.rglob("*.proto")]
        self.assertGreater(len(files), 30)
        for file in files:
            text = file.read_text("utf-8")
            self.assertNotIn(ARGS.source + "/", text, file)
            self.assertNotIn(ARGS.build + "/", text, file)

    def test_every_header_that_an_installed_one_includes_is_installed(self):
        include = self.prefix / "include"
        for file in include.rglob("*.h"):
            for name in re.findall(r'^#include "(daybook/[^"]+)"', file.read_text("utf-8"), flags=re.MULTILINE):
                self.assertTrue((include / name).is_file(), f"{file.relative_to(include)} includes {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("source", "build", "compiler", "launcher"):
        parser.add_argument(f"--{name}", default="")
    ARGS, rest = parser.parse_known_args()
    sys.exit(unittest.main(argv=[sys.argv[0], *rest], verbosity=2))
