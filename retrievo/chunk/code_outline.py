"""Where the definitions of a source text are, by a tree-sitter grammar.

What is too large for a chunk is looked into, and nothing else: cAST (Zhang et al. 2025) splits
the same way. Only what a child process needs is imported here.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from tree_sitter import Language, Node, Parser

_DEFINITIONS = frozenset(
    """function_definition function_declaration function_item generator_function_declaration
    method_definition method_declaration method singleton_method constructor_declaration
    class_definition class_declaration abstract_class_declaration class class_specifier
    struct_specifier struct_item struct_declaration union_specifier union_item enum_specifier
    enum_item enum_declaration interface_declaration record_declaration trait_item
    trait_declaration impl_item mod_item module internal_module namespace_definition
    namespace_declaration macro_definition type_declaration type_alias_declaration
    annotation_type_declaration property_declaration object_declaration protocol_declaration
    extension_declaration""".split()
)
_WRAPPERS = frozenset(
    """decorated_definition export_statement template_declaration ambient_declaration
    lexical_declaration variable_declaration variable_declarator declaration
    expression_statement""".split()
)
_VALUES = frozenset({"arrow_function", "function_expression", "function", "class"})
_FUNCTION = re.compile("function|method|constructor|macro|property")
_BEFORE = re.compile("comment|attribute_item|attribute_list|decorator|annotation")
_ASCII_SPACE = re.compile(r"[^\S\x00-\x7f]|\ufeff")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LEVELS = 4
_DEEPEST = 12  # definitions inside of one another that a context names
_LONGEST = 120  # characters of a signature

Run = tuple[int, int, tuple[str, ...], int, str]


class Outline(NamedTuple):
    """All places are in characters and in order.

    `runs` are the whole text: start, end, the signatures that it stands under, how many of them do
    not begin it, and the innermost definition's name. `kept` are definitions that fit, with the
    comments before them. `levels` are the ends of statements, the outermost first. `symbols` says
    where the definition of a name begins.
    """

    runs: list[Run]
    kept: list[tuple[int, int]]
    levels: list[list[int]]
    symbols: list[tuple[int, str]]


def grammar(language: str) -> Language:
    """The grammar of an installed tree_sitter_LANGUAGE; ImportError where there is none.

    ValueError where it is of another version of tree-sitter.
    """
    module = import_module(f"tree_sitter_{'typescript' if language == 'tsx' else language}")
    make = getattr(module, f"language_{language}", None) or getattr(module, "language", None)
    if make is None:
        raise ImportError(f"{module.__name__} has no language()")
    return Language(make())


def outline(language: str, text: str, starts: Sequence[int], budget: int) -> Outline:
    """The outline for chunks of at most `budget` of the tokens that start at `starts`."""

    def tokens(start: int, end: int) -> int:
        return bisect_left(starts, end) - bisect_left(starts, start)

    def fits(start: int, end: int) -> bool:
        return tokens(start, end) <= budget

    def short(start: int, end: int) -> bool:
        return tokens(start, end) <= budget // 4

    # One byte a character, so that the parser's offsets are the text's.
    plain = _NOT_ASCII.sub("x", _ASCII_SPACE.sub(" ", text)).encode("ascii")
    tree = Parser(grammar(language)).parse(plain)
    return _Walk(text, fits, short).of(tree.root_node)


class _Group(NamedTuple):
    """A statement with the comments before it and what follows on its line."""

    start: int
    end: int
    nodes: list[Node]


class _Frame(NamedTuple):
    groups: Iterator[_Group]
    level: int
    path: tuple[str, ...]
    name: str
    names_only: bool
    end: int | None  # of a definition: the run outside of it goes on there


class _Walk:
    """Without recursion: code may nest as deep as it likes."""

    def __init__(
        self,
        text: str,
        fits: Callable[[int, int], bool],
        short: Callable[[int, int], bool],
    ) -> None:
        self._text, self._fits, self._short = text, fits, short
        self._opened: list[tuple[int, tuple[str, ...], int, str]] = [(0, (), 0, "")]
        self._out = Outline([], [], [[] for _ in range(_LEVELS)], [])

    def of(self, root: Node) -> Outline:
        stack = [_Frame(_groups(root.children), 0, (), "", False, None)]
        while stack:
            frame = stack[-1]
            group = next(frame.groups, None)
            if group is not None:
                stack.extend(self._within(frame, group))
                continue
            stack.pop()
            if frame.end is not None:
                outer = stack[-1]
                self._opened.append((frame.end, outer.path, len(outer.path), outer.name))
        for places in self._out.levels:
            places.sort()
        ends = [start for start, *_ in self._opened[1:]] + [len(self._text)]
        runs = self._out.runs
        for (start, path, above, name), end in zip(self._opened, ends, strict=True):
            if runs and self._leads(runs[-1], path):
                first, _, _, above, _ = runs.pop()
                start = first
            if start < end:
                runs.append((start, end, path, above, name))
        return self._out

    def _leads(self, run: Run, path: tuple[str, ...]) -> bool:
        """Whether a run is a short beginning of a definition, and what comes next is inside it."""
        start, end, own, above, _ = run
        return above < len(own) < len(path) and path[: len(own)] == own and self._short(start, end)

    def _within(self, frame: _Frame, group: _Group) -> Iterator[_Frame]:
        """What has to be looked into of a group, after what is known of it is noted."""
        start, end, nodes = group
        found = _definition(nodes[-1])
        level, path = frame.level, frame.path
        name = ""
        if found is not None:
            name = _name(found, self._text)
            name = ".".join(filter(None, (frame.name, name)))[-_LONGEST:] if name else ""
            if name:
                self._out.symbols.append((start, name))
        body = _body(found) if found is not None else None
        contains = found is not None and not _FUNCTION.search(found.type)
        if frame.names_only or self._fits(start, end):
            if not frame.names_only:
                self._out.levels[min(level, _LEVELS - 1)].append(end)
                if found is not None:
                    self._out.kept.append((start, end))
            if contains and body is not None:
                yield _Frame(_groups(body.children), level, path, name or frame.name, True, None)
            return
        self._out.levels[min(level, _LEVELS - 1)].append(end)
        if body is not None and len(path) < _DEEPEST:
            under = (*path, _signature(nodes[-1], found, body, self._text))
            self._opened.append((start, under, len(path), name or frame.name))
            yield _Frame(_groups(body.children), level + 1, under, name or frame.name, False, end)
            return
        for node in reversed(nodes):
            yield _Frame(_groups(node.children), level + 1, path, frame.name, False, None)


def _groups(children: Sequence[Node]) -> Iterator[_Group]:
    start = end = last = 0
    nodes: list[Node] = []
    waiting = False  # for what the comments are about
    for node in children:
        row = node.start_point.row
        if nodes and (not node.is_named or (row == last and _BEFORE.search(node.type))):
            end = max(end, node.end_byte)
            continue
        if not node.is_named or node.start_byte == node.end_byte:
            continue
        if not nodes or not waiting or row > last + 1:
            if nodes:
                yield _Group(start, end, nodes)
            start, nodes = node.start_byte, []
        nodes.append(node)
        end, last = node.end_byte, node.end_point.row
        if node.end_point.column == 0 and last > row:
            last -= 1
        waiting = bool(_BEFORE.search(node.type))
    if nodes:
        yield _Group(start, end, nodes)


def _definition(node: Node) -> Any:
    """The definition that a statement is or holds, None without one."""
    for _ in range(4):
        if node.type in _DEFINITIONS or node.type in _VALUES:
            return node if node.is_named else None
        if node.type not in _WRAPPERS:
            return None
        inner = [
            child
            for child in node.named_children[:8]
            if child.type in _DEFINITIONS or child.type in _WRAPPERS or child.type in _VALUES
        ]
        if not inner:
            return None
        node = inner[-1]
    return None


def _body(definition: Node) -> Node | None:
    body = definition.child_by_field_name("body")
    if body is None and definition.named_children:
        last = definition.named_children[-1]
        body = last if re.search("body|block|list", last.type) else None
    return body


def _name(definition: Node, text: str) -> str:
    node: Node | None = definition
    if definition.type in _VALUES and definition.parent is not None:
        named = definition.parent.child_by_field_name("name")
        if named is not None:
            return text[named.start_byte : named.end_byte][:_LONGEST]
    for _ in range(8):
        assert node is not None
        for field in ("name", "declarator", "type"):
            found = node.child_by_field_name(field)
            if found is not None:
                break
        else:
            break
        node = found
    if node is None or node is definition:
        return ""
    return " ".join(text[node.start_byte : node.end_byte].split())[:_LONGEST]


def _signature(statement: Node, definition: Node, body: Node, text: str) -> str:
    begin = definition.start_byte
    if definition.type in _VALUES:
        begin = statement.start_byte
    said = " ".join(text[begin : min(body.start_byte, begin + 10 * _LONGEST)].split())
    return said.rstrip(" {:=>")[:_LONGEST].rstrip() or definition.type
