FROM tiny AS me
COPY --from=me /etc/passwd /x
