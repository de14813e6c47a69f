#!/usr/bin/env python3
"""The documents show compiled code: every snippet equals its region, and every link leads somewhere.

usage: check_snippets.py [--update] [FILE…]       also as ./dev docs [--update]; without FILE: docs/ and README.md

In a document, before a fenced block:   <!-- snippet PATH NAME -->   (without NAME: the whole file)
In the code, around the region:         // [NAME]   …   // [NAME]    (or # in CMake and scripts, -- in SQL)
--update copies the regions into the documents.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SNIPPET = re.compile(r"<!-- snippet (\S+)(?: (\S+))? -->\n```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANNOUNCED = re.compile(r"<!-- snippet ")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


class DocError(Exception):
    pass


def dedent(lines):
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return [line[min(indents, default=0) :].rstrip() for line in lines]


def region(path, name, root):
    file = root / path
    if not file.is_file():
        raise DocError(f"there is no file {path}")
    lines = file.read_text("utf-8").splitlines()
    marker = re.compile(r"^\s*(?://|#|--) \[([\w-]+)\]\s*$")
    if name is None:
        return "\n".join(line for line in lines if not marker.match(line)) + "\n"
    at = [i for i, line in enumerate(lines) if (m := marker.match(line)) and m.group(1) == name]
    if len(at) != 2:
        raise DocError(f"{path} has {len(at)} lines [{name}]; a region has one before and one after")
    inside = [line for line in lines[at[0] + 1 : at[1]] if not marker.match(line)]
    return "\n".join(dedent(inside)) + "\n"


def renew(text, root):
    """The document with every snippet as the code has it."""
    if len(ANNOUNCED.findall(text)) != len(SNIPPET.findall(text)):
        raise DocError("a <!-- snippet … --> is not followed by a fenced block")

    def replace(m):
        name = f" {m.group(2)}" if m.group(2) else ""
        return f"<!-- snippet {m.group(1)}{name} -->\n```{m.group(3)}\n{region(m.group(1), m.group(2), root)}```"

    return SNIPPET.sub(replace, text)


def headings(text):
    """The anchors of a document's headings, as they are made from them on the usual hosts."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for title in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).strip().replace(" ", "-")


def broken_links(file, text):
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    for m in LINK.finditer(text):
        target = m.group(1) or m.group(2)
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (file.parent / path).resolve() if path else file
        if not linked.exists():
            yield f"the link {target} leads nowhere"
        elif anchor and linked.suffix == ".md" and anchor not in headings(linked.read_text("utf-8")):
            yield f"the link {target} names a heading that is not there"


def check(file, root, update):
    text = file.read_text("utf-8")
    problems = []
    try:
        renewed = renew(text, root)
    except DocError as error:
        return [str(error)]
    if renewed != text:
        if update:
            file.write_text(renewed, "utf-8")
            print(f"updated {file}")
        else:
            problems.append("a snippet differs from the code: ./dev docs --update")
    return problems + list(broken_links(file, renewed))


def decisions_problems(root, update):
    """docs/adr: one number a decision, its title begins with it, and the index lists all."""
    folder = root / "docs/adr"
    rows, seen = [], {}
    for file in sorted(folder.glob("[0-9]*.md")):
        number = int(file.name.split("-")[0])
        title = file.read_text("utf-8").split("\n", 1)[0]
        if number in seen:
            yield f"{file.name} and {seen[number]} have one number: take the next free one"
        seen[number] = file.name
        if not title.startswith(f"# {number}. "):
            yield f"{file.name} begins with '# {number}. ' and its title"
        rows.append(f"| {number} | [{title.removeprefix(f'# {number}. ')}]({file.name}) |\n")
    index = folder / "README.md"
    if not rows or not index.exists():
        return
    text = index.read_text("utf-8")
    renewed = re.sub(r"(\|---\|---\|\n).*", lambda m: m.group(1) + "".join(rows), text, flags=re.DOTALL)
    if renewed != text and update:
        index.write_text(renewed, "utf-8")
    elif renewed != text:
        yield "docs/adr/README.md does not list the decisions as they are: ./dev docs --update"


def missing_in_index(root):
    """docs/README.md names every how-to guide and every page of the reference; folders are named as a whole."""
    index = root / "docs/README.md"
    if not index.exists():
        return
    linked = {m.group(1) for m in LINK.finditer(index.read_text("utf-8"))}
    for folder in ("how-to", "reference"):
        for file in sorted((root / "docs" / folder).glob("*.md")):
            if f"{folder}/{file.name}" not in linked:
                yield f"docs/README.md does not list {folder}/{file.name}"


def documents(root):
    return [file for file in [root / "README.md", root / "CHANGELOG.md"] if file.exists()] + sorted(
        (root / "docs").rglob("*.md")
    )


def main(arguments, root=ROOT):
    update = "--update" in arguments
    files = [pathlib.Path(a).resolve() for a in arguments if not a.startswith("--")] or documents(root)
    bad = 0
    for file in files:
        for problem in check(file, root, update):
            bad += 1
            print(f"{file.relative_to(root)}: {problem}")
    for problem in [*decisions_problems(root, update), *missing_in_index(root)]:
        bad += 1
        print(problem)
    print(f"docs: {len(files)} documents, {bad} problems")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
