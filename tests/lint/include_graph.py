#!/usr/bin/env python3
"""Holds the code to cmake/parts.cmake: who may include whom.

    include_graph.py [PROJECT]    PROJECT defaults to the folder two above this file

Every file of a part (src/PART, include/gbuild/PART, tests/unit/PART) may include headers of its own part and of those that
its USES names. For each offending include the chain that leads to it is printed, from a file that is compiled. Exit code:
0 nothing to say, 1 violations.
"""
import re
import sys
from collections import deque
from pathlib import Path

PART = re.compile(r"gbuild_part\(\s*(\w+)([^)]*)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_parts(project):
    """{part: parts it may include}, in the order of declaration."""
    text = re.sub(r"#.*", "", (project / "cmake" / "parts.cmake").read_text())
    parts = {}
    for name, rest in PART.findall(text):
        uses = re.search(r"\bUSES\b(.*?)(?=\bLIBS\b|$)", rest, re.S)
        parts[name] = uses.group(1).split() if uses else []
    return parts


def check_parts(project, parts):
    """Complaints about parts.cmake itself: dependencies run downwards, and every folder is a declared part."""
    seen = set()
    for name, uses in parts.items():
        for used in uses:
            if used not in seen:
                yield f"cmake/parts.cmake: {name} uses {used}, which is not declared before it"
        seen.add(name)
    for folder in ["src", "include/gbuild", "tests/unit"]:
        for path in sorted((project / folder).glob("*/")):
            if path.is_dir() and path.name not in parts:
                yield f"{path.relative_to(project)}: no such part in cmake/parts.cmake"


def part_of(project, path):
    relative = path.relative_to(project).parts
    for prefix in [("src",), ("include", "gbuild"), ("tests", "unit")]:
        if relative[:len(prefix)] == prefix and len(relative) > len(prefix) + 1:
            return relative[len(prefix)]
    return None


def includes(project, path):
    """Files of the project that `path` includes."""
    for name in INCLUDE.findall(path.read_text(errors="replace")):
        for candidate in [path.parent / name, project / "include" / name, project / "tests" / name, project / "src" / name]:
            if candidate.is_file():
                yield Path(candidate).resolve()
                break


def code_files(project):
    for folder in ["src", "include", "tests"]:
        for pattern in ["*.cc", "*.h"]:
            yield from sorted((project / folder).rglob(pattern))


def offences(project, parts):
    graph = {path.resolve(): list(includes(project, path)) for path in code_files(project)}
    starts = [path for path in graph if path.suffix == ".cc"]
    for path, targets in graph.items():
        part = part_of(project, path)
        if part not in parts:
            continue
        for target in targets:
            other = part_of(project, target)
            if other in parts and other != part and other not in parts[part]:
                chain = chain_to(graph, starts, path) + [target]
                shown = "\n    → ".join(str(step.relative_to(project)) for step in chain)
                yield f"{part} may not include {other}:\n      {shown}"


def chain_to(graph, starts, goal):
    """The shortest way from a compiled file to `goal`, or `goal` alone when nothing compiled includes it."""
    if goal in starts:
        return [goal]
    came_from = dict.fromkeys(starts)
    queue = deque(starts)
    while queue:
        here = queue.popleft()
        if here == goal:
            chain = [here]
            while came_from[chain[0]] is not None:
                chain.insert(0, came_from[chain[0]])
            return chain
        for target in graph.get(here, []):
            if target not in came_from:
                came_from[target] = here
                queue.append(target)
    return [goal]


def main(arguments):
    project = Path(arguments[0] if arguments else Path(__file__).parents[2]).resolve()
    parts = read_parts(project)
    complaints = [*check_parts(project, parts), *offences(project, parts)]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
