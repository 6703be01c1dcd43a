FROM tiny
COPY --from=box /old /old
COPY --from=docker.io/library/odd:latest /hard /hard
