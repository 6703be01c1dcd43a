# buildah 1.28 has no heredocs.
FROM box
RUN echo ran > /out
