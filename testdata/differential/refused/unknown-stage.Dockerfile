FROM tiny
COPY --from=9 /x /y
