FROM tiny AS a
WORKDIR /w
COPY dir .
FROM a AS b
COPY --from=a . /root-of-a/
