# buildah 1.28 has no --security.
FROM box
RUN echo ran > /ran
