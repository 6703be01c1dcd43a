FROM tiny
COPY --link one /a/b/one
COPY --link --chown=12:34 dir /dir/
COPY --link=false two /two
