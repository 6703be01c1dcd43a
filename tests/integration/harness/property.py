"""Properties that hold for generated inputs: how many there are, from which seed, and the smallest one that fails."""
import json
import os
import random

from .parts import PROJECT

KEPT = PROJECT / "testdata" / "property"


def count(share):
    """How many inputs a property gets: its share of $GBUILD_PROPERTY_COUNT, which is 2,000 where nothing else is said and
    200,000 in a long run."""
    return max(1, int(int(os.environ.get("GBUILD_PROPERTY_COUNT", "2000")) * share))


def seed():
    return int(os.environ.get("GBUILD_PROPERTY_SEED", "1"))


def generator(name):
    print(f"     {name}: GBUILD_PROPERTY_SEED={seed()}", flush=True)
    return random.Random(f"{name} {seed()}")


def kept(name):
    """Inputs that were found once: testdata/property/NAME/*.json, sorted."""
    return [json.loads(path.read_text()) for path in sorted((KEPT / name).glob("*.json"))]


def shrunk(items, fails, most=200):
    """The list with as few items as possible that still fails, within `most` tries."""
    items = list(items)
    part = max(1, len(items) // 2)
    while items and most > 0:
        at = 0
        while at < len(items) and most > 0:
            fewer = items[:at] + items[at + part:]
            most -= 1
            if fails(fewer):
                items = fewer
            else:
                at += part
        if part == 1:
            return items
        part //= 2
    return items
