# buildah 1.28 gives secrets as files only.
FROM box
RUN echo 2 > /out
