# buildah 1.28 writes to the context itself; Dockerfile reference, RUN --mount=type=bind: written data will be discarded.
FROM box
RUN echo a > /out; echo x >> /out
RUN echo gone > /out2
