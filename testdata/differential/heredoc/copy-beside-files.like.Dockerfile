# buildah 1.28 has no heredocs.
FROM box AS made
RUN echo text > /made; printf "a 'b' \"c\" \\\\ x\nd\n" > /y
FROM tiny
COPY one two /mixed/
COPY --from=made /made /mixed/
COPY --from=made /y /added/
