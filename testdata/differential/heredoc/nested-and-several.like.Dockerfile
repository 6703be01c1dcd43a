# buildah 1.28 has no heredocs.
FROM box AS made
RUN echo "a's <<b" > /a; echo "b's" > /b; echo '$text' > /y
FROM tiny
COPY --from=made /a /b /x/
COPY --from=made /y /y
