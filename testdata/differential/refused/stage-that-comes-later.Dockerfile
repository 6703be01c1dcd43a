FROM tiny AS a
COPY --from=b /x /y
FROM tiny AS b
