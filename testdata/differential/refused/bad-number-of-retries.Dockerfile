FROM tiny
HEALTHCHECK --retries=many CMD true
