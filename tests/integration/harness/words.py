"""Random words of the language that the Dockerfile's expansion and POSIX's share, and what makes them smaller.

A word is a list of parts: texts that stand for themselves, or (open, parts, close). Any list of parts is a word, so that
parts can be left out at will. Left out is what BuildKit, whose rules gbuild follows, and POSIX do not share: quotes and
escapes inside "${…}" in double quotes, bracket expressions, special parameters, command substitution, tildes.
"""

VARIABLES = {"x": "value", "y": "a b", "empty": "", "path": "/usr/lib/x.tar.gz", "stars": "a***yy*", "long_1": "x" * 40}
NAMES = [*VARIABLES, "none", "undefined_2"]
PLAIN = ["a", "b", "Z9", "_", "/", ".", ",", "=", ":", "-", "+", "%", "@", "#", "?", "*", "}"]


def text_of(parts):
    return "".join(part if isinstance(part, str) else part[0] + text_of(part[1]) + part[2] for part in parts)


class Maker:
    def __init__(self, random):
        self.random = random

    def word(self):
        """In no quotes."""
        return [self.unquoted(0) for _ in range(self.random.randint(1, 8))]

    def heredoc_line(self):
        """Of a here-document that is expanded: quotes are nothing special."""
        return [self.quoted(0, ["'", '"', " ", ";", "(", "|", "€"], ["\\$", "\\\\"]) for _ in range(self.random.randint(0, 8))]

    def unquoted(self, depth):
        choice = self.random.random()
        if choice < 0.35:
            return self.random.choice(PLAIN)
        if choice < 0.45:
            return "\\" + self.random.choice(" $'\"\\a}{*?;&|<>()#~`")
        if choice < 0.55:
            return "'" + "".join(self.random.choice([*PLAIN, " ", "\\", "$x", '"', "${", "€", ";"])
                                 for _ in range(self.random.randint(0, 4))) + "'"
        if choice < 0.7:
            inner = [self.quoted(depth, [" ", "'", ";", "~", "(", "{", "€"], ['\\"', "\\$", "\\\\", "\\a"])
                     for _ in range(self.random.randint(0, 5))]
            return ('"', inner, '"')
        return self.variable(depth, self.in_braces)

    def quoted(self, depth, more, escapes):
        choice = self.random.random()
        if choice < 0.5:
            return self.random.choice([*PLAIN, *more])
        if choice < 0.6:
            return self.random.choice(escapes)
        return self.variable(depth, self.in_quoted_braces)

    def variable(self, depth, inner):
        name = self.random.choice(NAMES)
        choice = self.random.random()
        if choice < 0.1:
            return self.random.choice(["$/", "$.", "$%", "$,", "$="])
        if choice < 0.3:
            return "$" + name
        if choice < 0.45 or depth == 3:
            return "${" + name + "}"
        if choice < 0.75:
            operation = self.random.choice([":-", "-", ":+", "+"])
            return ("${" + name + operation, [inner(depth + 1) for _ in range(self.random.randint(0, 3))], "}")
        operation = self.random.choice(["#", "##", "%", "%%"])
        return ("${" + name + operation, [self.in_pattern(inner) for _ in range(self.random.randint(1, 3))], "}")

    def in_braces(self, depth):
        choice = self.random.random()
        if choice < 0.5:
            return self.random.choice([part for part in PLAIN if part != "}"])
        if choice < 0.6:
            return "\\" + self.random.choice("}$\\ a")
        if choice < 0.7:
            return "'" + "".join(self.random.choice(["a", " ", "}", "$x"]) for _ in range(self.random.randint(0, 3))) + "'"
        return self.variable(depth, self.in_braces)

    def in_quoted_braces(self, depth):
        if self.random.random() < 0.6:
            return self.random.choice([part for part in PLAIN if part != "}"])
        return self.variable(depth, self.in_quoted_braces)

    def in_pattern(self, inner):
        # A pattern that begins with the operator's own character would be the other operator.
        return self.random.choice(["a", "x", "*", "?", ".", "/", "y*", "*/", *(["\\*", "\\?"] if inner == self.in_braces else [])])


def smaller(parts):
    """Words with something left out."""
    for i, part in enumerate(parts):
        yield parts[:i] + parts[i + 1:]
        if isinstance(part, str):
            continue
        yield parts[:i] + part[1] + parts[i + 1:]
        for inner in smaller(part[1]):
            yield [*parts[:i], (part[0], inner, part[2]), *parts[i + 1:]]
