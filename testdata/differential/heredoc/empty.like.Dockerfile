# buildah 1.28 has no heredocs.
FROM tiny
RUN ["/bin/sh", "-c", ": > /empty; echo > /blank"]
