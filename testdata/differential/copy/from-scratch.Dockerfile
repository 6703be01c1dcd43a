FROM scratch
COPY one /one
COPY --chown=1:2 dir /dir
VOLUME /v
