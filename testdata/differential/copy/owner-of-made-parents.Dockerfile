FROM tiny
COPY --chown=app:staff one /made/by/copy/one
COPY --chown=12:34 dir /other/dir/
