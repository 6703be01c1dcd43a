FROM tiny
HEALTHCHECK --start-interval=3s --interval=1m CMD true
