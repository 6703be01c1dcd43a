FROM docker.io/library/tiny:latest
COPY --from=docker.io/library/box /old/a /a
