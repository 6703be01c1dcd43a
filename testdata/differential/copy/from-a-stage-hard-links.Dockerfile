FROM odd
FROM tiny
COPY --from=0 /hard /hard
