"""A source file as the lint sees it: its text, its text without comments and literals, its includes, its functions."""

import dataclasses
import re

TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<raw>R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)")
  | (?P<literal>"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL,
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Function:
    line: int  # of its signature's first line
    lines: int
    name: str


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One file. `path` is relative to the repository's root, with forward slashes."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        # Comments and literals become blanks; every other character keeps its place.
        self.code = TOKEN.sub(lambda m: _blank(m.group()), text)
        self.comments = "".join(self._comments())
        self.includes = [
            (text.count("\n", 0, m.start()) + 1, m.group(2), m.group(1) == "<") for m in INCLUDE.finditer(text)
        ]

    def _comments(self):
        end = 0
        for m in TOKEN.finditer(self.text):
            yield _blank(self.text[end : m.start()])
            yield m.group() if m.group("comment") else _blank(m.group())
            end = m.end()
        yield _blank(self.text[end:])

    @property
    def is_header(self):
        return self.path.endswith(".h")

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cc"))

    @property
    def is_test(self):
        """Part of a test: may use gtest, the testing kit, and what else tests need."""
        return (
            "/tests/" in self.path
            or self.path.startswith("tests/")
            or self.path.endswith("_test.cc")
            or re.search(r"^framework/daybook/\w+/testing/", self.path) is not None
        )

    @property
    def is_public_header(self):
        return (
            self.is_header and self.path.startswith("framework/") and "/internal/" not in self.path and not self.is_test
        )

    def line_at(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def functions(self):
        """Every function body that is not inside another one; a lambda counts with the function it stands in."""
        # Preprocessor lines would put unpaired braces and half expressions in the way.
        code = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: _blank(m.group()), self.code, flags=re.MULTILINE)
        head_start, depth_of_function, depth, open_parens = 0, None, 0, 0
        begin, name = 0, ""
        for m in re.finditer(r"[{};()]", code):
            c = m.group()
            if c in "()":
                open_parens += 1 if c == "(" else -1
            elif c == "{":
                if depth_of_function is None:
                    head = code[head_start : m.start()]
                    if open_parens == 0 and _is_function_head(head):
                        depth_of_function, name = depth, _name_of(head)
                        begin = self.line_at(head_start + len(head) - len(_without_prefix(head)))
                depth += 1
                if depth_of_function is None and open_parens == 0:
                    head_start = m.end()
            elif c == "}":
                depth -= 1
                if depth_of_function is not None and depth == depth_of_function:
                    yield Function(begin, self.line_at(m.start()) - begin + 1, name)
                    depth_of_function = None
                    head_start = m.end()
                elif depth_of_function is None and open_parens == 0:
                    head_start = m.end()
            elif depth_of_function is None and open_parens == 0:
                head_start = m.end()


def _without_prefix(head):
    return re.sub(r"^\s*(?:(?:public|private|protected)\s*:\s*)*", "", head)


def _is_function_head(head):
    head = _without_prefix(head)
    if ")" not in head or re.match(r"(?:namespace|class|struct|union|enum|extern|concept)\b", head):
        return False
    if re.search(r"\bconcept\b", head):
        return False
    # "x = f(…) {" is an initialiser; "operator==(…) {" is not.
    plain = re.sub(r"operator\s*[^\s(]+", "operator", head)
    plain = re.sub(r"\([^()]*\)", "()", re.sub(r"\([^()]*\)", "()", plain))
    return re.search(r"(?<![=!<>])=(?!=)", plain) is None


def _name_of(head):
    head = re.sub(r"\brequires\s*\((?:[^()]|\([^()]*\))*\)", "", _without_prefix(head))
    m = re.search(r"([~\w:]+|operator\s*[^\s(]+)\s*\(", head)
    return m.group(1) if m else "function"
