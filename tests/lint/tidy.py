#!/usr/bin/env python3
"""clang-tidy over the sources, as .clang-tidy says; a file that has not changed since it passed is not looked at again.

    tidy.py [--jobs N] BUILD_FOLDER [WORD...]    files whose name contains a word; all without

What a file's verdict depends on is its preprocessed text, the checks and the program, so a digest of these is kept for each
that passed. Exit code: 0 nothing to say, 1 findings.
"""
import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gbuild-tidy"


def preprocessed(entry):
    words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
    words = ["clang++", *words[1:]]
    for option in ["-c", "-o"]:
        at = words.index(option)
        del words[at:at + (2 if option == "-o" else 1)]
    done = subprocess.run([*words, "-E", "-P"], cwd=entry["directory"], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else os.urandom(16)


def examine(entry, salt, build, passed):
    digest = hashlib.sha256(salt + preprocessed(entry)).hexdigest()
    if (passed / digest).exists():
        return ""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", str(build), entry["file"]], capture_output=True, text=True,
                          check=False)
    if done.returncode == 0:
        (passed / digest).touch()
        return ""
    return done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("build", type=Path)
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    entries = [entry for entry in json.loads((options.build / "compile_commands.json").read_text())
               if Path(entry["file"]).is_relative_to(PROJECT / "src")
               and (not options.words or any(word in entry["file"] for word in options.words))]
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    salt = version + (PROJECT / ".clang-tidy").read_bytes()
    passed = cache_folder()
    passed.mkdir(parents=True, exist_ok=True)
    bad = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for findings in pool.map(lambda entry: examine(entry, salt, options.build, passed), entries):
            if findings:
                bad += 1
                print(findings, flush=True)
    print(f"{len(entries)} files, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
