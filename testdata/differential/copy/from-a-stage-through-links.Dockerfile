FROM linked AS from
FROM tiny
COPY --from=from /srv/way/file /a
COPY --from=from /srv/way/ /b/
COPY --from=from /srv/far/file /c
COPY --from=from /bin /bin-of-linked
