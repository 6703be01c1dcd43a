#!/usr/bin/env python3
"""clang-tidy over the sources, as .clang-tidy says; what has not changed since it passed is not looked at again.

    tidy.py [--analyze] [--jobs N] [--project FOLDER] BUILD_FOLDER [PART...]    parts of src; all without

Most of a source's time goes into the headers it includes, so the sources of a part are looked at together, as one text:
pasted, not included, because the analyzer looks at nothing but functions of the main file. BUILD_FOLDER, configured, tells
how a part is compiled. What a verdict depends on is the preprocessed text, the checks and the program, so a digest of these
is kept for each text that passed. Exit code: 0 nothing to say, 1 findings.
"""
import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LINES_TOGETHER = 2500  # enough texts to keep a few processors busy

# With --analyze: the path-sensitive analyzer, too. Left out of it:
#   optin.*                     padding, MPI, other people's styles
#   cplusplus.NewDeleteLeaks    loses sight of a unique_ptr that is moved; the address sanitizer sees leaks
ANALYZER = "clang-analyzer-*,-clang-analyzer-optin.*,-clang-analyzer-cplusplus.NewDeleteLeaks"


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gbuild-tidy"


class Text:
    """Sources of a part, as one file; knows which line came from where."""

    def __init__(self, part):
        self.part = part
        self.sources = []
        self.lines = []
        self.path = None

    def add(self, source):
        # The verdict's digest then depends on where things are, and messages can be put right.
        self.lines += [f"// {source.name}"]
        self.sources.append((len(self.lines), source))
        self.lines += source.read_text().splitlines()

    def write(self, path):
        self.path = path
        path.write_text("\n".join(self.lines) + "\n")

    def origin(self, line):
        start, source = max((start, source) for start, source in self.sources if start < line or start == 1)
        return source, line - start

    def put_right(self, findings):
        """`findings` with names and lines of the sources."""
        def replace(match):
            source, line = self.origin(int(match[1]))
            return f"{source}:{line}"
        return re.sub(re.escape(str(self.path)) + r":(\d+)", replace, findings)


def texts_of(part, sources):
    texts = []
    for source in sources:
        if not texts or len(texts[-1].lines) > LINES_TOGETHER:
            texts.append(Text(part))
        texts[-1].add(source)
    return texts


def flags_of(part, entries, folder):
    """How a part is compiled, without what is compiled and what comes out, and with what single sources have of their own."""
    flags = {}
    for entry in entries:
        words = shlex.split(entry["command"])
        if f"/gbuild_{part}.dir/" in words[words.index("-o") + 1]:
            compiler = next(at for at, word in enumerate(words) if not word.endswith("ccache"))
            kept = words[compiler + 1:words.index("-o")]
            pairs = [(word, kept[at + 1]) if word == "-isystem" else (word,) for at, word in enumerate(kept)
                     if at == 0 or kept[at - 1] != "-isystem"]
            flags.update(dict.fromkeys(pairs))
    if not flags:
        raise SystemExit(f"no source of {part} in compile_commands.json")
    return [*(word for pair in flags for word in pair if not word.startswith("-W")), "-iquote", str(folder)]


def examine(text, flags, project, checks, salt, passed):
    seen = subprocess.run(["clang++", *flags, "-E", "-P", str(text.path)], capture_output=True, check=False)
    digest = hashlib.sha256(salt + seen.stdout).hexdigest() if seen.returncode == 0 else None
    if digest and (passed / digest).exists():
        return ""
    done = subprocess.run(["clang-tidy", "--quiet", f"--config-file={project / '.clang-tidy'}", f"--checks={checks}", str(text.path),
                           "--", *flags],
                          capture_output=True, text=True, check=False)
    if done.returncode == 0 and digest:
        (passed / digest).touch()
        return ""
    return text.put_right(done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--analyze", action="store_true", help="the path-sensitive analyzer, too; takes minutes")
    parser.add_argument("--project", type=Path, default=Path(__file__).parents[2])
    parser.add_argument("build", type=Path)
    parser.add_argument("parts", nargs="*")
    options = parser.parse_args()
    project = options.project.resolve()
    entries = json.loads((options.build / "compile_commands.json").read_text())
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    checks = ANALYZER if options.analyze else ""
    salt = version + (project / ".clang-tidy").read_bytes() + checks.encode()
    passed = cache_folder()
    passed.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        verdicts, files = [], 0
        for source_folder in sorted((project / "src").glob("*/")):
            sources, part = sorted(source_folder.glob("*.cc")), source_folder.name
            if not sources or (options.parts and part not in options.parts):
                continue
            files += len(sources)
            flags = flags_of(part, entries, source_folder)
            for number, text in enumerate(texts_of(part, sources)):
                text.write(Path(folder) / f"{part}_{number}.cc")
                verdicts.append(pool.submit(examine, text, flags, project, checks, salt, passed))
        findings = [verdict.result() for verdict in verdicts]
    for finding in filter(None, findings):
        print(finding)
    print(f"{files} files in {len(findings)} texts, {len(list(filter(None, findings)))} with findings")
    return 1 if any(findings) else 0


if __name__ == "__main__":
    sys.exit(main())
