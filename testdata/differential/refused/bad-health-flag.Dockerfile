FROM tiny
HEALTHCHECK --interval=often CMD true
