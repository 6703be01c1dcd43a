# Of stages with one name BuildKit takes the last; buildah 1.28 most often the first, sometimes the last.
FROM tiny AS a
COPY one /one
FROM tiny AS b
COPY two /two
FROM b
