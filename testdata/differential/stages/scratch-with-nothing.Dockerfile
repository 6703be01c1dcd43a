FROM tiny AS a
FROM scratch
COPY --from=a /etc/passwd /etc/
WORKDIR /w
ENV A=1
