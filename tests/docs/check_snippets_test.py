"""Shows the check of the documents going red. Run by ctest; by hand: python3 tests/docs/check_snippets_test.py"""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_snippets  # noqa: E402

CODE = "int a;\n  // [body]\n  int b;\n    int c;\n  // [body]\n"
GOOD = "# T\n\n<!-- snippet x.cc body -->\n```cpp\nint b;\n  int c;\n```\n"


class SnippetsTest(unittest.TestCase):
    def run_on(self, document, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "x.cc").write_text(CODE)
            (root / "docs/d.md").write_text(document)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = check_snippets.main(list(arguments), root)
            return code, printed.getvalue(), (root / "docs/d.md").read_text()

    def test_a_snippet_that_equals_its_region_is_good(self):
        self.assertEqual(self.run_on(GOOD)[0], 0)

    def test_one_that_differs_is_named_and_update_copies_the_code(self):
        bad = GOOD.replace("int c", "int d")
        code, text, _ = self.run_on(bad)
        self.assertEqual(code, 1)
        self.assertIn("docs/d.md: a snippet differs", text)
        code, _, renewed = self.run_on(bad, "--update")
        self.assertEqual((code, renewed), (0, GOOD))

    def test_a_missing_file_region_or_block_is_named(self):
        other_file, other_region = GOOD.replace("x.cc", "y.cc"), GOOD.replace(" body -->", " tail -->")
        for bad in [other_file, other_region, "<!-- snippet x.cc body -->\n"]:
            self.assertEqual(self.run_on(bad)[0], 1, bad)

    def test_regions_are_marked_in_the_comments_of_each_language(self):
        with tempfile.TemporaryDirectory() as folder:
            for mark in ("//", "#", "--"):
                (pathlib.Path(folder) / "x").write_text(f"{mark} [a]\nbody\n{mark} [a]\n")
                self.assertEqual(check_snippets.region("x", "a", pathlib.Path(folder)), "body\n")

    def test_links_lead_somewhere(self):
        self.assertEqual(self.run_on("# A b\n[up](../x.cc) [here](#a-b) [web](https://example.org) `[c](d)`\n")[0], 0)
        for bad in ["[gone](gone.md)\n", "# A\n[here](#b)\n", "![picture](gone.svg)\n"]:
            self.assertEqual(self.run_on(bad)[0], 1, bad)

    def test_decisions_have_a_number_each_and_are_listed(self):
        with tempfile.TemporaryDirectory() as folder:
            adr = pathlib.Path(folder) / "docs/adr"
            adr.mkdir(parents=True)
            (adr / "README.md").write_text("# D\n\n| # | D |\n|---|---|\n")
            (adr / "0001-a.md").write_text("# 1. A\n")

            def problems(update=False):
                return list(check_snippets.decisions_problems(pathlib.Path(folder), update))

            self.assertEqual(len(problems()), 1)
            problems(update=True)
            self.assertEqual(problems(), [])
            self.assertIn("| 1 | [A](0001-a.md) |", (adr / "README.md").read_text())
            (adr / "0001-b.md").write_text("# 1. B\n")
            self.assertEqual(len(problems()), 2)

    def test_every_page_is_in_the_index(self):
        with tempfile.TemporaryDirectory() as folder:
            docs = pathlib.Path(folder) / "docs"
            (docs / "how-to").mkdir(parents=True)
            (docs / "how-to/a.md").write_text("# A\n")
            (docs / "README.md").write_text("# D\n")
            self.assertEqual(len(list(check_snippets.missing_in_index(pathlib.Path(folder)))), 1)
            (docs / "README.md").write_text("# D\n\n[A](how-to/a.md)\n")
            self.assertEqual(list(check_snippets.missing_in_index(pathlib.Path(folder))), [])


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
