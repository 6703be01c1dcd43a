FROM tiny
COPY --chown=app:staff one /a
COPY --chown=app two /b
COPY --chown=:staff one /c
COPY --chown=root one /d
