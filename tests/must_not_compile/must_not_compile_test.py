"""Code that must not compile does not, and the compiler's message says what is missing.

usage: must_not_compile_test.py --source ROOT --compiler NAME=PATH… [--case NAME]

Each file in cases/ says in its first lines what the message must hold: "// expect: TEXT" for every compiler, or
"// expect-gcc: TEXT" and "// expect-clang: TEXT". The same file compiles with -DFIXED, which shows that nothing else is
wrong with it.
"""

import argparse
import functools
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ARGS = None
FLAGS = ["-std=c++20", "-fdiagnostics-color=never"]


def run(compiler, *arguments):
    command = [compiler, *FLAGS, "-I", f"{ARGS.source}/framework", *arguments]
    # The texts are the compilers' own English ones.
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})


@functools.cache
def compiled_door(compiler):
    """The options by which `compiler` uses door.h, which most cases include, as it compiled it once."""
    folder = tempfile.TemporaryDirectory(prefix="daybook-door-")
    unittest.addModuleCleanup(folder.cleanup)
    header = pathlib.Path(folder.name, "door.h")
    header.write_text(f'#include "{ARGS.source}/tests/must_not_compile/cases/door.h"\n', "utf-8")
    made = run(compiler, "-x", "c++-header", "-c", str(header), "-o", f"{header}.gch")
    assert made.returncode == 0, made.stderr
    return "-include", str(header)


def compile_case(compiler, case, *flags):
    door = compiled_door(compiler) if '#include "door.h"' in case.read_text("utf-8") else ()
    return run(compiler, "-fsyntax-only", *door, *flags, str(case))


def expectations(case, family):
    text = case.read_text("utf-8")
    return re.findall(rf"^// expect(?:-{family})?: (.*)$", text, flags=re.MULTILINE)


class MustNotCompileTest(unittest.TestCase):
    def check(self, family, compiler, case):
        fixed = compile_case(compiler, case, "-DFIXED")
        self.assertEqual(fixed.returncode, 0, f"with -DFIXED it compiles:\n{fixed.stderr}")
        broken = compile_case(compiler, case)
        self.assertNotEqual(broken.returncode, 0, "it must not compile")
        expected = expectations(case, family)
        self.assertTrue(expected, "it says what the message must hold")
        for text in expected:
            self.assertIn(text, broken.stderr)


def add_tests():
    cases = sorted((pathlib.Path(ARGS.source) / "tests/must_not_compile/cases").glob("*.cc"))
    for named in ARGS.compiler:
        family, compiler = named.split("=", 1)
        for case in cases:
            def test(self, family=family, compiler=compiler, case=case):
                self.check(family, compiler, case)
            setattr(MustNotCompileTest, f"test_{case.stem}_{family}", test)
    return len(cases)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--compiler", action="append", required=True)
    ARGS, rest = parser.parse_known_args()
    if not add_tests():
        sys.exit("no cases found")
    sys.exit(unittest.main(argv=[sys.argv[0], *rest], verbosity=2))
