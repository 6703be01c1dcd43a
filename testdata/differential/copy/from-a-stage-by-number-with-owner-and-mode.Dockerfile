FROM box AS first
FROM tiny
COPY --from=0 --chown=app /old /kept
COPY --from=first --chmod=640 /old/a /a
