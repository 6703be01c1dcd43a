# buildah takes names of stages as they are written; Dockerfile reference, FROM: they are case-insensitive.
FROM tiny AS First
COPY one /one
FROM tiny AS other
COPY --from=First /one /two
FROM First
COPY --from=other /two /two
