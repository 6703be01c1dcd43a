FROM odd
FROM scratch
COPY --from=0 / /
VOLUME /v
