FROM tiny
COPY --chown=nobody-knows one /x
