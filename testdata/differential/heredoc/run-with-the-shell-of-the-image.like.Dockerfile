# buildah 1.28 has no heredocs.
FROM box
SHELL ["/bin/sh", "-ec"]
RUN echo before > /out; echo after >> /out
