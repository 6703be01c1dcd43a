FROM tiny
COPY --chmod=700 one /p/q/one
