FROM linked AS from
FROM tiny
COPY --from=from /srv/way /way
COPY --from=from /srv/to-file /file
