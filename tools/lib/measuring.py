"""What every part of the benchmark needs: timed commands, images that are kept, targets."""
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "integration"))

from harness.oci import PATH_ENV, Image, Layout  # noqa: E402

IMAGES = {"small": [], "big": ["python3", "python3-scipy", "g++", "git", "ffmpeg"]}


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def timed(*commands, cwd=None):
    """Runs commands one after the other: (seconds, peak memory). A command may be a list of lists: a pipe."""
    seconds, peak, _ = timed_output(*commands, cwd=cwd)
    return seconds, peak


def timed_output(*commands, cwd=None):
    """timed(), and what the last program of each command wrote to standard error."""
    start, peak, told = time.monotonic(), 0, b""
    for command in commands:
        stages = command if isinstance(command[0], list) else [command]
        children, source = [], subprocess.DEVNULL
        for number, words in enumerate(stages):
            last = number == len(stages) - 1
            child = subprocess.Popen([str(word) for word in words], stdin=source, cwd=cwd,
                                     stdout=subprocess.DEVNULL if last else subprocess.PIPE, stderr=subprocess.PIPE
                                     if last else subprocess.DEVNULL)
            if source is not subprocess.DEVNULL:
                source.close()
            source = child.stdout
            children.append(child)
        errors = children[-1].stderr.read()
        told += errors
        for child in children:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            peak = max(peak, usage.ru_maxrss * 1024)
            if child.returncode != 0:
                sys.exit(f"bench: {' '.join(map(str, stages[0]))} …: exit code {child.returncode}\n"
                         f"{errors.decode(errors='replace')}")
        children[-1].stderr.close()
    return time.monotonic() - start, peak, told.decode(errors="replace")


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gbuild-bench"


def made_once(name, explanation, make):
    """The folder `name` of the cache, complete or not there at all."""
    folder = cache_folder() / name
    if not folder.exists():
        note(f"{explanation}; it is kept in {folder}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / name
            make(made)
            made.rename(folder)
    return folder


def layout_of(name):
    packages = IMAGES[name]

    def make(made):
        tar = made.parent / "base.tar"
        subprocess.run([PROJECT / "tools" / "lib" / "bootstrap-debian", tar, *packages], check=True,
                       stdin=subprocess.DEVNULL, stdout=sys.stderr)
        Layout(made).add_image(Image([tar], {"Env": [PATH_ENV], "Cmd": ["bash"]}), "latest")

    return Layout(made_once(name, f"making the {name} image ({', '.join(packages) or 'nothing but the base'})", make))


def layer_of(layout):
    """The one layer of an image of layout_of(): a .tar.gz."""
    digest = layout.document(layout.tagged("latest"))["layers"][0]["digest"]
    return layout.path / "blobs" / "sha256" / digest.removeprefix("sha256:")


@dataclass
class Target:
    """A promise about what was measured: how much faster, or smaller, or how little memory."""
    text: str
    value: object  # of what was measured; KeyError where a part of it was not
    holds: object  # of the value
    show: str = "{:.1f} ×"
    images: tuple = ("small", "big")


def verdicts(targets, measured):
    for target in targets:
        try:
            value = target.value(measured)
        except KeyError:
            continue
        yield target, value, target.holds(value)


def print_verdicts(targets, measured):
    for target, value, good in verdicts(targets, measured):
        print(f"  {'met   ' if good else 'MISSED'} {target.text}: {target.show.format(value)}")


def verdicts_as_json(targets, measured):
    return [{"target": target.text, "value": value, "met": good} for target, value, good in verdicts(targets, measured)]
