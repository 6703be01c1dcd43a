FROM tiny AS from
COPY keep.log /x.log
FROM tiny
COPY --from=from /x.log /y.log
