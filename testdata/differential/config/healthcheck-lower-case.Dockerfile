FROM tiny
HEALTHCHECK --retries=1 cmd true
