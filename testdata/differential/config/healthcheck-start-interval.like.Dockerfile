# buildah 1.28 has no --start-interval.
FROM tiny
HEALTHCHECK --interval=1m CMD true
