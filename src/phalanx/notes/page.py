"""Chapters as HTML pages that need nothing from anywhere: text, formulas, code, and pictures beside them."""

import html
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from phalanx.notes.formulas import mathml

_CHAPTER = "chapter:"


def body(markdown: str, links: Mapping[str, str]) -> str:
    """Return Markdown as HTML; `links` are the addresses of what stands in backticks, by its name.

    A picture `![caption](name)` is the file `figures/name.svg`, or `figures/name-dark.svg` on a dark page, and a link
    to `chapter:name` the page of that chapter.
    """
    return _reader().render(markdown, {"links": links})


def page(title: str, inside: str, **places: str) -> str:
    """Return a whole page; `places` are the other parts of `page.html`, empty where they are not given."""
    given = {"navigation": "", "foot": "", **places}
    return Template(_file("page.html")).substitute(title=html.escape(title), body=inside, **given)


def stylesheet() -> str:
    """Return the style of all pages."""
    light, dark = (HtmlFormatter(style=style).get_style_defs("pre") for style in ("friendly", "github-dark"))
    coloured = "\n".join((light, f"@media (prefers-color-scheme: dark) {{\n{dark}\n}}"))
    return f"{coloured}\n{_file('page.css')}"


def _file(name: str) -> str:
    return (files("phalanx.notes") / name).read_text(encoding="utf-8")


class _Renderer(RendererHTML):
    """What differs from plain HTML: code, pictures, links between chapters and to parts."""

    def fence(self, tokens: Any, i: int, options: Any, env: Any) -> str:
        lexer = PythonLexer(stripnl=False)
        code = highlight(tokens[i].content, lexer, HtmlFormatter(nowrap=True))
        return f'<pre tabindex="0"><code>{code}</code></pre>\n'

    def code_inline(self, tokens: Any, i: int, options: Any, env: Any) -> str:
        text = tokens[i].content
        code = f"<code>{html.escape(text)}</code>"
        address = env["links"].get(re.split(r"\W", text, maxsplit=1)[0])
        return f'<a href="{address}">{code}</a>' if address else code

    def image(self, tokens: Any, i: int, options: Any, env: Any) -> str:
        name = str(tokens[i].attrs["src"])
        caption = self.renderInline(tokens[i].children or [], options, env)
        said = html.escape(tokens[i].content, quote=True)
        return (
            f'<span class="figure"><picture><source media="(prefers-color-scheme: dark)" '
            f'srcset="figures/{name}-dark.svg"><img src="figures/{name}.svg" alt="{said}" loading="lazy"></picture>'
            f'<span class="caption">{caption}</span></span>'
        )

    def link_open(self, tokens: Any, i: int, options: Any, env: Any) -> str:
        target = str(tokens[i].attrs["href"])
        if target.startswith(_CHAPTER):
            tokens[i].attrs["href"] = f"{target.removeprefix(_CHAPTER)}.html"
        return str(self.renderToken(tokens, i, options, env))

    def table_open(self, tokens: Any, i: int, options: Any, env: Any) -> str:
        return '<div class="wide"><table>'

    def table_close(self, tokens: Any, i: int, options: Any, env: Any) -> str:
        return "</table></div>"


@cache
def _reader() -> MarkdownIt:
    def formula(tex: str, at: dict[str, Any]) -> str:
        return mathml(tex, at["display_mode"])

    reader = MarkdownIt("commonmark", {"html": False, "typographer": False}, renderer_cls=_Renderer).enable("table")
    reader.use(dollarmath_plugin, renderer=formula, double_inline=True)
    return reader.use(anchors_plugin, max_level=3)
