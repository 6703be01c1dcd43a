FROM tiny AS builder
COPY dir /built
WORKDIR /made
FROM tiny
COPY --from=builder /built /b
COPY --from=0 /etc/passwd /p
COPY --from=builder built/sub /relative
