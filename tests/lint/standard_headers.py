#!/usr/bin/env python3
"""Names of the standard library have their header included: by the file that uses them, or by a header of ours that it includes.

What a header of the standard library includes for its own needs differs from release to release of it: a file that compiles with one
need not compile with the next. Usage: standard_headers.py [PROJECT]
"""
import re
import sys
from pathlib import Path

ALGORITHMS = """adjacent_find all_of any_of binary_search clamp copy copy_if copy_n count count_if equal equal_range fill fill_n find find_if
find_if_not for_each generate includes inplace_merge is_sorted lexicographical_compare lower_bound max max_element min min_element minmax
mismatch none_of nth_element partial_sort partition prev_permutation next_permutation remove remove_if replace replace_if reverse rotate
search set_difference set_intersection set_union shuffle sort stable_partition stable_sort swap_ranges transform unique upper_bound""".split()
# Header: names in std, or patterns of whole names.
NAMES = {
    "algorithm": [rf"std::(?:ranges::)?(?:{'|'.join(ALGORITHMS)})\("],
    "array": [r"std::array\b"],
    "atomic": [r"std::atomic\b"],
    "charconv": [r"std::(?:from|to)_chars\b"],
    "chrono": [r"std::chrono\b"],
    "condition_variable": [r"std::condition_variable(?:_any)?\b"],
    "cstdint": [r"\bu?int(?:8|16|32|64)_t\b"],
    "cstring": [r"std::(?:mem(?:cpy|move|cmp|set|chr)|str(?:len|error|cmp|chr))\b"],
    "deque": [r"std::deque\b"],
    "exception": [r"std::(?:exception_ptr|current_exception|rethrow_exception|uncaught_exceptions|terminate)\b"],
    "filesystem": [r"std::filesystem\b"],
    "functional": [r"std::(?:function|less|greater|hash|reference_wrapper|c?ref|invoke)\b(?!_)"],
    "iterator": [r"std::(?:back_inserter|inserter|make_move_iterator|istreambuf_iterator)\b"],
    "limits": [r"std::numeric_limits\b"],
    "list": [r"std::list\b"],
    "map": [r"std::(?:multi)?map\b"],
    "memory": [r"std::(?:unique_ptr|shared_ptr|weak_ptr|make_unique|make_shared|addressof|enable_shared_from_this)\b"],
    "mutex": [r"std::(?:mutex|lock_guard|unique_lock|scoped_lock|once_flag|call_once)\b"],
    "numeric": [r"std::(?:accumulate|iota|gcd|lcm|partial_sum|reduce)\b"],
    "optional": [r"std::(?:optional|nullopt|make_optional)\b"],
    "set": [r"std::(?:multi)?set\b"],
    "span": [r"std::(?:span|as_bytes|as_writable_bytes)\b"],
    "stop_token": [r"std::stop_(?:token|source|callback)\b"],
    "string": [r"std::(?:string|to_string|getline)\b"],
    "string_view": [r"std::string_view\b"],
    "thread": [r"std::(?:jthread|thread|this_thread)\b"],
    "tuple": [r"std::(?:tuple|tie|make_tuple|forward_as_tuple)\b"],
    "unordered_map": [r"std::unordered_map\b"],
    "unordered_set": [r"std::unordered_set\b"],
    "utility": [r"std::(?:exchange|swap|pair|make_pair|as_const|in_place\w*)\b"],
    "variant": [r"std::(?:variant|visit|get_if|holds_alternative|monostate)\b"],
    "vector": [r"std::vector\b"],
}
# What includes what by the standard, or as a part of the same idea in every library.
ALSO = {"string": {"string_view"}, "cstdint": {"stdint.h"}, "cstring": {"string.h"}, "thread": {"stop_token"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# Comments, literals: nothing in them is a name. Includes are looked for before.
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


class Project:
    def __init__(self, root):
        self._root, self._texts, self._closures = root, {}, {}

    def files(self):
        for folder in ["include", "src", "tests/support", "tests/unit"]:
            for end in ["*.h", "*.cc"]:
                yield from sorted((self._root / folder).rglob(end))

    def _text(self, path):
        if path not in self._texts:
            self._texts[path] = path.read_text()
        return self._texts[path]

    def _ours(self, path, name):
        for folder in [path.parent, self._root / "include", self._root / "tests", self._root / "tests/unit"]:
            found = (folder / name).resolve()
            if found.is_file():
                return found
        return None

    def closure(self, path):
        """Standard headers that a file includes, itself or through ours."""
        if path not in self._closures:
            self._closures[path] = found = set()
            for mark, name in INCLUDE.findall(self._text(path)):
                ours = self._ours(path, name)
                if ours:
                    found |= self.closure(ours)
                elif mark == "<":
                    found.add(name)
            for name in list(found):
                for more, headers in ALSO.items():
                    if name in headers:
                        found.add(more)
                found |= ALSO.get(name, set()) if name == "string" else set()
        return self._closures[path]

    def missing(self, path):
        """{header: the first name that needs it}."""
        code = NOISE.sub(" ", INCLUDE.sub(" ", self._text(path)))
        lacking = {}
        for header, patterns in NAMES.items():
            if header in self.closure(path):
                continue
            for pattern in patterns:
                if match := re.search(pattern, code):
                    lacking[header] = match.group().rstrip("(")
        return lacking


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]).resolve()
    project, bad = Project(root), 0
    for path in project.files():
        for header, name in project.missing(path.resolve()).items():
            print(f"{path.relative_to(root)}: {name} without #include <{header}>")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
