FROM tiny AS builder
COPY . /ctx
FROM tiny
COPY --from=builder /ctx/*.log /ctx/src/*.c /logs/
COPY --from=builder /ctx/d*/ /dirs/
