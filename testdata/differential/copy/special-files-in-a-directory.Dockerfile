FROM tiny
COPY --from=special . /special/
