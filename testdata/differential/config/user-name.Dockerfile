FROM tiny
USER app
