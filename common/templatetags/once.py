"""The tag `{% once %}`: a piece of a template that is alike on every page in a language, written once in a process."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import Parser, Token
from django.template.loader_tags import BlockNode

from common.once import OncePerLanguage

register = template.Library()
_pieces: OncePerLanguage[str] = OncePerLanguage()


class _Nothing(Context):
    """The context of such a piece. It is empty, so nothing of a request can come into what others read. What the page
    knows under a name is refused: the piece would ask for it in vain."""

    def __init__(self, page: Context) -> None:
        super().__init__()
        self._page = page

    def __getitem__(self, key: Any) -> Any:
        self._refuse(key)
        return super().__getitem__(key)

    def get(self, key: Any, otherwise: Any = None) -> Any:
        self._refuse(key)
        return super().get(key, otherwise)

    def _refuse(self, key: Any) -> None:
        if key in self._page and key not in self:
            raise TemplateSyntaxError(f"“{key}” is of one page: it cannot stand between once and endonce")


class OnceNode(Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        return _pieces.get(self, lambda: self._write(context))

    def _write(self, page: Context) -> str:
        alone, template_of_page = _Nothing(page), page.template
        if template_of_page is None:
            raise TemplateSyntaxError("a piece is written with its page")
        with alone.bind_template(template_of_page):
            return self.nodelist.render(alone)


@register.tag
def once(parser: Parser, token: Token) -> OnceNode:
    """What stands before `endonce` says the same to everybody who reads the language: it may hold sentences, addresses,
    limits, included pieces with fixed values; nothing that the view gives to the page, and no block."""
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    if nodelist.get_nodes_by_type(BlockNode):
        raise TemplateSyntaxError("a block cannot stand between once and endonce: each page has its own")
    return OnceNode(nodelist)
