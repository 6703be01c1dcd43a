# buildah 1.28 has no --link; the tree is the same without.
FROM tiny
COPY one /a/b/one
COPY --chown=12:34 dir /dir/
COPY two /two
