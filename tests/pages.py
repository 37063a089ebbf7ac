"""Programs on pages: the code blocks of a Markdown file, run from top to bottom with one set of names."""

import doctest
import io
import re
from typing import NamedTuple


class Block(NamedTuple):
    """A fenced block: ``python`` is run, ``pycon`` is compared with what it shows."""

    language: str
    code: str
    line: int  # of its first line in the file


def blocks(text, *languages):
    """The blocks of these languages, in order."""
    found = re.finditer(rf"^```({'|'.join(languages or ('python', 'pycon'))})\n(.*?)^```", text, flags=re.S | re.M)
    return [Block(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in found]


def without(text, *parts):
    """A text without its generated parts, from ``<!-- part -->`` to ``<!-- end -->``; no line moves."""
    pattern = rf"<!-- ({'|'.join(parts)}) -->.*?<!-- end -->"
    return re.sub(pattern, lambda m: "\n" * m[0].count("\n"), text, flags=re.S)


def run(block, names, file):
    """Run one block. Tracebacks show the line of the page; an example that shows something else raises."""
    if block.language == "python":
        exec(compile("\n" * (block.line - 1) + block.code, str(file), "exec"), names)
        return
    example = doctest.DocTestParser().get_doctest(block.code, {}, str(file), str(file), block.line - 1)
    example.globs = names
    told = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=told.write, clear_globs=False)
    assert not runner.failures, told.getvalue()


def run_page(text, names, file, *languages):
    """Run all blocks of a page, or those of some languages; returns the names that it leaves."""
    for block in blocks(text, *languages):
        run(block, names, file)
    return names


def lines_of_code(code):
    """How many lines are not empty."""
    return sum(bool(line.strip()) for line in code.splitlines())
