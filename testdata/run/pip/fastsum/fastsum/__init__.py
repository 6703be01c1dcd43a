"""Adds numbers up."""
import sys

from ._sum import total


def main():
    print(total(int(word) for word in sys.argv[1:]))
